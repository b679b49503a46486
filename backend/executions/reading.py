"""One execution as its owners see it: the whole of it, its graph, its log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from backend.blobs.values import shown
from backend.models import Execution, LogLine, Snapshot, User, Workflow
from backend.ownership import find
from backend.paging import Paging, page
from trestle.contracts import executions as wire
from trestle.contracts import graph, jobs

_RERUNS = 20
"""Retries and replays that are told of an execution."""

_METRICS = text("""
select count(distinct (s.node, s.item)) as steps, count(s.id) as attempts, now() as now
from steps s where s.execution_id = :id
""")


async def read(session: AsyncSession, user: User, ident: UUID) -> wire.Execution:
    """One execution whole. Raises NotFound where it is somebody else's or nobody's."""
    row = await find(session, user, Execution, ident)
    name = await session.scalar(select(Workflow.name).where(Workflow.id == row.workflow_id))
    counted = (await session.execute(_METRICS, {"id": ident})).one()
    running_ms, waiting_ms = _times(row, counted.now)
    retries, replays = [await _again(session, came_from, ident) for came_from in (Execution.retry_of, Execution.replay_of)]
    metrics = wire.Metrics(steps=counted.steps, attempts=counted.attempts, bytes=row.bytes, running_ms=running_ms, waiting_ms=waiting_ms)
    return wire.Execution.model_validate(row).model_copy(
        update={
            "workflow_name": name,
            "metrics": metrics,
            "retried_by": retries,
            "replayed_by": replays,
            "input_refs": shown(ident, row.input_refs),
            "output_refs": shown(ident, row.output_refs),
        }
    )


async def _again(session: AsyncSession, came_from: InstrumentedAttribute[UUID | None], ident: UUID) -> list[UUID]:
    """The newest executions that came from this one: they are in its project."""
    return list(await session.scalars(select(Execution.id).where(came_from == ident).order_by(Execution.id.desc()).limit(_RERUNS)))


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
    session: AsyncSession, user: User, ident: UUID, paging: Paging, *, node: str | None, level: str | None
) -> tuple[list[jobs.LogLine], str | None]:
    """A page of the execution's log, oldest first, and the next cursor."""
    await find(session, user, Execution, ident)
    statement = select(LogLine).where(LogLine.execution_id == ident)
    if node is not None:
        statement = statement.where(LogLine.node == node)
    if level is not None:
        statement = statement.where(LogLine.level == level)
    rows, cursor = await page(session, statement, LogLine.id, paging, oldest_first=True)
    return [jobs.LogLine.model_validate(row[0], from_attributes=True) for row in rows], cursor
