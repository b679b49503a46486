"""The main scenario: a thousand executions under way while everything around them is killed, frozen, emptied and repeated."""

import asyncio
from dataclasses import dataclass, field

from tests.acceptance.stack import Stack
from tests.chaos.judging import MAX_RECOVERY_S, Result
from tests.chaos.repeater import Repeater, repeating
from tests.chaos.scene import Ground, scene, timed
from tests.chaos.strikes import Plan, Storm, names


@dataclass(frozen=True)
class Size:
    """How much of everything. `at_once` per executor: one that is left alone has room for what the others lose, so that the time to
    recover is the product's and not that of a queue. `pause_s`: how long a delay within an execution lasts, so that all are under
    way for most of the storm. `recovery_s`: how long 99 of 100 may stand still; a small storm is also had beside whatever else a machine
    does, where it tells only that nobody waited for a second lease."""

    executions: int = 1000
    backends: int = 2
    executors: int = 3
    at_once: int = 200
    answer_s: tuple[float, float] = (1.0, 4.0)
    pause_s: tuple[float, float] = (5.0, 120.0)
    patience_s: float = 240.0
    late_s: float = 45.0
    recovery_s: float = MAX_RECOVERY_S
    plan: Plan = field(default_factory=Plan)


FULL = Size()
QUICK = Size(
    executions=160,
    executors=2,
    at_once=60,
    answer_s=(0.3, 1.2),
    pause_s=(1.0, 9.0),
    patience_s=90.0,
    late_s=5.0,
    recovery_s=50.0,
    plan=Plan(3, 1, 1, 1, 1, 1, gap_s=(1.0, 2.0), freeze_s=34.0),
)


async def run(ground: Ground, seed: int, size: Size = FULL) -> Result:
    """One storm."""
    result = Result("storm", seed)
    async with timed(result), repeating(Repeater(seed, size.late_s)) as repeater:

        def prepare(stack: Stack) -> None:
            repeater.urls = stack.backend_urls
            for name in names("executor", size.executors):
                stack.adapt(name, TRESTLE_BACKEND_URL=repeater.url)

        async with scene(
            ground,
            seed,
            backends=size.backends,
            executors=size.executors,
            at_once=size.at_once,
            answer_s=size.answer_s,
            pause_s=size.pause_s,
            prepare=prepare,
        ) as it:
            first = size.executions * 7 // 10
            await it.work.put_in(first)
            storm = Storm(it.stack, size.plan, seed, executors=size.executors, backends=size.backends, say=ground.say)
            rest = asyncio.create_task(it.work.put_in(size.executions - first, over_s=size.plan.lasts_s))
            await storm.rage()
            await rest
            ground.say("  the storm is over")
            await it.judge(result, storm.strikes, within_s=size.patience_s, recovery_s=size.recovery_s)
            await repeater.all_said()
        result.figures |= repeater.book.figures()
        result.expect("stale writes accepted", repeater.book.stale_accepted)
        result.figures["calls not accepted at once"] = it.work.refusals
    return result
