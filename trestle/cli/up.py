"""`python -m trestle up`: everything on this machine, under one supervisor, until Ctrl-C."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from trestle.cli import orphans, ports
from trestle.cli.console import Console
from trestle.cli.embedded import EmbeddedServers
from trestle.cli.errors import StopRequested
from trestle.cli.home import Home
from trestle.cli.keys import Keys
from trestle.cli.services import Services
from trestle.cli.settings import LOOPBACK, Settings
from trestle.cli.signals import Signals
from trestle.cli.supervisor import Supervisor


def up(home: Path | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Start everything, say where it is, look after it, stop it in order. Returns the exit code; raises LaunchError."""
    environ = os.environ if environ is None else environ
    settings = Settings.read(environ, home)
    console = Console()
    folder = Home(settings.home)
    folder.create()
    with folder.locked():
        keys = Keys.load(folder, environ)
        ports.require_free(settings.host, settings.backend_port, "TRESTLE_BACKEND_PORT")
        ports.require_free(settings.host, settings.web_port, "TRESTLE_WEB_PORT")
        orphans.end_all(folder.children)
        console.say(f"Starting Trestle with its data in {settings.home}")
        try:
            with Supervisor(console, Signals(), folder.children) as supervisor:
                try:
                    _start(settings, keys, folder, environ, supervisor, console)
                    supervisor.run()
                except StopRequested:
                    console.say("Stopping: running steps are finished first (Ctrl-C again: at once)")
        except StopRequested:
            pass  # asked again, or while a failed start was being cleaned up
        console.say("Stopped. Everything is kept for the next start.")
    return 0


def _start(settings: Settings, keys: Keys, home: Home, environ: Mapping[str, str], supervisor: Supervisor, console: Console) -> None:
    servers = EmbeddedServers(home, keys, supervisor, console)
    redis_url = settings.redis_url or servers.start_valkey()
    database_url = settings.database_url or servers.start_postgres()
    services = Services(settings, keys, home, environ, database_url, redis_url)
    # Python needs a second or two to load each of them; meanwhile the servers come up, and the tables are brought up to date.
    web = supervisor.start(services.web())
    executor = supervisor.start(services.executor())
    servers.wait_ready()
    began = time.monotonic()
    backend = supervisor.start(services.backend())  # it waits for the tables, which takes it no longer than to load
    supervisor.run_to_end(services.migrate())
    console.done("The database's tables are up to date", time.monotonic() - began)
    began = time.monotonic()
    supervisor.wait_ready([backend, executor, web])
    console.done("Backend, executor and web interface are up", time.monotonic() - began)
    console.say("")
    console.say(f"  Trestle is ready: {console.bold(settings.web_url)}   ({time.monotonic() - console.began:.1f} s)")
    console.say(f"  API {settings.backend_url.replace(LOOPBACK, 'localhost')}/docs · logs {home.logs} · Ctrl-C stops everything")
    console.say("")
