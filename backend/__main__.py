"""`python -m backend`: serves the API on TRESTLE_HOST and TRESTLE_BACKEND_PORT."""

import sys

import uvicorn

from backend.app import create_app
from backend.settings import Settings, SettingsError


def main() -> int:
    """Serves until told to stop (SIGTERM, Ctrl-C); requests under way are answered first."""
    try:
        settings = Settings.read()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
