"""Leases: renewed by a process's heartbeat, given back when it drains (PROTOCOL, rows 8 and 11). PostgreSQL's clock only."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from backend.errors import Unauthorised
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.internal import limits
from backend.internal.history import resolution
from backend.internal.reports import verdict_on
from backend.internal.taking import LEASE_S
from backend.queue import Queue
from trestle.contracts.jobs import Holding, Verdict
from trestle.contracts.states import ExecutionStatus

_TRIES = 4
_TRY_AGAIN_S = 0.01

_SEEN = "update executors set seen_at = now(), stopped_at = null where id = $1 returning now()"

# Nobody but the owner's own reports holds these rows for long; waiting for them in any order could deadlock with those. The owner
# of a paused one still finishes steps; one that was handed back while it was paused has no lease.
_RENEW = """
update executions e set lease_until = now() + make_interval(secs => $4)
from (
    select e.id from executions e join unnest($2::uuid[], $3::int[]) as h (id, epoch) on e.id = h.id and e.epoch = h.epoch
    where e.executor_id = $1 and e.status in ('running', 'paused') and e.lease_until is not null for no key update of e skip locked
) held where e.id = held.id
returning e.id, e.status
"""

_LEAVE = "update executors set stopped_at = now() where id = $1"

_LOOK = "select id, status, epoch, executor_id, lease_until from executions where id = any($1::uuid[])"

# Of steps that are not over: also of those whose wait is not recorded yet. Where the attempt that called a child has failed, that
# child's answer is used up: the next attempt calls another one.
_ANSWERS = """
select r.execution_id, r.node, r.item, r.kind, r.answer, r.refs
from unnest($2::uuid[], $3::int[]) as h (id, epoch) join executions e on e.id = h.id and e.epoch = h.epoch and e.executor_id = $1
join resolutions r on r.execution_id = h.id
where not exists (
    select from steps s where s.execution_id = r.execution_id and s.node = r.node and s.item is not distinct from r.item
        and (s.status in ('succeeded', 'skipped', 'cancelled')
            or s.status = 'failed' and (s.port is not null or r.kind = 'child' and s.finished_at > r.at))
)
"""

# A paused one stays paused, and nobody has it any more.
_GIVE_BACK = guarded("""
update executions e set status = case when e.status = 'paused' then e.status else {to release} end,
    executor_id = null, lease_until = null, last_push = now(), event_seq = e.event_seq + 1,
    running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0), running_since = null
from unnest($2::uuid[], $3::int[]) as h (id, epoch)
where e.id = h.id and e.epoch = h.epoch and e.executor_id = $1
    and (e.status = 'paused' or {e may release})
returning e.id, e.workflow_id, e.event_seq, e.status, e.slot
""")


async def renew(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, running: Sequence[Holding]) -> tuple[datetime, dict[str, Verdict]]:
    """Renew what the executor holds: PostgreSQL's time, and a verdict on each execution that is not to go on.

    Raises:
        Unauthorised: the executor is unknown (its row was swept away); it has to register again.
    """
    now = await pool.fetchval(_SEEN, executor_id)
    if now is None:
        raise Unauthorised("This executor is not registered any more. Register again.")
    left = {held.execution_id: held.epoch for held in running}
    verdicts: dict[str, Verdict] = {}
    for attempt in range(_TRIES):
        if not left:
            break
        if attempt:
            await asyncio.sleep(_TRY_AGAIN_S)
        for row in await pool.fetch(_RENEW, executor_id, list(left), list(left.values()), LEASE_S):
            del left[row["id"]]
            if row["status"] == ExecutionStatus.PAUSED:
                verdicts[str(row["id"])] = Verdict.PAUSE
        verdicts |= await _lost(pool, executor_id, left)
    # What is left now was busy at every try: its lease holds for two more heartbeats.
    return now, verdicts


async def _lost(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, left: dict[UUID, int]) -> dict[str, Verdict]:
    """Verdicts on those of `left` that are lost, which are taken out of it."""
    if not left:
        return {}
    rows = {row["id"]: row for row in await pool.fetch(_LOOK, list(left))}
    verdicts = {}
    for execution_id, epoch in list(left.items()):
        row = rows.get(execution_id)
        ours = row is not None and row["epoch"] == epoch and row["executor_id"] == executor_id
        if row is not None and ours and row["status"] in (ExecutionStatus.RUNNING, ExecutionStatus.PAUSED) and row["lease_until"]:
            continue
        verdicts[str(execution_id)] = verdict_on(row["status"]) if row is not None and ours else Verdict.STALE
        del left[execution_id]
    return verdicts


async def answers(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, running: Sequence[Holding]) -> dict[str, list[dict[str, Any]]]:
    """`Resolution`s by execution, ready to encode: the answers that steps of what the executor holds wait for, or will."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in await pool.fetch(_ANSWERS, executor_id, [h.execution_id for h in running], [h.epoch for h in running]):
        found[str(row["execution_id"])].append(resolution(row))
    return found


async def give_back(
    pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell, executor_id: UUID, running: Sequence[Holding]
) -> None:
    """Queue again what the executor holds, without blame, to be taken next. What it does not hold stays as it is."""
    rows = await pool.fetch(_GIVE_BACK, executor_id, [h.execution_id for h in running], [h.epoch for h in running])
    queue.push([row["id"] for row in rows if row["status"] == ExecutionStatus.QUEUED], first=True)
    doorbell.ring(Change(row["id"], row["workflow_id"], row["event_seq"]) for row in rows)
    slots = {row["slot"] for row in rows if row["slot"]}
    if slots:
        queue.push(await limits.free(pool, list(slots)))


async def leave(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID) -> None:
    """The executor has drained: it counts as gone at once, not when its silence is noticed. A later heartbeat takes this back."""
    await pool.execute(_LEAVE, executor_id)
