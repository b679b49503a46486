"""Accepting: what a trigger delivers becomes a row, durably, before anybody is told so (PROTOCOL, row 1).

Arrivals that come while an insert is under way share the next one, its commit and its push.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from backend.batching import Batches
from backend.errors import TooManyRequests
from backend.executions.doorbell import Change, Doorbell
from backend.metrics import counters
from backend.queue import Queue

_BATCH = 200
_COUNT_AGAIN_S = 0.25
_LOOK_AGAIN_S = 5.0
_BLOCKED = 10

# The join is the truth about the trigger: it exists, belongs to the live version, and its workflow is enabled. Whoever
# deliver to it may have looked it up a while ago.
_INSERT = """
with incoming as materialized (
    select uuidv7() as id, i.* from unnest($1::uuid[], $2::json[], $3::json[]) with ordinality as i (trigger_id, trigger, input, place)
), accepted as (
    insert into executions (id, project_id, workflow_id, snapshot_id, version, trigger, input, seed, event_seq)
    select i.id, w.project_id, w.id, t.snapshot_id, t.version, i.trigger, i.input, uuid_send(gen_random_uuid()), 1
    from incoming i join triggers t on t.id = i.trigger_id join workflows w on w.id = t.workflow_id
    where w.enabled
    returning id, workflow_id
)
select i.place::int, a.id, a.workflow_id from accepted a join incoming i using (id)
"""

# These read the partial indexes of queued rows only, and no further than the caps.
_COUNT = "select count(*) from (select from executions where status = 'queued' and blocked_on is null limit $1) q"
_COUNT_BLOCKED = "select count(*) from (select from executions where status = 'queued' and blocked_on is not null limit $1) q"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came in for a trigger. `trigger` and `input` are JSON texts."""

    trigger_id: UUID
    trigger: str
    input: str


class Backlog:
    """How many executions are queued: counted now and then, and in between guessed too high, never too low.

    The last tenth is for webhooks: whoever calls by the API may come again, while many senders of webhooks don't. Those that wait for
    a place of their workflow's concurrency limit are in nobody's way, and are counted apart: ten times as many may be there.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", cap: int) -> None:
        self._pool = pool
        self._cap = cap
        self._guess = 0
        self._blocked = 0
        self._counted_at = 0.0
        self._looked_at = float("-inf")
        self._counting = asyncio.Lock()

    async def admit(self, more: int = 1, *, webhook: bool = False) -> None:
        """Let so many more in, or none. Raises TooManyRequests when the cap is reached."""
        cap = self._cap if webhook else self._cap - self._cap // 10
        if self._guess + more > cap or self._blocked >= self._cap * _BLOCKED:
            await self._count()
            if self._blocked >= self._cap * _BLOCKED:
                what = f"{self._blocked:,} executions wait for a place of their workflows' concurrency limits already."
                raise TooManyRequests(f"{what} Send again later.", retry_after_s=10)
        if self._guess + more > cap:
            raise TooManyRequests(f"{cap:,} executions are queued already. Send again a little later.", retry_after_s=2)
        self._guess += more

    async def _count(self) -> None:
        async with self._counting:
            if time.monotonic() - self._counted_at >= _COUNT_AGAIN_S:
                self._guess = await self._pool.fetchval(_COUNT, self._cap)
                if time.monotonic() - self._looked_at >= _LOOK_AGAIN_S:
                    self._blocked = await self._pool.fetchval(_COUNT_BLOCKED, self._cap * _BLOCKED)
                    self._looked_at = time.monotonic()
                self._counted_at = time.monotonic()


class Acceptor:
    """Makes executions of arrivals."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell, *, max_queued: int) -> None:
        self._pool = pool
        self._queue = queue
        self._doorbell = doorbell
        self.backlog = Backlog(pool, max_queued)
        self._batches: Batches[Arrival, UUID | None] = Batches(self._insert, limit=_BATCH)

    async def accept(self, arrival: Arrival) -> UUID | None:
        """The id of the new, committed execution; None where the trigger does not fire (any more).

        Raises:
            TooManyRequests: too many executions are queued.
        """
        await self.backlog.admit(webhook=True)
        return await self._batches.submit(arrival)

    def announce(self, accepted: Sequence[tuple[UUID, UUID | None]]) -> None:
        """Push and ring for `(execution id, workflow id)` pairs. Call after their commit."""
        counters.ACCEPTED.inc(len(accepted))
        self._queue.push(execution_id for execution_id, _ in accepted)
        self._doorbell.ring(Change(execution_id, workflow_id, 1) for execution_id, workflow_id in accepted)

    async def _insert(self, arrivals: list[Arrival]) -> list[UUID | None]:
        rows = await self._pool.fetch(_INSERT, [a.trigger_id for a in arrivals], [a.trigger for a in arrivals], [a.input for a in arrivals])
        ids: list[UUID | None] = [None] * len(arrivals)
        for row in rows:
            ids[row["place"] - 1] = row["id"]
        self.announce([(row["id"], row["workflow_id"]) for row in rows])
        return ids
