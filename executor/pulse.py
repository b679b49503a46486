"""What goes on beside the executions: heartbeats, word from others, and what those who watch are to see."""

import asyncio
import time
from contextlib import suppress

import structlog

from executor.api import Api, BackendAway, BackendRefused
from executor.clock import BackendClock
from executor.holdings import Holdings
from executor.queue import Queue, QueueAway

TELL_S = 0.25
MAX_PAUSE_S = 2.0

_log = structlog.get_logger("executor.pulse")


class Pulse:
    """Each method runs as a task of its own until it is cancelled."""

    def __init__(self, api: Api, queue: Queue, clock: BackendClock, holdings: Holdings) -> None:
        self._api = api
        self._queue = queue
        self._clock = clock
        self._holdings = holdings
        self._beat_now = asyncio.Event()
        self._asked: list[asyncio.Future[None]] = []

    def soon(self) -> None:
        """Somebody wants something of an execution: the next heartbeat tells what, and leaves now."""
        self._beat_now.set()

    async def asked(self) -> None:
        """Returns when a heartbeat that left from now on was answered."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append(waiter)
        self.soon()
        await waiter

    async def beat(self) -> None:
        """Renews every lease in one call, every 10 s, and at once when somebody wants something of an execution."""
        interval_s = self._api.registered.heartbeat_s
        pause = interval_s
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._beat_now.wait(), pause)
            self._beat_now.clear()
            pause = interval_s if await self._renew() else min(1.0, interval_s)

    async def _renew(self) -> bool:
        sent_at = time.monotonic()
        beat, held = self._holdings.beat()
        asked = len(self._asked)
        try:
            answer = await self._api.heartbeat(beat)
        except BackendAway as error:
            _log.warning("a heartbeat got no answer", held=len(held), reason=str(error))
            return False
        except BackendRefused as refusal:
            _log.error("the backend refuses a heartbeat", status=refusal.status, detail=refusal.detail)
            return False
        self._clock.set(answer.now)
        self._holdings.answered(held, sent_at, self._api.registered.lease_s, answer)
        for waiter in self._asked[:asked]:
            if not waiter.done():
                waiter.set_result(None)
        del self._asked[:asked]
        return True

    async def keep(self) -> None:
        """Keeps this process's list in Redis from expiring."""
        while True:
            await asyncio.sleep(self._api.registered.heartbeat_s)
            try:
                await self._queue.keep()
            except QueueAway:
                continue  # the fetching loop says so, and lists are worth nothing

    async def tell(self) -> None:
        """For those who watch: what pure steps have done does not wait for their chain's end longer than this."""
        while True:
            await asyncio.sleep(TELL_S)
            for held in self._holdings:
                if held.run is not None:
                    held.run.tell_progress(TELL_S)

    async def listen(self) -> None:
        """Hears that somebody wants something of an execution held here; the heartbeat then tells what."""
        pause = 0.1
        while True:
            try:
                async for execution_id in self._queue.controls():
                    pause = 0.1
                    if execution_id in self._holdings:
                        self.soon()
            except QueueAway:
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)
