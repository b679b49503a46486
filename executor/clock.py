"""Two clocks: the backend's, for what is stored and compared; this process's own steady one, for leases."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

LEASE_MARGIN_S = 1.0
"""Taken off every lease, for clocks that run at slightly different speeds."""


class BackendClock:
    """The backend's time, carried on by this machine's steady clock from the last answer. Its wall clock plays no part."""

    __slots__ = ("_at", "_base")

    def __init__(self) -> None:
        self._base = datetime.now(UTC)
        self._at = time.monotonic()

    def set(self, now: datetime) -> None:
        """The backend just said what time it is."""
        self._base, self._at = now, time.monotonic()

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._base + timedelta(seconds=time.monotonic() - self._at)


class Lease:
    """Until when this process may act for an execution, by its own clock, counted from when the renewal was sent."""

    __slots__ = ("_refresh", "_until", "_waiters")

    def __init__(self, sent_at: float, lease_s: float, refresh: Callable[[], Awaitable[None]]) -> None:
        self._refresh = refresh
        self._until = 0.0
        self._waiters: list[asyncio.Future[None]] = []
        self.renew(sent_at, lease_s)

    def holds(self) -> bool:
        """Whether a step with effects may start."""
        return time.monotonic() < self._until

    def renew(self, sent_at: float, lease_s: float) -> None:
        """A claim or a heartbeat that was sent at `sent_at` (time.monotonic) was answered."""
        self._until = max(self._until, sent_at + lease_s - LEASE_MARGIN_S)
        if self._waiters and self.holds():
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()

    async def held(self) -> None:
        """Returns while the lease holds; after it ran out, when a heartbeat has won it back. Cancelled if it never does."""
        while not self.holds():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def refreshed(self) -> None:
        """Returns when a heartbeat that left from now on was answered."""
        await self._refresh()
