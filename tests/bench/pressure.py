"""Producers that outrun the executors for minutes: what is too much is refused, nothing is lost, and memory stays flat."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import asyncpg

from tests.acceptance.stack import Stack
from tests.bench import database, machine
from tests.bench.load import Caller

MAX_QUEUED = 2000
EVERY_S = 5.0
PAUSE_S = 0.1
"""What a producer waits after a 429: much less than it is asked to."""


@dataclass
class Pressure:
    """What happened. `memory_mb`: a process's samples of PSS, one every 5 s."""

    answers: Counter[int] = field(default_factory=Counter)
    memory_mb: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    queued: list[int] = field(default_factory=list)
    missing: int = 0


async def measure(stack: Stack, path: str, workflow_id: str, *, callers: int, seconds: float) -> Pressure:
    """Push for so long, then let it all end."""
    found = Pressure()
    until = time.monotonic() + seconds
    connection = await asyncpg.connect(stack.database_url)

    async def push() -> None:
        caller = Caller(f"{stack.backend_url}/webhooks/{path}")
        while time.monotonic() < until:
            status, _ = await caller.post(b'{"name":"Ada","score":91}')
            found.answers[status] += 1
            if status == 429:
                await asyncio.sleep(PAUSE_S)
        await caller.close()

    async def watch() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(min(EVERY_S, seconds / 10))
            for name, pid in stack.pids().items():
                found.memory_mb[name].append(machine.memory_mb(machine.tree(pid)))
            found.queued.append(await connection.fetchval("select count(*) from executions where status = 'queued'"))

    try:
        await asyncio.gather(watch(), *(push() for _ in range(callers)))
        while await database.under_way(connection, workflow_id):
            await asyncio.sleep(0.1)
        ended = await connection.fetchval("select count(*) from executions where workflow_id = $1 and status = 'succeeded'", workflow_id)
        found.missing = found.answers[202] - ended
    finally:
        await connection.close()
    return found


def report(found: Pressure, seconds: float) -> list[str]:
    """Lines of the report. The first third is left out of the memory: caches fill, pools grow."""
    lines = [
        f"{seconds / 60:.1f} minutes of more than can be run, at most {MAX_QUEUED} queued: accepted {found.answers[202]:,},"
        f" refused with 429 {found.answers[429]:,}, missing {found.missing},"
        f" other answers {sum(count for status, count in found.answers.items() if status not in (202, 429))};"
        f" most queued at once {max(found.queued):,}"
    ]
    for name, samples in found.memory_mb.items():
        settled = samples[len(samples) // 3 :]
        lines.append(f"  memory of {name}: {min(settled):.0f} to {max(settled):.0f} MB, {settled[-1]:.0f} at the end")
    return lines
