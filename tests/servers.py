"""Real PostgreSQL and Valkey for tests: the launcher's own embedded servers in a temporary folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import redis

from trestle.cli import logs, ports
from trestle.cli.child import Child, ChildSpec
from trestle.cli.home import Home
from trestle.cli.keys import Keys
from trestle.cli.postgres import TUNING, Postgres
from trestle.cli.services import PROJECT
from trestle.cli.valkey import Valkey


def start(spec: ChildSpec, *, timeout_s: float = 180) -> Child:
    """Start a child and wait until it is ready. Raises RuntimeError with the end of its log when it isn't."""
    child = Child(spec)
    child.start()
    wait_ready(child, timeout_s=timeout_s)
    return child


def wait_ready(child: Child, *, timeout_s: float = 180) -> None:
    """Until `child` is ready. Raises RuntimeError with the end of its log when it died or takes too long."""
    deadline = time.monotonic() + timeout_s
    while not child.probe():
        ended = child.process is not None and child.process.poll() is not None
        if ended or time.monotonic() > deadline:
            how = child.ending if ended else f"is not ready after {timeout_s} s ({child.missing})"
            raise RuntimeError(f"{child.title} {how}. Its log:\n{logs.tail(child.spec.log, 40)}")
        time.sleep(0.02)


def stop(child: Child, number: signal.Signals | None = None, *, timeout_s: float = 40) -> int:
    """Send its stop signal (or `number`) and wait for the end. Answers the exit code; negative: ended by that signal."""
    assert child.process is not None
    if child.process.poll() is None:
        child.process.send_signal(number or child.spec.stop_signal)
    return child.process.wait(timeout_s)


@dataclass
class Servers:
    """A running pair of servers on one home folder."""

    home: Home
    keys: Keys
    postgres: Child
    valkey: Child
    postgres_port: int
    valkey_port: int

    def database_url(self, database: str = "postgres") -> str:
        """Where a client finds one database of this PostgreSQL."""
        port = self.postgres_port
        return Postgres(Path(), Path(), Path(), self.keys.postgres_password, "", 0).url(port, database)

    @property
    def redis_url(self) -> str:
        """Where a client finds this Valkey."""
        return Valkey(Path(), Path(), Path(), self.keys.valkey_password).url(self.valkey_port)

    def flush(self) -> None:
        """FLUSHALL: the queue forgets everything."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()

    def execute(self, sql: str, database: str = "postgres") -> None:
        """Run one statement."""

        async def run() -> None:
            connection = await asyncpg.connect(self.database_url(database))
            try:
                await connection.execute(sql)
            finally:
                await connection.close()

        _outside_of_loops(run)

    def stop(self) -> None:
        """Stop both, PostgreSQL by its fast and clean shutdown."""
        for child in (self.valkey, self.postgres):
            stop(child)


def _outside_of_loops(run: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a coroutine function to its end, also when this thread is inside a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(run())).result()


def make(folder: Path) -> Home:
    """A home folder with a fresh, empty PostgreSQL data folder; nothing runs."""
    home = Home(folder)
    home.create()
    keys = Keys.load(home, {})
    postgres = Postgres.find(home.path, home.postgres, home.logs, keys.postgres_password)
    task = Child(postgres.init())
    task.start()
    assert task.process is not None
    if task.process.wait(180) != 0:
        raise RuntimeError(f"initdb failed:\n{logs.tail(task.spec.log, 40)}")
    postgres.adopt()
    return home


def make_migrated(folder: Path) -> Home:
    """A home folder whose database has the newest tables; nothing runs."""
    with running(make(folder), durable=False) as servers:
        migrate(servers.database_url())
    return Home(folder)


def copy(template: Home, folder: Path) -> Home:
    """A copy of a home folder in which nothing runs: quicker than making one."""
    shutil.copytree(template.path, folder, dirs_exist_ok=True)
    return Home(folder)


def migrate(database_url: str) -> None:
    """Bring a database's tables up to date, by the documented command."""
    command = [sys.executable, "-m", "trestle", "migrate"]
    done = subprocess.run(
        command, env={**os.environ, "DATABASE_URL": database_url}, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"migrate failed:\n{done.stdout}{done.stderr}")


def start_servers(home: Home, *, durable: bool = True, tuning: Mapping[str, str] | None = None) -> Servers:
    """Start both servers, PostgreSQL with `tuning` on top of the launcher's settings.

    `durable=False` drops fsync: quicker, where no test depends on a crash of the machine.
    """
    keys = Keys.load(home, {})
    lax = {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    chosen = {**TUNING, **lax, **(tuning or {})}
    postgres_port, valkey_port = ports.free_port(), ports.free_port()
    postgres = Child(Postgres.find(home.path, home.postgres, home.logs, keys.postgres_password).server(postgres_port, chosen))
    valkey = Child(Valkey.find(home.valkey, home.logs, keys.valkey_password).server(valkey_port))
    servers = Servers(home, keys, postgres, valkey, postgres_port, valkey_port)
    for child in (postgres, valkey):
        child.start()
    for child in (postgres, valkey):
        wait_ready(child)
    return servers


@contextmanager
def running(home: Home, *, durable: bool = True) -> Iterator[Servers]:
    """Both servers for the length of a block."""
    servers = start_servers(home, durable=durable)
    try:
        yield servers
    finally:
        servers.stop()
