"""Serve the built front end and its event socket on one port: `python -m web`. Needs no node.js and compiles nothing."""

import gc
import os
import sys
import tempfile
from pathlib import Path

import uvicorn
from pydantic import ValidationError

from web.services import services
from web.settings import Settings

MOST_BYTES = 16 * 1024 * 1024
"""A message of the browser with more than this closes its connection; a test input or a pin of some megabytes is none too many."""


def prepare(settings: Settings) -> None:
    """Tell Reflex by its environment to serve what was built. Must happen before `web.app` is imported.

    Raises `FileNotFoundError` where nothing was built.
    """
    dist = settings.web_build / "dist"
    if not (dist / "stamp").is_file():
        raise FileNotFoundError(f"There is no built front end in {settings.web_build}. Build it first: python -m web.build")
    scratch = Path(tempfile.gettempdir()) / f"trestle-web-{os.getpid()}"
    os.environ |= {
        "__REFLEX_SKIP_COMPILE": "true",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        "REFLEX_BACKEND_ONLY": "true",  # no link of assets into the working directory
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_WEB_WORKDIR": str(dist),
        "REFLEX_STATES_WORKDIR": str(scratch / "states"),
        "REFLEX_DIR": str(scratch / "reflex"),
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_USE_NPM": "1",
        "REFLEX_SOCKET_MAX_HTTP_BUFFER_SIZE": str(MOST_BYTES),
    }


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    try:
        settings = services().settings
        prepare(settings)
    except ValidationError as error:
        problems = [f"TRESTLE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        sys.stderr.write("web: these settings are missing or wrong:\n  " + "\n  ".join(problems) + "\n")
        return 2
    except FileNotFoundError as error:
        sys.stderr.write(f"web: {error}\n")
        return 2
    gc.disable()
    from web.app import app  # Reflex reads its environment on import

    application = app()
    # Importing made much that lives as long as the process; collected and set aside, it is not walked again and again.
    gc.collect()
    gc.freeze()
    gc.enable()
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.web_port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="h11",
        ws="wsproto",
        ws_max_size=MOST_BYTES,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
