"""The main scenario: a thousand executions under way while everything around them is killed, frozen, emptied and repeated."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from tests.acceptance.api import Api
from tests.acceptance.peer import peer
from tests.acceptance.stack import Stack, running
from tests.acceptance.test_faults import all_finished
from tests.chaos import judging, witness
from tests.chaos.judging import Result
from tests.chaos.repeater import Repeater, repeating
from tests.chaos.strikes import Plan, Storm, names
from tests.chaos.work import SlowPeer, Work
from trestle.cli.home import Home

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much of everything. `at_once` per executor."""

    executions: int = 1000
    backends: int = 2
    executors: int = 3
    at_once: int = 50
    answer_s: tuple[float, float] = (1.5, 5.0)
    patience_s: float = 180.0
    late_s: float = 45.0
    plan: Plan = field(default_factory=Plan)


FULL = Size()
QUICK = Size(
    executions=160,
    executors=2,
    at_once=40,
    answer_s=(0.3, 1.2),
    patience_s=90.0,
    late_s=20.0,
    plan=Plan(3, 1, 1, 1, 1, 1, gap_s=(1.0, 2.0), freeze_s=34.0),
)


async def run(template: Home, folder: Path, seed: int, say: Say, size: Size = FULL) -> Result:
    """One storm."""
    result, began = Result("storm", seed), time.time()
    async with peer(SlowPeer(*size.answer_s)) as outside, repeating(Repeater(seed, size.late_s)) as repeater:

        def prepare(stack: Stack) -> None:
            repeater.urls = stack.backend_urls
            for name in names("executor", size.executors):
                stack.adapt(name, TRESTLE_BACKEND_URL=repeater.url, TRESTLE_EXECUTOR_NAME=name)

        few = {"TRESTLE_EXECUTOR_CONCURRENCY": str(size.at_once)}
        with running(template, folder, backends=size.backends, executors=size.executors, env=few, prepare=prepare) as stack:
            work = Work(stack.backend_urls, stack.redis_url, outside.url, seed)
            async with Api(stack.backend_url) as api:
                await api.sign_up()
                await work.publish(api)
            connection = await asyncpg.connect(stack.database_url)
            await witness.install(connection)
            await connection.close()
            first = size.executions * 3 // 5
            await work.put_in(first)
            storm = Storm(stack, size.plan, seed, executors=size.executors, backends=size.backends, say=say)
            rest = asyncio.create_task(work.put_in(size.executions - first, over_s=size.plan.strikes * sum(size.plan.gap_s) / 2))
            await storm.rage()
            await rest
            say(f"  {time.time() - began:5.0f} s  the storm is over")
            counts = await all_finished(stack.database_url, within_s=size.patience_s)
            say(f"  {time.time() - began:5.0f} s  {counts}")
            await repeater.all_said()
            connection = await asyncpg.connect(stack.database_url)
            await judging.endings(connection, work.accepted, result)
            await judging.calls(connection, outside.calls, work.accepted, result)
            await judging.recovery(connection, storm.strikes, result)
            await connection.close()
    for label, count in repeater.book.figures().items():
        result.figures[label] = count
    result.expect("stale writes accepted", repeater.book.stale_accepted)
    result.figures["calls that were not accepted at once"] = work.refusals
    result.took_s = round(time.time() - began, 1)
    return result
