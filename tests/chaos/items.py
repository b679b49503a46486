"""A for-each of a thousand HTTP calls whose executor is killed in the middle goes on where it was."""

import asyncio

from tests.chaos.judging import Result
from tests.chaos.scene import Ground, scene, timed
from tests.chaos.work import call

AT_ONCE = 20


async def run(ground: Ground, seed: int, quick: bool = False) -> Result:
    """One execution, killed at half its items."""
    result, count = Result("items", seed), 200 if quick else 1000
    async with timed(result), scene(ground, seed, answer_s=(0.1, 0.3)) as it:
        each = call(it.outside.url, "each", "/{{ index }}", for_each={"items": "{{ payload.items }}", "concurrency": AT_ONCE})
        hook = {"key": "hook", "type": "trigger.webhook", "config": {"path": "many"}}
        await it.api.workflow([hook, each], [("hook", "each")], name="many")
        execution_id = await it.api.post_webhook("many", {"n": 1, "items": list(range(count))})
        it.work.accepted[execution_id] = {f"each/{index}" for index in range(count)}
        while len(it.outside.calls) < count // 2:
            await asyncio.sleep(0.01)
        it.stack.kill("executor")
        [row] = await it.ask("select count(*) from witness_successes where item is not null")
        result.figures["items recorded at the kill"] = row["count"]
        await asyncio.to_thread(it.stack.start, "executor")
        await it.judge(result)
        if result.figures["calls repeated"] > AT_ONCE:
            result.broken.append(f"{result.figures['calls repeated']} calls were repeated; only {AT_ONCE} were under way")
    return result
