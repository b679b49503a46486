"""`make bench`: the figures that Trestle promises, measured on this machine, with the command that measures them.

`python -m tests.bench [PART …]` runs some of them; without any, all but the two that take minutes: `million` and `pressure`.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from tests import servers
from tests.acceptance import stack as stacks
from tests.acceptance.api import Api
from tests.bench import bare, canvas, database, items, launch, memory, million, pressure, throughput
from web.build import DEFAULT_OUT, build

CONNECTIONS = 50
RUNS = 3


def say(*lines: str) -> None:
    """Print at once: a bench is watched."""
    for line in lines:
        print(line, flush=True)


def machine_line() -> str:
    """The machine and what else it is doing."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load {one:.2f} (1 min) {five:.2f} (5 min)"


async def measure_throughput(folder: Path) -> None:
    """Closed loops on one backend and one executor process."""
    with stacks.running(servers.make_migrated(folder / "template"), folder / "home", tuning=database.COUNTING) as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            connection = await asyncpg.connect(stack.database_url)
            say(f"{CONNECTIONS} callers; one backend, one executor; PostgreSQL with {await database.durability(connection)}")
            await connection.close()
            yardstick = await bare.rate(stack, connections=CONNECTIONS, requests=6000)
            say(f"the bare endpoint, one insert and one LPUSH: {yardstick:.0f} requests/s (the yardstick)")
            for name, goal, length, requests in (("webhook → set → stored", 1000, 1, 6000), ("chain of 10 nodes", 500, 10, 3000)):
                warm = await throughput.chain(api, f"warm-{length}", length)
                await throughput.closed(stack, f"warm-{length}", warm, connections=CONNECTIONS, requests=500)
                runs = []
                for number in range(RUNS):
                    workflow = await throughput.chain(api, f"chain-{length}-{number}", length)
                    runs.append(
                        await throughput.closed(stack, f"chain-{length}-{number}", workflow, connections=CONNECTIONS, requests=requests)
                    )
                say(*throughput.report(name, goal, runs, yardstick))


async def measure_idle(folder: Path) -> None:
    """One execution at a time."""
    with stacks.running(servers.make_migrated(folder / "template"), folder / "home") as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            await throughput.chain(api, "idle", 1)
            await throughput.one_at_a_time(stack, "idle", rounds=20)
            took = sorted(await throughput.one_at_a_time(stack, "idle", rounds=200))
            say(f"one execution, POST → stored: {median(took):.1f} ms median, {took[int(len(took) * 0.95)]:.1f} ms p95 (goal ≤ 10)")


async def measure_launch(folder: Path) -> None:
    """Cold once (new home), then warm starts; idle memory of the last."""
    cold = await asyncio.to_thread(launch.once, folder / "home", settle_s=1)
    warm = [await asyncio.to_thread(launch.once, folder / "home", settle_s=15 if n == RUNS - 1 else 1) for n in range(RUNS)]
    say(f"start: {cold.start_s:.1f} s on a new home, {median(run.start_s for run in warm):.1f} s warm (goal ≤ 5)")
    parts = " · ".join(f"{name} {mb:.0f}" for name, mb in sorted(warm[-1].by_process.items(), key=lambda part: -part[1]))
    say(f"idle memory of all processes: {warm[-1].memory_mb:.0f} MB (goal ≤ 450): {parts}")


async def measure_canvas(folder: Path) -> None:
    """The editor with 500 nodes, in Chromium."""
    build(DEFAULT_OUT)
    with stacks.running(
        servers.make_migrated(folder / "template"), folder / "home", web=True, env={"TRESTLE_WEB_BUILD": str(DEFAULT_OUT)}
    ) as stack:
        say(*await canvas.measure(stack))


async def measure_items(folder: Path) -> None:
    """Lists, with two executors."""
    with stacks.running(servers.make_migrated(folder / "template"), folder / "home", executors=2) as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            say(*await items.measure(stack, api, callers=8, executions=100, runs=RUNS))


async def measure_million(folder: Path) -> None:
    """The same things with an empty history and with a full one; BENCH_HISTORY says how full."""
    count = int(os.environ.get("BENCH_HISTORY", str(million.HISTORY)))
    with stacks.running(servers.make_migrated(folder / "template"), folder / "home", tuning=database.COUNTING) as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            workflow = await throughput.chain(api, "old", 1)
            for number in range(million.OTHERS):
                await throughput.chain(api, f"other-{number}", 1)
            await throughput.closed(stack, "old", workflow, connections=CONNECTIONS, requests=2000)
            connection = await asyncpg.connect(stack.database_url)
            model = await connection.fetchval("select id from executions where workflow_id = $1 limit 1", workflow)
            await million.fill(connection, str(model), million.FEW)  # so that every page has its fifty rows both times
            await million.counted(connection)
            empty = await million.costs(stack, api, "empty", workflow, connections=CONNECTIONS, requests=6000)
            per_execution = await million.fill(connection, str(model), count)
            await million.counted(connection)
            await connection.close()
            await throughput.closed(stack, "again", await throughput.chain(api, "again", 1), connections=CONNECTIONS, requests=2000)
            full = await million.costs(stack, api, "full", workflow, connections=CONNECTIONS, requests=6000)
            say(*million.report(count, empty, full, per_execution))


async def measure_pressure(folder: Path) -> None:
    """One executor and a small cap; BENCH_MINUTES says for how long."""
    seconds = 60 * float(os.environ.get("BENCH_MINUTES", "5"))
    cap = {"TRESTLE_MAX_QUEUED": str(pressure.MAX_QUEUED)}
    with stacks.running(servers.make_migrated(folder / "template"), folder / "home", env=cap) as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            workflow = await throughput.chain(api, "pressure", 10)
            say(*pressure.report(await pressure.measure(stack, "pressure", workflow, callers=CONNECTIONS, seconds=seconds), seconds))


async def measure_memory(folder: Path) -> None:
    """Files and large lists through a workflow."""
    with stacks.running(servers.make_migrated(folder / "template"), folder / "home") as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            say(*memory.report(await memory.measure(stack, api)))


PARTS: dict[str, Callable[[Path], Coroutine[Any, Any, None]]] = {
    "throughput": measure_throughput,
    "idle": measure_idle,
    "launch": measure_launch,
    "canvas": measure_canvas,
    "memory": measure_memory,
    "items": measure_items,
    "million": measure_million,
    "pressure": measure_pressure,
}
SLOW = ("million", "pressure")


def main(chosen: list[str]) -> None:
    """Run the chosen parts, or all that are quick."""
    for name in chosen or [name for name in PARTS if name not in SLOW]:
        say(f"— {name} ({machine_line()})")
        with tempfile.TemporaryDirectory(prefix="trestle-bench-") as folder:
            asyncio.run(PARTS[name](Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
