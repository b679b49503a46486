"""Executions under which processes die (PROTOCOL, row 10).

A lease that ran out counts where the execution made no progress under it: three in a row, and it runs in a quarantine lane only, a
process for suspects. There only a death counts that the lane's living parent reports: so nothing is ever blamed for the end of a whole
machine. Suspects share a lane, since most are innocent (whatever ran beside the killer); when it dies, each of them runs alone in one.
What kills that as well is quarantined.
"""

from uuid import UUID

import asyncpg

from backend.errors import NotFound
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.executions.settling import Settler
from backend.internal.taking import SUSPECT_AFTER
from backend.queue import Queue
from trestle.contracts.states import ExecutionStatus

LANE_DEATHS = 2
PROCESS_DIED = "ProcessDied"
"""Type of the error of a step under which its process died."""

_IN_EPOCH = "from steps s where s.execution_id = e.id and s.epoch = e.epoch"
_PROGRESS = f"exists (select {_IN_EPOCH} and s.status in ('succeeded', 'failed', 'skipped', 'waiting'))"
_RUNNING = f"exists (select {_IN_EPOCH} and s.status = 'running')"

# Pure steps need not be recorded before they run: what recorded nothing at all may have died in one.
INTERRUPTIONS = """case when {progress} then {running}::int else greatest(e.interruptions, least(e.interruptions + 1, {suspect})) end"""
INTERRUPTIONS = INTERRUPTIONS.replace("{progress}", _PROGRESS).replace("{running}", _RUNNING).replace("{suspect}", str(SUSPECT_AFTER))
"""SQL: how many interruptions an execution `e` has when its lease ran out."""

_DEAD = "update executors set stopped_at = now() where id = $1 and lane = 'quarantine' returning true"

# A paused one just has no owner any more.
_LEFT = "update executions e set executor_id = null, lease_until = null where e.executor_id = $1 and e.status = 'paused'"

_BLAME = guarded(
    """
with dead as materialized (
    select e.id, case when {progress} then {suspect} else e.interruptions + 1 end as interruptions,
        (select s.node {in_epoch} and s.status = 'running' order by s.started_at desc nulls last limit 1) as node
    from executions e where e.executor_id = $1 and e.status = 'running' for no key update of e
), blamed as (
    update executions e set interruptions = dead.interruptions, executor_id = null, lease_until = null, last_push = now(),
        event_seq = e.event_seq + 1, running_since = null,
        running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0),
        status = case when dead.interruptions >= {most} then {to quarantine} else {to expire} end,
        finished_at = case when dead.interruptions >= {most} then now() end,
        error = case when dead.interruptions >= {most} then json_build_object('type', 'quarantined',
            'message', 'Processes kept dying while they ran this execution, at last one that ran nothing else'
                || case when dead.node is null then '.' else ', in the node ' || dead.node || '.' end,
            'hint', 'Look for what takes too much memory or crashes its process. Nothing is started again by itself: mend it, then retry.',
            'node', dead.node) end
    from dead where e.id = dead.id and {e may quarantine}
    returning e.id, e.workflow_id, e.event_seq, e.status
), stopped as (
    update steps s set finished_at = now(), event_seq = b.event_seq,
        status = case when s.status = 'running' then 'failed' else 'cancelled' end,
        error = case when s.status = 'running' then json_build_object('type', '{died}',
            'message', 'The process died while it ran this step.', 'hint', 'It may have run out of memory, or crashed in native code.')
            else s.error end
    from blamed b where s.execution_id = b.id and b.status = 'quarantined' and s.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq, status from blamed
""".replace("{progress}", _PROGRESS)
    .replace("{in_epoch}", _IN_EPOCH)
    .replace("{suspect}", str(SUSPECT_AFTER))
    .replace("{most}", str(SUSPECT_AFTER + LANE_DEATHS))
    .replace("{died}", PROCESS_DIED)
)


async def lane_died(pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell, settler: Settler, lane_id: UUID) -> None:
    """A quarantine lane's process died, as its parent says: what it ran is tried once more, or quarantined.

    Raises NotFound where there is no such lane.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(_DEAD, lane_id):
            raise NotFound("No quarantine lane has this id.")
        await connection.execute(_LEFT, lane_id)
        rows = await connection.fetch(_BLAME, lane_id)
    queue.push([row["id"] for row in rows if row["status"] == ExecutionStatus.QUEUED], first=True)
    settler.soon(row["id"] for row in rows if row["status"] == ExecutionStatus.QUARANTINED)
    doorbell.ring(Change(row["id"], row["workflow_id"], row["event_seq"]) for row in rows)
