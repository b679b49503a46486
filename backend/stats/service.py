"""Counts, rates and durations over the executions that a user may see."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import readable
from backend.ids import earliest_id
from backend.models import Membership, User, Workflow
from backend.ownership import memberships, owned
from backend.stats import counting
from backend.stats.tallying import floor
from trestle.contracts.overview import FailingNode, Interval, SlowNode, Stats
from trestle.contracts.states import TERMINAL, ExecutionStatus

_FAILED = (ExecutionStatus.FAILED, ExecutionStatus.QUARANTINED)
_INTERVALS = 48
"""At most so many in a series: what a chart can show."""
_STEPS_S = (300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)
_ENOUGH_FOR_NODES, _AT_LEAST = 500, 50
"""Executions that nodes are told from: the newest so many of the whole time."""
_ENOUGH_FOR_DURATIONS = 10_000
"""Executions that durations are told from: all intervals have the same part of it, which is their newest."""

_WAITS = ("delay", "approval", "wait.webhook")
"""Types of nodes that take as long as they are meant to: no slow ones."""

_NEWEST = """
unnest(cast(:projects as uuid[])) p (id) cross join lateral (
    select e.* from executions e where e.project_id = p.id and e.kind = 'run' and e.id >= :since order by e.id desc limit :enough
) e
"""
# The ids first, by nothing but what is in the index that holds such executions: PostgreSQL may otherwise go through the newest of all.
_APART = """
unnest(cast(:projects as uuid[])) p (id) cross join lateral (
    select e.id from executions e where e.project_id = p.id and e.kind = 'run' and e.id >= :since and e.status = '{status}'
    order by e.id desc limit :enough
) found join executions e on e.id = found.id
"""
_PERCENTILES = """percentile_cont(0.5) within group (order by extract(epoch from e.finished_at - e.started_at) * 1000)::float8 as p50_ms,
    percentile_cont(0.95) within group (order by extract(epoch from e.finished_at - e.started_at) * 1000)::float8 as p95_ms"""

# The intervals and, where `place` is null, all of them together: a figure and a chart of the same executions agree.
_DURATIONS = text(
    """
select i.place, count(e.there) as executions,
    percentile_cont(0.5) within group (order by extract(epoch from e.finished_at - e.started_at) * 1000)::float8 as p50_ms,
    percentile_cont(0.95) within group (order by extract(epoch from e.finished_at - e.started_at) * 1000)::float8 as p95_ms
from unnest(cast(:places as int[]), cast(:begins as uuid[]), cast(:ends as uuid[])) i (place, begins, ends)
left join lateral (
    select newest.* from unnest(cast(:projects as uuid[])) p (id) cross join lateral (
        select true as there, e.started_at, e.finished_at from executions e
        where e.project_id = p.id and e.kind = 'run' and e.id >= i.begins and e.id < i.ends order by e.id desc limit :enough
    ) newest
) e on true
group by grouping sets ((i.place), ())
"""
)

_SLOWEST = text(
    """
select w.id, w.name, s.node, count(*) as attempts,
    percentile_cont(0.95) within group (order by s.duration_ms) as p95_ms
from {newest} join steps s on s.execution_id = e.id and s.duration_ms is not null and s.type <> all(:waits)
join workflows w on w.id = e.workflow_id
group by w.id, w.name, s.node order by p95_ms desc limit 5
""".replace("{newest}", _NEWEST)
)

# Each state by itself, as a literal: so an index that holds nothing else tells the newest.
_FAILING = text(
    """
select w.id, w.name, e.node, count(*) as failures, (array_agg(e.id order by e.id desc))[1] as last
from (
    select e.id, e.workflow_id, {error} ->> 'node' as node from (
        select e.id, e.workflow_id, e.error from {failed}
        union all select e.id, e.workflow_id, e.error from {quarantined}
    ) e
) e join workflows w on w.id = e.workflow_id
where e.node is not null group by w.id, w.name, e.node order by failures desc, last desc limit 5
""".replace("{error}", readable("e.error"))
    .replace("{failed}", _APART.replace("{status}", "failed"))
    .replace("{quarantined}", _APART.replace("{status}", "quarantined"))
)


async def stats(session: AsyncSession, user: User, hours: int) -> Stats:
    """The numbers of the last `hours`. Counts are of everything; durations and nodes of the newest, so that no history makes this slow."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    projects = list(await session.scalars(select(Membership.project_id).where(*memberships(user))))
    counts = Counter[ExecutionStatus]()
    for interval in (await counting.counts(session, projects, since, timedelta(days=1))).values():
        counts.update(interval)
    workflows = owned(user, Workflow).with_only_columns(func.count(), func.count().filter(Workflow.enabled))
    total, enabled = (await session.execute(workflows)).one()
    finished = sum(counts[status] for status in TERMINAL)
    slowest = await session.execute(_SLOWEST, {**_sample(projects, since, _ENOUGH_FOR_NODES), "waits": list(_WAITS)})
    failing = await session.execute(_FAILING, _sample(projects, since, _ENOUGH_FOR_NODES))
    interval_s = next((step for step in _STEPS_S if hours * 3600 / step <= _INTERVALS), _STEPS_S[-1])
    series, durations = await _series(session, projects, since, timedelta(seconds=interval_s))
    return Stats(
        since=since,
        workflows=total,
        enabled_workflows=enabled,
        executions=dict(counts),
        success_rate=counts[ExecutionStatus.SUCCEEDED] / finished if finished else None,
        p50_ms=durations.p50_ms,
        p95_ms=durations.p95_ms,
        durations_of=durations.executions,
        slowest_nodes=[
            SlowNode(workflow_id=row.id, workflow_name=row.name, node=row.node, attempts=row.attempts, p95_ms=row.p95_ms) for row in slowest
        ],
        failing_nodes=[
            FailingNode(workflow_id=row.id, workflow_name=row.name, node=row.node, failures=row.failures, last_execution_id=row.last)
            for row in failing
        ],
        interval_s=interval_s,
        series=series,
    )


def _sample(projects: Sequence[UUID], since: datetime, enough: int) -> dict[str, Any]:
    """Parameters: the newest so many, each project with its part of them."""
    return {"projects": projects, "since": earliest_id(since), "enough": max(enough // max(len(projects), 1), _AT_LEAST)}


async def _series(session: AsyncSession, projects: Sequence[UUID], since: datetime, interval: timedelta) -> tuple[list[Interval], Row[Any]]:
    """Every interval since then, also those in which nothing was started; and the durations of all of them together."""
    first = floor(since, interval)
    counted = await counting.counts(session, projects, first, interval)
    begins = []
    while first <= datetime.now(UTC):
        begins.append(first)
        first += interval
    ids = [earliest_id(begin) for begin in [*begins, first]]
    values = {"projects": projects, "places": range(len(begins)), "begins": ids[:-1], "ends": ids[1:]}
    enough = {"enough": max(_ENOUGH_FOR_DURATIONS // (len(begins) * max(len(projects), 1)), 1)}
    took = {row.place: row for row in await session.execute(_DURATIONS, {**values, **enough})}
    intervals = [
        _interval(begin, Counter(counted.get(begin, {})), took[place].p50_ms, took[place].p95_ms)
        if begin in counted
        else Interval(at=begin)
        for place, begin in enumerate(begins)
    ]
    return intervals, took[None]


def _interval(at: datetime, counts: Counter[ExecutionStatus], p50_ms: float | None, p95_ms: float | None) -> Interval:
    succeeded, failed = counts[ExecutionStatus.SUCCEEDED], sum(counts[status] for status in _FAILED)
    others = counts.total() - succeeded - failed
    return Interval(at=at, succeeded=succeeded, failed=failed, others=others, p50_ms=p50_ms, p95_ms=p95_ms)
