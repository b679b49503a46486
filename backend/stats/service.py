"""Counts, rates and durations over the executions that a user may see."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import readable
from backend.ids import earliest_id
from backend.models import Execution, Step, User, Workflow
from backend.ownership import owned
from trestle.contracts.overview import FailingNode, Interval, SlowNode, Stats
from trestle.contracts.states import TERMINAL, ExecutionStatus

_SLOWEST = 5
_FAILED = (ExecutionStatus.FAILED, ExecutionStatus.QUARANTINED)
_INTERVALS = 48
"""At most so many in a series: what a chart can show."""
_STEPS_S = (300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)


async def stats(session: AsyncSession, user: User, hours: int) -> Stats:
    """The numbers of the last `hours`."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    visible = owned(user, Execution).where(Execution.id >= earliest_id(since), Execution.kind == "run")
    recent = visible.with_only_columns(Execution.id, Execution.status, Execution.workflow_id, Execution.started_at, Execution.finished_at)
    rows = recent.cte("recent")
    by_status = await session.execute(select(rows.c.status, func.count().label("number")).group_by(rows.c.status))
    counts: dict[str, int] = {row.status: row.number for row in by_status}
    took = func.extract("epoch", rows.c.finished_at - rows.c.started_at) * 1000
    ended = select(*(func.percentile_cont(share).within_group(took) for share in (0.5, 0.95))).where(rows.c.finished_at.is_not(None))
    p50, p95 = (await session.execute(ended)).one()
    workflows = owned(user, Workflow).with_only_columns(func.count(), func.count().filter(Workflow.enabled))
    total, enabled = (await session.execute(workflows)).one()
    finished = sum(counts.get(status, 0) for status in TERMINAL)
    slowest = func.percentile_cont(0.95).within_group(Step.duration_ms)
    nodes = (
        select(Workflow.id, Workflow.name, Step.node, func.count().label("attempts"), slowest.label("p95_ms"))
        .join(rows, rows.c.id == Step.execution_id)
        .join(Workflow, Workflow.id == rows.c.workflow_id)
        .where(Step.duration_ms.is_not(None))
        .group_by(Workflow.id, Workflow.name, Step.node)
        .order_by(slowest.desc())
        .limit(_SLOWEST)
    )
    interval_s = next((step for step in _STEPS_S if hours * 3600 / step <= _INTERVALS), _STEPS_S[-1])
    return Stats(
        since=since,
        workflows=total,
        enabled_workflows=enabled,
        executions={ExecutionStatus(status): number for status, number in counts.items()},
        success_rate=counts.get(ExecutionStatus.SUCCEEDED, 0) / finished if finished else None,
        p50_ms=p50,
        p95_ms=p95,
        slowest_nodes=[
            SlowNode(workflow_id=row.id, workflow_name=row.name, node=row.node, attempts=row.attempts, p95_ms=row.p95_ms)
            for row in await session.execute(nodes)
        ],
        failing_nodes=await _failing(session, user, since),
        interval_s=interval_s,
        series=await _series(session, user, since, interval_s),
    )


async def _failing(session: AsyncSession, user: User, since: datetime) -> list[FailingNode]:
    """The nodes at which most executions ended."""
    failed = owned(user, Execution).where(Execution.id >= earliest_id(since), Execution.kind == "run", Execution.status.in_(_FAILED))
    rows = failed.with_only_columns(
        Execution.id, Execution.workflow_id, literal_column(readable("executions.error") + " ->> 'node'").label("node")
    ).cte("failed")
    count = func.count()
    last = func.array_agg(aggregate_order_by(rows.c.id, rows.c.id.desc()))[1]
    nodes = (
        select(Workflow.id, Workflow.name, rows.c.node, count.label("failures"), last.label("last"))
        .join(Workflow, Workflow.id == rows.c.workflow_id)
        .where(rows.c.node.is_not(None))
        .group_by(Workflow.id, Workflow.name, rows.c.node)
        .order_by(count.desc(), last.desc())
        .limit(_SLOWEST)
    )
    return [
        FailingNode(workflow_id=row.id, workflow_name=row.name, node=row.node, failures=row.failures, last_execution_id=row.last)
        for row in await session.execute(nodes)
    ]


async def _series(session: AsyncSession, user: User, since: datetime, interval_s: int) -> list[Interval]:
    """Every interval since then, also those in which nothing was started."""
    first = datetime.fromtimestamp(since.timestamp() // interval_s * interval_s, UTC)
    visible = owned(user, Execution).where(Execution.id >= earliest_id(first), Execution.kind == "run")
    at = func.date_bin(timedelta(seconds=interval_s), Execution.created_at, first)
    took = func.extract("epoch", Execution.finished_at - Execution.started_at) * 1000
    columns = visible.with_only_columns(
        at.label("at"),
        func.count().label("all"),
        func.count().filter(Execution.status == ExecutionStatus.SUCCEEDED).label("succeeded"),
        func.count().filter(Execution.status.in_(_FAILED)).label("failed"),
        *(func.percentile_cont(share).within_group(took).label(f"p{share * 100:.0f}_ms") for share in (0.5, 0.95)),
    ).group_by(text("1"))
    found = {row.at: row for row in await session.execute(columns)}
    series = []
    while first <= datetime.now(UTC):
        row = found.get(first)
        series.append(
            Interval(
                at=first,
                succeeded=row.succeeded,
                failed=row.failed,
                others=row.all - row.succeeded - row.failed,
                p50_ms=row.p50_ms,
                p95_ms=row.p95_ms,
            )
            if row
            else Interval(at=first)
        )
        first += timedelta(seconds=interval_s)
    return series
