"""Counts, rates and durations over the executions that a user may see."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.ids import earliest_id
from backend.models import Execution, Step, User, Workflow
from backend.ownership import owned
from trestle.contracts.overview import SlowNode, Stats
from trestle.contracts.states import TERMINAL, ExecutionStatus

_SLOWEST = 5


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
    )
