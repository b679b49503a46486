"""A million finished executions in the database: does anything get slower?"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack
from tests.bench import throughput

HISTORY, FEW = 1_000_000, 10_000
RUNS = 3
FAILED_EVERY, BY_HAND_EVERY = 7, 51
OTHERS = 19
"""Workflows that share the history with the one that is measured."""

# Copies of one real execution, spread over the last 20 days. Their ids tell the same times, as real ones do; the oldest is stored first.
_IDS = """
create temporary table history as
select uuidv7(-age) as id, now() - age as at, n, w.ids[1 + n % cardinality(w.ids)] as workflow_id
from generate_series(1, $1) n cross join lateral (select (n * interval '20 days') / $1 + interval '1 hour' as age) a
cross join (select array_agg(id) as ids from workflows) w
"""
_CHANGED = {
    "id": "h.id",
    "workflow_id": "h.workflow_id",
    "created_at": "h.at",
    "started_at": "h.at + interval '5 ms'",
    "finished_at": "h.at + interval '9 ms'",
    "last_push": "h.at",
    "dedupe_key": "null",
    "claim_id": "gen_random_uuid()",
    "status": f"case when h.n % {FAILED_EVERY} = 0 then 'failed' else 'succeeded' end",
    "error": f"case when h.n % {FAILED_EVERY} = 0 then json_build_object('type', 'x', 'message', 'It broke.', 'node', 'step_0') end",
    "trigger": f"case when h.n % {BY_HAND_EVERY} = 0 then json_build_object('kind', 'manual') else m.trigger end",
    "settled": "true",
}
_CHANGED_STEPS = {"id": "uuidv7()", "execution_id": "h.id", "started_at": "h.at", "finished_at": "h.at + interval '1 ms'"}


@dataclass(frozen=True)
class Costs:
    """What things take at one size of the history: medians of some runs. Milliseconds, except for the rates (per second).

    `cpu_ms`: of the product's processes for one execution; what else the machine does moves it less than the rates.
    """

    accept_rate: float
    completed_rate: float
    claim_ms: float
    cpu_ms: float
    pages: dict[str, float]


async def _columns(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> list[str]:
    query = "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum"
    return [row["attname"] for row in await connection.fetch(query, table)]


async def fill(connection: "asyncpg.Connection[asyncpg.Record]", model: str, count: int) -> float:
    """`count` copies of the finished execution `model`, with its steps. Bytes on disk for each."""
    before = await _size(connection)
    await connection.execute("set synchronous_commit = off; set maintenance_work_mem = '512MB'")
    await connection.execute(_IDS.replace("$1", str(count)))
    for table, changed, key in (("executions", _CHANGED, "id"), ("steps", _CHANGED_STEPS, "execution_id")):
        columns = await _columns(connection, table)
        values = ", ".join(changed.get(name, f"m.{name}") for name in columns)
        source = f"history h cross join {table} m where m.{key} = '{model}' order by h.id"
        await connection.execute(f"insert into {table} ({', '.join(columns)}) select {values} from {source}")
    await connection.execute("drop table history")
    await connection.execute("truncate tallies, tallied")  # what is forged in the past is counted like what was there at an upgrade
    await connection.execute("vacuum analyze executions")
    await connection.execute("vacuum analyze steps")
    await connection.execute("checkpoint")
    return (await _size(connection) - before) / count


async def counted(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until the backend has counted the history for the dashboard: it does so within its first minutes, beside all other work."""
    async with asyncio.timeout(300):
        while not await connection.fetchval("select exists (select from tallied where since < now() - interval '30 days')"):
            await asyncio.sleep(0.5)


async def _size(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    return int(await connection.fetchval("select pg_total_relation_size('executions') + pg_total_relation_size('steps')"))


async def _took_ms(work: Callable[[], Awaitable[Any]], rounds: int = 30) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        await work()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


async def costs(stack: Stack, api: Api, path: str, workflow_id: str, *, connections: int, requests: int) -> Costs:
    """Measure accepting, claiming and running by new workflows at `path`, and people's pages; `workflow_id` has a history."""
    runs = []
    for number in range(RUNS):
        fresh = await throughput.chain(api, f"{path}-{number}", 1)
        runs.append(await throughput.closed(stack, f"{path}-{number}", fresh, connections=connections, requests=requests))
    pages = {
        "executions": "/executions?limit=50",
        "of a workflow": f"/workflows/{workflow_id}/executions?limit=50",
        "failed ones": "/executions?limit=50&status=failed",
        "failed ones of a workflow": f"/workflows/{workflow_id}/executions?limit=50&status=failed",
        "running ones": "/executions?limit=50&status=running",
        "quarantined ones (none)": "/executions?limit=50&status=quarantined",
        "by a trigger": "/executions?limit=50&trigger=webhook",
        "by a trigger of which there is none": f"/executions?limit=50&trigger=schedule&workflow_id={workflow_id}",
        "dashboard, 24 hours": "/stats?hours=24",
        "dashboard, 30 days": "/stats?hours=720",
        "workflows": "/workflows?limit=50",
    }
    found = {name: await _took_ms(lambda address=address: api.call("GET", address)) for name, address in pages.items()}  # type: ignore[misc]  # mypy can't tell a lambda's default
    return Costs(
        accept_rate=median(run.load.sent / run.load.took_s for run in runs),
        completed_rate=median(run.rate for run in runs),
        claim_ms=median(run.statements["claim"][0] / run.load.sent for run in runs),
        cpu_ms=median(sum(ms for who, ms in run.cpu_ms.items() if who != "load generator") for run in runs),
        pages=found,
    )


def report(count: int, empty: Costs, full: Costs, per_execution: float) -> list[str]:
    """Lines of the report."""

    def beside(name: str, before: float, after: float, unit: str) -> str:
        return f"  {name}: {before:.4g} → {after:.4g} {unit} ({100 * (after / before - 1):+.0f}%)"

    return [
        f"{count:,} finished executions, against {FEW:,} (goal: within 20%, or for a page below 20 ms)",
        f"  disk: {per_execution / 1024:.2f} KB for each execution",
        beside("accepted", empty.accept_rate, full.accept_rate, "/s"),
        beside("completed", empty.completed_rate, full.completed_rate, "/s"),
        beside("claim, in PostgreSQL", empty.claim_ms, full.claim_ms, "ms/execution"),
        beside("CPU of all processes", empty.cpu_ms, full.cpu_ms, "ms/execution"),
        *(beside(f"page: {name}", before, full.pages[name], "ms") for name, before in empty.pages.items()),
    ]
