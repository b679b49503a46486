"""A rolling restart under load: executors get SIGTERM one after the other, and no step that fits into the drain runs twice."""

import asyncio

from tests.chaos.judging import Result
from tests.chaos.scene import Ground, scene, timed
from tests.chaos.strikes import names

EXECUTORS = 2


async def run(ground: Ground, seed: int, quick: bool = False) -> Result:
    """Ten restarts."""
    result, restarts = Result("rolling", seed), 3 if quick else 10
    async with timed(result), scene(ground, seed, executors=EXECUTORS) as it:
        await it.work.put_in(40 if quick else 100)
        load = asyncio.create_task(it.work.put_in(restarts * 40, over_s=restarts * 4.0))
        codes = []
        for number in range(restarts):
            await asyncio.sleep(1.0)
            name = names("executor", EXECUTORS)[number % EXECUTORS]
            codes.append(await asyncio.to_thread(it.stack.terminate, name))
            await asyncio.to_thread(it.stack.start, name)
        await load
        await it.judge(result)
        result.figures["restarts"] = restarts
        result.expect("exit codes other than 0", [code for code in codes if code])
        result.expect("calls repeated", result.figures["calls repeated"])
    return result
