"""The installation's own servers, under a supervisor: for `up`, and for commands that need the database while nothing runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trestle.cli import orphans, ports
from trestle.cli.child import Child
from trestle.cli.console import Console
from trestle.cli.errors import StopRequested
from trestle.cli.home import Home
from trestle.cli.keys import Keys
from trestle.cli.postgres import Postgres
from trestle.cli.settings import Settings
from trestle.cli.signals import Signals
from trestle.cli.supervisor import Supervisor
from trestle.cli.valkey import Valkey


class EmbeddedServers:
    """Starts PostgreSQL and Valkey on free ports. Both may come up side by side: start them, then `wait_ready`."""

    def __init__(self, home: Home, keys: Keys, supervisor: Supervisor, console: Console) -> None:
        self._home = home
        self._keys = keys
        self._supervisor = supervisor
        self._console = console
        self._children: list[Child] = []
        self._began = time.monotonic()

    def start_valkey(self) -> str:
        """Start it; answers the URL where it will be. Raises LaunchError."""
        valkey = Valkey.find(self._home.valkey, self._home.logs, self._keys.valkey_password)
        port = ports.free_port()
        self._children.append(self._supervisor.start(valkey.server(port)))
        return valkey.url(port)

    def start_postgres(self) -> str:
        """Start it, after making its data folder the first time; answers the URL where it will be. Raises LaunchError."""
        postgres = Postgres.find(self._home.path, self._home.postgres, self._home.logs, self._keys.postgres_password)
        if postgres.is_new:
            self._console.doing("Making the database (only at the first start)")
            self._supervisor.run_to_end(postgres.init())
            postgres.adopt()
        port = ports.free_port()
        self._children.append(self._supervisor.start(postgres.server(port)))
        return postgres.url(port)

    def wait_ready(self) -> None:
        """Until those that were started accept connections."""
        self._supervisor.wait_ready(self._children)
        if self._children:
            titles = " and ".join(sorted(child.title for child in self._children))
            self._console.done(f"{titles} {'are' if len(self._children) > 1 else 'is'} up", time.monotonic() - self._began)


@contextmanager
def own_database(home: Path | None = None) -> Iterator[str]:
    """URL of the installation's database for the length of a block, in which it alone runs. Raises LaunchError while `up` runs."""
    folder = Home(Settings.read(os.environ, home).home)
    folder.create()
    with folder.locked():
        keys = Keys.load(folder, os.environ)
        orphans.end_all(folder.children)
        console = Console()
        try:
            with Supervisor(console, Signals(), folder.children) as supervisor:
                servers = EmbeddedServers(folder, keys, supervisor, console)
                url = servers.start_postgres()
                servers.wait_ready()
                yield url
        except StopRequested:
            raise KeyboardInterrupt from None
