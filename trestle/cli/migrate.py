"""`python -m trestle migrate`: bring the database's tables up to date."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trestle.cli.errors import LaunchError
from trestle.cli.services import PROJECT

if TYPE_CHECKING:
    import asyncpg

_SCRIPTS = PROJECT / "alembic"
_UNREACHABLE_FOR_S = 60.0
# What a migration file says of itself: revision = "…", down_revision = "…" (with or without an annotation).
_REVISION = re.compile(r"^(down_)?revision(?:\s*:[^=\n]+)?\s*=\s*(.+)$", re.MULTILINE)
_QUOTED = re.compile(r"""["']([^"']+)["']""")


def migrate(message: str | None = None) -> int:
    """Upgrade DATABASE_URL, or the installation's own database where that isn't set, to the newest revision.

    Waits for a server that isn't up yet; quick when there is nothing to do. With `message`: write a new revision file from the
    difference between models and tables instead. Raises LaunchError.
    """
    if url := os.environ.get("DATABASE_URL"):
        return _migrate(url, message)
    from trestle.cli.embedded import own_database

    with own_database() as url:
        if message is not None:
            _migrate(url, None)  # the difference counts from the newest tables
        return _migrate(url, message)


def _migrate(url: str, message: str | None) -> int:
    known = revisions()
    if message is None and asyncio.run(_current(url, known)) == known.newest:
        sys.stdout.write("The database is up to date.\n")
        return 0
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["database_url"] = url
    if message is not None:
        command.revision(config, message=message, autogenerate=True, rev_id=_next_number())
    else:
        command.upgrade(config, "head")
        sys.stdout.write(f"The database is now at {', '.join(sorted(known.newest))}.\n")
    return 0


@dataclass(frozen=True)
class Revisions:
    """What this code knows of the tables' history."""

    known: frozenset[str]
    newest: frozenset[str]

    def serves(self, current: frozenset[str]) -> bool:
        """Whether this code can work with a database at these revisions: its newest, or some that only newer code knows."""
        return current == self.newest or not current <= self.known

    async def of(self, connection: asyncpg.Connection[Any]) -> frozenset[str]:
        """Those that a database is at; empty for a new one."""
        if await connection.fetchval("select to_regclass('alembic_version')") is None:
            return frozenset()
        return frozenset(row["version_num"] for row in await connection.fetch("select version_num from alembic_version"))


def revisions() -> Revisions:
    """Read from the files' text: loading alembic and SQLAlchemy for this would cost each start half a second."""
    known: set[str] = set()
    replaced: set[str] = set()
    for path in sorted(Path(_SCRIPTS, "versions").glob("*.py")):
        for down, value in _REVISION.findall(path.read_text()):
            (replaced if down else known).update(_QUOTED.findall(value))
    return Revisions(frozenset(known), frozenset(known - replaced))


def _next_number() -> str:
    """The number of the next revision: 0002 after 0001."""
    numbers = [int(path.name[:4]) for path in Path(_SCRIPTS, "versions").glob("[0-9][0-9][0-9][0-9]_*.py")]
    return f"{max(numbers, default=0) + 1:04d}"


async def _current(url: str, known: Revisions) -> frozenset[str]:
    """The revisions the database is at; empty for a new one. Waits up to a minute for the server to accept connections."""
    import asyncpg

    deadline = time.monotonic() + _UNREACHABLE_FOR_S
    while True:
        try:
            connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1), timeout=10)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError) as error:
            if time.monotonic() > deadline:
                raise LaunchError(
                    f"The PostgreSQL of DATABASE_URL cannot be reached ({error}): is it running, and is the address right?"
                ) from error
            await asyncio.sleep(0.2)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise LaunchError(f"The PostgreSQL of DATABASE_URL refuses: {error}. Check user, password and database name.") from error
        else:
            break
    try:
        return await known.of(connection)
    finally:
        await connection.close()
