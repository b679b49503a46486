"""One execution as its owners see it: the whole of it, its graph, its log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.blobs.values import shown
from backend.models import Execution, LogLine, Snapshot, User
from backend.ownership import find
from backend.paging import Paging, page
from trestle.contracts import executions as wire
from trestle.contracts import graph, jobs

_RERUNS = 20
"""Retries and replays that are told of an execution."""

# One look at all that its row does not say.
_AROUND = text("""
select count(distinct (s.node, s.item)) as steps, count(s.id) as attempts, now() as now,
    (select name from workflows where id = :workflow_id) as workflow_name,
    array(select id from executions where retry_of = :id order by id desc limit :most) as retried_by,
    array(select id from executions where replay_of = :id order by id desc limit :most) as replayed_by
from steps s where s.execution_id = :id
""")


async def read(session: AsyncSession, user: User, ident: UUID) -> wire.Execution:
    """One execution whole. Raises NotFound where it is somebody else's or nobody's."""
    row = await find(session, user, Execution, ident)
    around = (await session.execute(_AROUND, {"id": ident, "workflow_id": row.workflow_id, "most": _RERUNS})).one()
    running_ms, waiting_ms = _times(row, around.now)
    metrics = wire.Metrics(steps=around.steps, attempts=around.attempts, bytes=row.bytes, running_ms=running_ms, waiting_ms=waiting_ms)
    return wire.Execution.model_validate(row).model_copy(
        update={
            "workflow_name": around.workflow_name,
            "metrics": metrics,
            "retried_by": around.retried_by,
            "replayed_by": around.replayed_by,
            "input_refs": shown(ident, row.input_refs),
            "output_refs": shown(ident, row.output_refs),
        }
    )


def _times(row: Execution, now: datetime) -> tuple[float, float]:
    """Milliseconds spent running, and those since the start that were not."""
    running_ms = row.running_ms
    if row.running_since is not None:
        running_ms += (now - row.running_since).total_seconds() * 1000
    if row.started_at is None:
        return 0, 0
    whole_ms = ((row.finished_at or now) - row.started_at).total_seconds() * 1000
    return round(running_ms, 3), round(max(whole_ms - running_ms, 0), 3)


async def graph_of(session: AsyncSession, user: User, ident: UUID) -> graph.Snapshot:
    """The graph that the execution ran, or runs."""
    row = await find(session, user, Execution, ident)
    stored = await session.get_one(Snapshot, row.snapshot_id)
    return graph.Snapshot.model_validate({"id": stored.id, **stored.graph})


async def log_of(
    session: AsyncSession, user: User, ident: UUID, paging: Paging, *, node: str | None, level: str | None, newest: bool
) -> tuple[list[jobs.LogLine], str | None]:
    """A page of the execution's log, oldest first or `newest` first, and the next cursor."""
    await find(session, user, Execution, ident)
    statement = select(LogLine).where(LogLine.execution_id == ident)
    if node is not None:
        statement = statement.where(LogLine.node == node)
    if level is not None:
        statement = statement.where(LogLine.level == level)
    rows, cursor = await page(session, statement, LogLine.id, paging, oldest_first=not newest)
    return [jobs.LogLine.model_validate(row[0], from_attributes=True) for row in rows], cursor
