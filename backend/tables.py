"""Waits for the tables that this code needs: a backend may be started while somebody else still brings them up to date."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog

from trestle.cli.migrate import revisions

_LOOK_AGAIN_S = 0.1
_CONNECT_AGAIN_S = 1.0
_SAID_EVERY_S = 30.0

log = structlog.get_logger(__name__)


async def wait(dsn: str) -> None:
    """Returns once the database is at this code's newest revision, or at one that this code does not know: then it is newer.

    Without an answer from the database it returns at once: whoever needs it says what is wrong with it. One that has answered, and had
    older tables, is waited for also while it restarts.
    """
    known = revisions()
    said = time.monotonic() - _SAID_EVERY_S + 2
    answered = False
    while True:
        try:
            async with _connected(dsn) as connection:
                while not known.serves(await known.of(connection)):
                    answered = True
                    if time.monotonic() - said >= _SAID_EVERY_S:
                        log.warning("waiting_for_tables", hint="Bring them up to date: `python -m trestle migrate`.")
                        said = time.monotonic()
                    await asyncio.sleep(_LOOK_AGAIN_S)
            return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            log.info("tables_not_looked_at", error=f"{type(error).__name__}: {error}")
            if not answered:
                return
        await asyncio.sleep(_CONNECT_AGAIN_S)


@asynccontextmanager
async def _connected(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=10)
    try:
        yield connection
    finally:
        await connection.close()
