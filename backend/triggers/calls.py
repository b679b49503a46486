"""When webhooks (and API keys) were last used, and how often webhooks may be called."""

import asyncio
import time
from uuid import UUID

import asyncpg

from backend.background import for_ever, stop
from backend.errors import TooManyRequests

_EVERY_S = 1.0

_NOTE = "update triggers set last_fired_at = now() where id = any($1::uuid[])"


class Bucket:
    """How many calls a path may still take: up to `rate` at once, and so many a second. Of this process."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._at = time.monotonic()

    def take(self) -> None:
        """One call. Raises TooManyRequests when there are too many."""
        now = time.monotonic()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            raise TooManyRequests(f"This webhook takes {self._rate:g} calls a second. Call again a little later.", retry_after_s=1)
        self._left -= 1


class LastCalls:
    """Writes down when triggers fired: once a second for all that did, beside the calls themselves.

    `statement` does so for other things that are used: its parameter are their ids.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", statement: str = _NOTE) -> None:
        self._pool = pool
        self._statement = statement
        self._fired: set[UUID] = set()
        self._writer: asyncio.Task[None] | None = None

    def note(self, ident: UUID) -> None:
        """It was used just now."""
        self._fired.add(ident)

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(for_ever("last_calls", self._write))

    async def aclose(self) -> None:
        """Stop. What was noted in the last second is written."""
        await stop(self._writer)
        await self._flush()

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            await self._flush()

    async def _flush(self) -> None:
        if self._fired:
            fired, self._fired = self._fired, set()
            # In one order, so that two processes can't wait for each other's rows.
            await self._pool.execute(self._statement, sorted(fired))
