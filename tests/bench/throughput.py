"""Webhook → nodes → stored, by callers in a closed loop; and one execution at a time."""

import asyncio
import os
import time
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import asyncpg

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack
from tests.bench import database, machine
from tests.bench.load import Caller, LoadResult, closed_loop


@dataclass(frozen=True)
class Throughput:
    """One run of a closed loop. `cpu_ms` is CPU time per execution, by process."""

    rate: float
    load: LoadResult
    moments: database.Moments
    cpu_ms: dict[str, float]
    missing: int
    statements: dict[str, tuple[float, int]]
    disk_per_execution: float


async def chain(api: Api, path: str, length: int) -> str:
    """A live workflow: a webhook, then `length` nodes that each set a field. Its id."""
    nodes: list[dict[str, Any]] = [{"key": "hook", "type": "trigger.webhook", "config": {"path": path}}]
    for number in range(length):
        source = "payload.score" if number == 0 else f"nodes.step_{number - 1}.score"
        nodes.append({"key": f"step_{number}", "type": "set", "config": {"fields": {"score": f"{{{{ {source} + 1 }}}}"}}})
    keys = [node["key"] for node in nodes]
    made = await api.workflow(nodes, list(pairwise(keys)), name=path)
    return str(made["id"])


def _cpu(stack: Stack) -> dict[str, float]:
    return {name: machine.cpu_s(machine.tree(pid)) for name, pid in stack.pids().items()}


async def closed(stack: Stack, path: str, workflow_id: str, *, connections: int, requests: int) -> Throughput:
    """`requests` calls of a webhook by `connections` callers; the rate counts until the last execution is stored as ended."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        before_ids = await connection.fetchval("select count(*) from executions where workflow_id = $1", workflow_id)
        assert before_ids == 0, "one run a workflow: its moments are read off its rows"
        disk = await database.disk_bytes(connection)
        await database.start_counting(connection)
        before, own_before, start = _cpu(stack), time.process_time(), time.perf_counter()
        load = await closed_loop(f"{stack.backend_url}/webhooks/{path}", connections=connections, requests=requests)
        while await database.under_way(connection, workflow_id):
            await asyncio.sleep(0.02)
            assert time.perf_counter() - start < 300, "executions are still under way after five minutes"
        after, own_after = _cpu(stack), time.process_time()
        statements = await database.statement_ms(connection)
        moments = await database.moments(connection, workflow_id)
        cpu_ms = {name: 1000 * (after[name] - before[name]) / requests for name in after}
        cpu_ms["load generator"] = 1000 * (own_after - own_before) / requests
        grown = (await database.disk_bytes(connection) - disk) / requests
        return Throughput(
            moments.succeeded / moments.span_s, load, moments, cpu_ms, len(load.accepted) - moments.succeeded, statements, grown
        )
    finally:
        await connection.close()


async def one_at_a_time(stack: Stack, path: str, *, rounds: int) -> list[float]:
    """From the first byte sent to the ending stored, in ms, of executions that have the machine to themselves."""
    connection = await asyncpg.connect(stack.database_url)
    caller = Caller(f"{stack.backend_url}/webhooks/{path}")
    took: list[float] = []
    try:
        look = await connection.prepare("select status = 'succeeded' from executions where id = $1")
        for _ in range(rounds):
            start = time.perf_counter()
            _, answer = await caller.post(b'{"name":"Ada","score":91}')
            execution_id = answer.split(b'"execution_id":')[1].split(b'"')[1].decode()
            while not await look.fetchval(execution_id):
                await asyncio.sleep(0.0002)
            took.append(1000 * (time.perf_counter() - start))
            await asyncio.sleep(0.02)
    finally:
        await caller.close()
        await connection.close()
    return took


def report(name: str, goal: float, runs: list[Throughput], yardstick: float) -> list[str]:
    """Lines of the report: the median run, and where its time goes. `yardstick`: requests/s of the bare endpoint."""
    middle = sorted(runs, key=lambda run: run.rate)[len(runs) // 2]
    rates = ", ".join(f"{run.rate:.0f}" for run in runs)
    latencies = sorted(middle.load.latencies)
    total = sum(middle.cpu_ms.values())
    cores = os.cpu_count() or 1
    busy = {who: middle.rate * ms / 1000 for who, ms in middle.cpu_ms.items()}
    return [
        f"{name}: {median(run.rate for run in runs):.0f} executions/s (goal {goal:.0f}; runs: {rates})",
        f"  accepted {len(middle.load.accepted)}, succeeded {middle.moments.succeeded}, missing in all {sum(run.missing for run in runs)},"
        f" refused {middle.load.refused or 0}, steps stored {middle.moments.steps}",
        f"  accept {1000 * median(latencies):.1f} ms median, {1000 * latencies[int(len(latencies) * 0.99)]:.1f} ms p99"
        f" · accepted → claimed {middle.moments.wait_ms:.1f} ms · claimed → stored {middle.moments.run_ms:.1f} ms (medians)",
        f"  {yardstick / middle.rate:.2f} times slower than the bare endpoint (goal ≤ 2.5)",
        f"  the limit: of {cores} cores {sum(busy.values()):.2f} are busy: "
        + " · ".join(f"{who} {load:.2f}" for who, load in busy.items()),
        f"  CPU per execution {total:.2f} ms: " + " · ".join(f"{who} {ms:.2f}" for who, ms in middle.cpu_ms.items()),
        "  in PostgreSQL per execution: "
        + " · ".join(f"{part} {ms / middle.load.sent:.3f} ms ({calls} calls)" for part, (ms, calls) in middle.statements.items()),
        f"  disk {middle.disk_per_execution / 1024:.1f} KB per execution",
    ]
