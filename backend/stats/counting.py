"""How many runs ended how, by interval: from what has been tallied, and counted anew where that ends."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.ids import earliest_id
from backend.models import Tallied
from backend.stats.tallying import INTERVAL, UNDER_WAY, floor
from trestle.contracts.states import ExecutionStatus

# Between `first` and `until` everything has been tallied, but for what is under way; before and after it (minutes each) nothing has.
# `kind = 'run'` and the states are literals: PostgreSQL uses a partial index only where it can see them.
_COUNTS = text(
    """
with tallied as (
    select date_bin(:interval, at, :origin) as at, sum(succeeded) as succeeded, sum(failed) as failed, sum(cancelled) as cancelled,
        sum(quarantined) as quarantined
    from tallies where project_id = any(:projects) and at >= :first and at < :until group by 1
), counted as (
    select t.at, s.status, s.number from tallied t cross join lateral
        (values ('succeeded', succeeded), ('failed', failed), ('cancelled', cancelled), ('quarantined', quarantined)) s (status, number)
    union all
    select date_bin(:interval, uuid_extract_timestamp(u.id), :origin), u.status, count(*)
    from {UNDER_WAY} u where u.project_id = any(:projects) and u.id >= :first_id and u.id < :until_id group by 1, 2
    union all
    select date_bin(:interval, uuid_extract_timestamp(id), :origin), status, count(*)
    from executions where project_id = any(:projects) and kind = 'run' and id >= :since_id and id < :first_id group by 1, 2
    union all
    select date_bin(:interval, uuid_extract_timestamp(id), :origin), status, count(*)
    from executions where project_id = any(:projects) and kind = 'run' and id >= :until_id group by 1, 2
)
select at, status, sum(number)::bigint as number from counted where number > 0 group by 1, 2
""".replace("{UNDER_WAY}", UNDER_WAY)
)


async def counts(
    session: AsyncSession, projects: Sequence[UUID], since: datetime, interval: timedelta
) -> dict[datetime, dict[ExecutionStatus, int]]:
    """The runs of these projects since then, by the beginning of their interval (a multiple of five minutes) and by state."""
    reach = (await session.execute(select(Tallied.since, Tallied.until))).first()
    first = until = since
    if reach is not None:
        whole = max(floor(since + INTERVAL - timedelta(microseconds=1)), reach.since)
        if whole < reach.until:
            first, until = whole, reach.until
    values = {
        "projects": list(projects),
        "interval": interval,
        "origin": floor(since, interval),
        "first": first,
        "until": until,
        "since_id": earliest_id(since),
        "first_id": earliest_id(first),
        "until_id": earliest_id(until),
    }
    found: dict[datetime, dict[ExecutionStatus, int]] = defaultdict(dict)
    for row in await session.execute(_COUNTS, values):
        found[row.at][ExecutionStatus(row.status)] = row.number
    return found
