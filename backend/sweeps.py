"""What repairs itself once a second: lost pushes, dead executors, waits that are over, time that is up (PROTOCOL, rows 2, 9 and 12).

Every sweep is one stateless statement; any number of backends may try, one at a time does.
"""

import asyncio

import asyncpg
import structlog

from backend.background import for_ever, stop
from backend.db import is_away
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.executions.settling import Settler
from backend.internal import limits
from backend.internal.poison import INTERRUPTIONS
from backend.queue import Queue
from trestle.contracts.jobs import Verdict

EVERY_S = 1.0
SHORT = 1000
"""Ids. A longer list is healthy: what is queued is in it, and pushing it again would only multiply it."""
_LOCK = 0x7265737469
_MAX = 1000
_DEAD_AFTER_S = 40.0
_FORGOTTEN_AFTER_S = 86_400.0
_THOROUGHLY_EVERY = 30

log = structlog.get_logger(__name__)

# A push is old after 10 s, or after 1 s where the list is empty: then the queue was lost, or everything is being claimed.
# What no living executor can run is not pushed, but says so; while none lives at all everything is, for autoscalers to see.
_OUTBOX = guarded("""
with due as (
    select e.id, e.interruptions, s.types from executions e join snapshots s on s.id = e.snapshot_id
    where {e may claim} and e.blocked_on is null and e.last_push < now() - make_interval(secs => $1)
    order by e.id limit $2 for no key update of e skip locked
), living as materialized (
    select types from executors where lane = 'main' and stopped_at is null and seen_at > now() - make_interval(secs => $3)
), judged as (
    select due.id, due.interruptions >= 3 as suspect,
        not exists (select from living) or exists (select from living where due.types <@ living.types) as runs,
        (select array_agg(t order by t) from unnest(due.types) t
            where not exists (select from living where t = any(living.types))) as missing
    from due
)
update executions e set last_push = now(), reason = case
    when judged.suspect and judged.runs then 'Executors died while they ran it: it waits for a process of its own.'
    when judged.runs then null
    when judged.missing is null then 'No single executor offers all of its node types.'
    else 'No executor offers ' || array_to_string(judged.missing, ', ') || '.' end
from judged where e.id = judged.id
returning e.id, judged.runs
""")

_EXPIRED = guarded("""
with expired as (
    select e.id from executions e where {e may expire} and e.status = 'running' and e.lease_until < now()
    limit $1 for no key update skip locked
)
update executions e set status = {to expire}, interruptions = {interruptions}, executor_id = null, lease_until = null,
    last_push = now(), event_seq = e.event_seq + 1,
    running_ms = e.running_ms + extract(epoch from now() - e.running_since) * 1000, running_since = null
from expired where e.id = expired.id
returning e.id, e.workflow_id, e.event_seq
""").replace("{interruptions}", INTERRUPTIONS)

_DUE = guarded("""
with due as (
    select e.id from executions e where {e may wake} and e.wake_at <= now() order by e.wake_at limit $1 for no key update skip locked
)
update executions e set status = {to wake}, wake_at = null, last_push = now(), event_seq = e.event_seq + 1
from due where e.id = due.id
returning e.id, e.workflow_id, e.event_seq
""")

_TIMED_OUT = guarded("""
with late as (
    select e.id, s.timeout_s from executions e join snapshots s on s.id = e.snapshot_id
    where e.status = 'running' and {e may fail}
        and e.running_ms + extract(epoch from now() - e.running_since) * 1000 > s.timeout_s * 1000
    limit $1 for no key update of e skip locked
), ended as (
    update executions e set status = {to fail}, finished_at = now(), lease_until = null, event_seq = e.event_seq + 1,
        running_ms = e.running_ms + extract(epoch from now() - e.running_since) * 1000, running_since = null,
        error = json_build_object('type', 'timeout',
            'message', 'The workflow ran for longer than its limit of ' || late.timeout_s || ' s.',
            'hint', 'Find the slow node in the steps, or raise timeout_s in the workflow''s settings.', 'node', null)
    from late where e.id = late.id
    returning e.id, e.workflow_id, e.event_seq
), stopped as (
    update steps s set status = 'cancelled', finished_at = now(), event_seq = ended.event_seq
    from ended where s.execution_id = ended.id and s.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq from ended
""")

# Every so often only:

_DEAD = "update executors set stopped_at = seen_at where stopped_at is null and seen_at < now() - make_interval(secs => $1)"

# The newest stays, however old: its catalogue is what the palette shows while no executor lives.
_FORGET = """
delete from executors old where stopped_at < now() - make_interval(secs => $1)
    and exists (select from executors newer where newer.seen_at > old.seen_at)
"""

_OLD_KEYS = """
delete from idempotency_keys where (scope, key) in (
    select scope, key from idempotency_keys where created_at < now() - interval '48 hours' order by created_at limit $1
)
"""

# A workflow deleted in the moment in which a call came in for it. Each part reads an index of such rows only: what deleted workflows have
# left behind may be most of the history.
_ORPHANS = guarded("""
with orphans as (
    (select id from executions where status = 'queued' and blocked_on is null and workflow_id is null and kind <> 'check' limit $1)
    union all
    (select id from executions where status = 'queued' and blocked_on is not null and workflow_id is null and kind = 'run' limit $1)
    union all (select id from executions where status = 'waiting' and workflow_id is null and kind = 'run' limit $1)
    union all (select id from executions where status = 'paused' and workflow_id is null and kind = 'run' limit $1)
)
update executions e set status = {to cancel}, finished_at = now(), event_seq = e.event_seq + 1
from orphans where e.id = orphans.id and {e may cancel}
""")


class Sweeper:
    """Sweeps once a second for as long as it runs."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell, settler: Settler) -> None:
        self._pool = pool
        self._queue = queue
        self._doorbell = doorbell
        self._settler = settler
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sweep."""
        self._task = asyncio.create_task(for_ever("sweep", self._sweep_for_ever))

    async def aclose(self) -> None:
        """Stop sweeping."""
        await stop(self._task)

    async def sweep(self, *, thoroughly: bool = False) -> bool:
        """One round; False where another backend is at it."""
        length = await self._queue.length()
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
                return False
            if thoroughly:
                await _tidy(connection)
            late = await connection.fetch(_TIMED_OUT, _MAX)
            expired = await connection.fetch(_EXPIRED, _MAX)
            due = await connection.fetch(_DUE, _MAX)
            freed = await limits.free(connection)
            lost = await self._lost(connection, length)
        self._queue.push([row["id"] for row in lost])
        self._queue.push(freed)
        self._queue.push([row["id"] for row in (*expired, *due)], first=True)
        for row in late:
            self._queue.tell(row["id"], Verdict.CANCEL)
        self._settler.soon(row["id"] for row in late)
        self._doorbell.ring(Change(row["id"], row["workflow_id"], row["event_seq"]) for row in (*late, *expired, *due))
        if expired:
            log.warning("leases_expired", executions=len(expired))
        await self._settler.missed()
        return True

    async def _lost(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", length: int | None) -> list[asyncpg.Record]:
        if length is None or length >= SHORT:
            return []
        age_s = 10.0 if length else 1.0
        return [row for row in await connection.fetch(_OUTBOX, age_s, _MAX, _DEAD_AFTER_S) if row["runs"]]

    async def _sweep_for_ever(self) -> None:
        rounds = 0
        while True:
            try:
                await self.sweep(thoroughly=rounds % _THOROUGHLY_EVERY == 0)
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("sweep_failed", error=f"{type(error).__name__}: {error}")
            rounds += 1
            await asyncio.sleep(EVERY_S)


async def _tidy(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    await connection.execute(_DEAD, _DEAD_AFTER_S)
    await connection.execute(_FORGET, _FORGOTTEN_AFTER_S)
    await connection.execute(_OLD_KEYS, _MAX)
    await connection.execute(_ORPHANS, _MAX)
