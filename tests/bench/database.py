"""What the database says of a run: the moments of each execution, and which statements took its time."""

from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True)
class Moments:
    """Of all executions of one run: how many, how they ended, and medians of their phases in milliseconds."""

    count: int
    succeeded: int
    steps: int
    span_s: float
    """From the first acceptance to the last ending."""
    wait_ms: float
    """Accepted until claimed, median."""
    run_ms: float
    """Claimed until the ending was stored, median."""


async def moments(connection: asyncpg.Connection, workflow_id: str) -> Moments:
    """Read the phases off the rows; the run must be over."""
    row = await connection.fetchrow(
        """
        select count(*) n, count(*) filter (where status = 'succeeded') ok,
               extract(epoch from max(finished_at) - min(created_at))::float8 span,
               percentile_cont(0.5) within group (order by extract(epoch from started_at - created_at) * 1000)::float8 wait,
               percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at) * 1000)::float8 run
        from executions where workflow_id = $1
        """,
        workflow_id,
    )
    steps = await connection.fetchval(
        "select count(*) from steps join executions e on e.id = execution_id where workflow_id = $1", workflow_id
    )
    assert row is not None
    return Moments(row["n"], row["ok"], steps, row["span"] or 0, row["wait"] or 0, row["run"] or 0)


# By the indexes of what is under way: counting the workflow's rows each time would be a load of its own.
_UNDER_WAY = """
select exists (select from executions where status = 'queued' and blocked_on is null and workflow_id = $1)
    or exists (select from executions where status = 'running' and workflow_id = $1)
    or exists (select from executions where status = 'waiting' and workflow_id = $1)
"""


async def under_way(connection: asyncpg.Connection, workflow_id: str) -> bool:
    """Whether executions of a workflow have not ended yet."""
    return bool(await connection.fetchval(_UNDER_WAY, workflow_id))


async def disk_bytes(connection: asyncpg.Connection) -> int:
    """What executions and their steps take on disk, indexes included."""
    return int(await connection.fetchval("select pg_total_relation_size('executions') + pg_total_relation_size('steps')"))


COUNTING = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_planning": "on"}
"""Settings of PostgreSQL under which it keeps count of its statements."""

_PARTS = [("accept", "insert into executions"), ("claim", "claim_id = $"), ("report", "report_seq = r.seq"), ("the rest", "")]


async def durability(connection: asyncpg.Connection) -> str:
    """The settings that decide whether an acknowledged commit survives a crash."""
    names = ("fsync", "synchronous_commit", "full_page_writes")
    return ", ".join([f"{name} {await connection.fetchval('select current_setting($1)', name)}" for name in names])


async def start_counting(connection: asyncpg.Connection) -> None:
    """From now on: what each statement takes."""
    await connection.execute("create extension if not exists pg_stat_statements")
    await connection.execute("select pg_stat_statements_reset()")


async def statement_ms(connection: asyncpg.Connection) -> dict[str, tuple[float, int]]:
    """Since `start_counting`: milliseconds in the server and calls, by what the statements are for."""
    rows = await connection.fetch(
        "select query, calls, total_exec_time + total_plan_time as ms from pg_stat_statements where query not ilike '%pg_stat_statements%'"
    )
    found = {name: (0.0, 0) for name, _ in _PARTS}
    for row in rows:
        name = next(name for name, words in _PARTS if words in row["query"])
        found[name] = (found[name][0] + row["ms"], found[name][1] + row["calls"])
    return found
