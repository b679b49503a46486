"""Counting runs by project and interval, beside all other work, so that the dashboard need not count a long history itself.

An interval is counted once it is over, by the times that ids tell, and again when what was under way in it has ended or some of it was
deleted. The first time, what is there already is counted backwards from now, some hours at a time.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from backend.background import for_ever, stop
from backend.db import is_away
from backend.ids import earliest_id

INTERVAL = timedelta(minutes=5)
KEPT = timedelta(days=31)
"""Longer than any period that the dashboard shows."""
EVERY_S = 30.0
_OVER_AFTER = timedelta(minutes=1)
"""What was given its id inside of an interval has been committed by then."""
_AT_ONCE = timedelta(hours=6)
"""One statement's share of the history; less where so much takes too long."""
_AGAIN = 50
_PAUSE_S = 0.02
_LOCK = 0x74616C6C

log = structlog.get_logger(__name__)

BIN = "date_bin('5 minutes', uuid_extract_timestamp({id}), 'epoch')"
"""SQL: the interval of an id."""

_FORGET = "delete from tallies where at >= $1 and at < $2"
_COUNT = """
insert into tallies (project_id, at, succeeded, failed, cancelled, quarantined, under_way)
select project_id, {bin}, count(*) filter (where status = 'succeeded'), count(*) filter (where status = 'failed'),
    count(*) filter (where status = 'cancelled'), count(*) filter (where status = 'quarantined'),
    count(*) filter (where finished_at is null)
from executions where kind = 'run' and id >= $1 and id < $2 group by 1, 2
""".replace("{bin}", BIN.replace("{id}", "id"))

# What is under way is little, and each state of it has an index that holds nothing else.
UNDER_WAY = """
(
    select project_id, id, status from executions where kind = 'run' and status = 'queued' and blocked_on is null
    union all select project_id, id, status from executions where kind = 'run' and status = 'queued' and blocked_on is not null
    union all select project_id, id, status from executions where kind = 'run' and status = 'running'
    union all select project_id, id, status from executions where kind = 'run' and status = 'waiting'
    union all select project_id, id, status from executions where kind = 'run' and status = 'paused'
)
"""
_CHANGED = """
with now_under_way as (select project_id, {bin} as at, count(*) as number from {under_way} u where u.id < $1 group by 1, 2)
select distinct t.at from tallies t left join now_under_way n on n.project_id = t.project_id and n.at = t.at
where (t.stale or t.under_way > 0) and (t.stale or t.under_way <> coalesce(n.number, 0)) order by t.at desc limit $2
""".replace("{bin}", BIN.replace("{id}", "u.id")).replace("{under_way}", UNDER_WAY)

_REACH = "insert into tallied (since, until) values ($1, $1) on conflict (one) do update set one = true returning since, until"
_REACHED = "update tallied set since = $1, until = $2"
_OLD = "delete from tallies where at < $1"


def floor(moment: datetime, interval: timedelta = INTERVAL) -> datetime:
    """The beginning of the interval in which `moment` is."""
    seconds = interval.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


async def tally(pool: "asyncpg.Pool[asyncpg.Record]", now: datetime | None = None) -> bool:
    """One round: what is over by now, what changed, and what has not been counted before. False where another backend is at it."""
    now = now or datetime.now(UTC)
    over, oldest = floor(now - _OVER_AFTER), floor(now - KEPT)
    for at in await _changed(pool, over):
        if not await _count(pool, at, at + INTERVAL):
            return False
    [reach] = await pool.fetch(_REACH, over)
    since, until = max(reach["since"], oldest), max(reach["until"], oldest)
    span = _AT_ONCE
    while until < over or since > oldest:
        try:
            if until < over:
                end = min(until + span, over)
                # Once more the one before: what was deleted while it was counted may be in it.
                counted = await _count(pool, max(until - INTERVAL, since), end, reached=(since, end))
                until = end
            else:
                begin = max(since - span, oldest)
                counted = await _count(pool, begin, since, reached=(begin, until))
                since = begin
        except (TimeoutError, asyncpg.QueryCanceledError):
            if span == INTERVAL:
                raise
            span = max(INTERVAL, INTERVAL * (span // INTERVAL // 2))
            log.info("tallying_takes_smaller_steps", minutes=span.total_seconds() / 60)
            continue
        if not counted:
            return False
        await asyncio.sleep(_PAUSE_S)
    await pool.execute(_OLD, oldest)
    return True


async def _changed(pool: "asyncpg.Pool[asyncpg.Record]", over: datetime) -> list[datetime]:
    return [row["at"] for row in await pool.fetch(_CHANGED, earliest_id(over), _AGAIN)]


async def _count(
    pool: "asyncpg.Pool[asyncpg.Record]", begin: datetime, end: datetime, reached: tuple[datetime, datetime] | None = None
) -> bool:
    """Counts whole intervals (again). False where another backend is at it."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
            return False
        await connection.execute("set local synchronous_commit = off")  # what is lost with the server is counted again
        await connection.execute(_FORGET, begin, end)
        await connection.execute(_COUNT, earliest_id(begin), earliest_id(end))
        if reached is not None:
            await connection.execute(_REACHED, *reached)
    return True


class Tallier:
    """Counts twice a minute for as long as it runs."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to count."""
        self._task = asyncio.create_task(for_ever("tallies", self._tally_for_ever))

    async def aclose(self) -> None:
        """Stop counting."""
        await stop(self._task)

    async def _tally_for_ever(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await tally(self._pool)
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("tallying_failed", error=f"{type(error).__name__}: {error}")
