"""How a process comes by executions: ids from the queue, claimed; while the queue is away, by asking the backend for any."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import structlog

from executor.api import Api, BackendAway, BackendRefused
from executor.clock import BackendClock
from executor.holdings import Holdings
from executor.queue import Queue, QueueAway
from trestle.contracts.jobs import Claim, Job

ASK_ANY_S = 15.0
"""How often an idle executor asks for any execution, in case the queue lost an id or is dead without a sign."""
CLAIMS_AT_ONCE = 2
CLAIM_ID_S = 10.0
"""How long a claim without an answer is repeated under the same id: well within the lease that it may have won."""
MAX_PAUSE_S = 2.0

_log = structlog.get_logger("executor.taking")


class Taker:
    """Takes executions while there is room for them. `begin(job, sent_at)` gets each; `on_quarantine` hears that some wait for a lane."""

    def __init__(
        self,
        api: Api,
        queue: Queue,
        clock: BackendClock,
        holdings: Holdings,
        *,
        concurrency: int,
        begin: Callable[[Job, float], None],
        on_quarantine: Callable[[], None],
    ) -> None:
        self._api = api
        self._queue = queue
        self._clock = clock
        self._holdings = holdings
        self._concurrency = concurrency
        self._begin = begin
        self._on_quarantine = on_quarantine
        self._reserved = 0
        self.claims: set[asyncio.Task[None]] = set()
        """Claims under way."""

    async def fetch(self) -> None:
        """Takes ids while there is room for what they stand for, and has them claimed. Runs until it is cancelled."""
        asked_at, away_since, pause = -ASK_ANY_S, 0.0, 0.1
        while True:
            free = await self._free()
            ids: list[UUID] = []
            try:
                ids = await self._queue.take(free) if asked_at >= 0 else await self._queue.left()
                if away_since:
                    _log.info("the queue answers again", after_s=round(time.monotonic() - away_since, 1))
                away_since, pause = 0.0, 0.1
            except QueueAway as error:
                if not away_since:
                    away_since = time.monotonic()
                    _log.warning("the queue is away: asking the backend instead", reason=str(error))
            if ids:
                self._claim_soon(ids, len(ids))
            if away_since or (not ids and time.monotonic() - asked_at >= ASK_ANY_S) or asked_at < 0:
                asked_at = time.monotonic()
                got = await self._claim([], max(1, await self._free()))
                if away_since and not got:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, MAX_PAUSE_S)

    async def clear(self) -> None:
        """In a quarantine lane: takes what the backend gives, and returns when all of it has ended and nothing is left."""
        while await self._claim([], await self._free()) or self._holdings:
            if self._holdings:
                self._holdings.changed.clear()
                await self._holdings.changed.wait()

    async def _free(self) -> int:
        """How many more executions may be taken; waits until it is at least one."""
        while True:
            free = self._concurrency - len(self._holdings) - self._reserved
            if free > 0 and len(self.claims) < CLAIMS_AT_ONCE:
                return free
            self._holdings.changed.clear()
            await self._holdings.changed.wait()

    def _claim_soon(self, ids: list[UUID], limit: int) -> None:
        task = asyncio.create_task(self._claim_and_forget(ids, limit))
        self.claims.add(task)
        task.add_done_callback(self._claimed)

    def _claimed(self, task: asyncio.Task[None]) -> None:
        self.claims.discard(task)
        self._holdings.changed.set()

    async def _claim_and_forget(self, ids: list[UUID], limit: int) -> None:
        await self._claim(ids, limit)
        try:
            await self._queue.forget(ids)
        except QueueAway:
            return  # the list ends with the process, and an id that is claimed twice is refused

    async def _claim(self, ids: list[UUID], limit: int) -> int:
        """Claims these ids, or any where there are none; gives how many executions it got. Repeats while the backend is away."""
        claim_id, sent_at, pause = uuid4(), time.monotonic(), 0.05
        self._reserved += limit
        try:
            while True:
                try:
                    claimed = await self._api.claim(Claim(claim_id=claim_id, ids=ids, limit=limit))
                    break
                except BackendAway as error:
                    _log.warning("a claim waits for the backend", reason=str(error))
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, MAX_PAUSE_S)
                    if time.monotonic() - sent_at > CLAIM_ID_S:
                        claim_id, sent_at = uuid4(), time.monotonic()
                except BackendRefused as refusal:
                    _log.error("the backend refuses a claim", status=refusal.status, detail=refusal.detail)
                    await asyncio.sleep(MAX_PAUSE_S)
                    return 0
        finally:
            self._reserved -= limit
        self._clock.set(claimed.now)
        for job in claimed.jobs:
            self._begin(job, sent_at)
        if claimed.quarantine:
            self._on_quarantine()
        return len(claimed.jobs)
