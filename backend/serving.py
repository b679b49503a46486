"""The backend as a process: settings, the application, the HTTP server."""

import asyncio
import gc
import socket
import sys

import uvicorn
from fastapi import FastAPI

from backend import tables
from backend.app import create_app
from backend.services import Services
from backend.settings import Settings, SettingsError


def main() -> int:
    """Serves until told to stop (SIGTERM, Ctrl-C); requests under way are answered first."""
    try:
        settings = Settings.read()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    app = create_app(settings)
    asyncio.run(tables.wait(settings.dsn))
    # What was loaded lives as long as the process: set aside, it holds up no request while it is walked.
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(
        app,
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
    server = _Server(config, app)
    server.run()
    return 0 if server.started else 3


class _Server(uvicorn.Server):
    """Lets streams of events end before it waits for requests to be answered: they would never be."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams, then the rest."""
        services: Services = self._app.state.services
        services.doorbell.close()
        await super().shutdown(sockets)
