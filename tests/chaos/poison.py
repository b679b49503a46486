"""A node that kills whatever process runs it, among two hundred neighbours: it alone is quarantined."""

import asyncio
import time
from pathlib import Path

from tests.chaos.judging import Result
from tests.chaos.scene import Ground, Scene, scene, timed
from tests.chaos.strikes import names

EXECUTORS = 2
NODE = '''"""A node that kills its process."""

import os
import signal

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node


class Config(Base):
    """Nothing to say."""


class Poison(Node[Config]):
    """Dies, and takes all with it."""

    type, title, group, icon = "poison", "Poison", "Data", "skull"
    effect = "idempotent"
    example = {}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """Never answers."""
        os.kill(os.getpid(), signal.SIGKILL)
        return None
'''


async def run(ground: Ground, seed: int, quick: bool = False) -> Result:
    """One poisonous execution, first in the queue."""
    result, neighbours = Result("poison", seed), 40 if quick else 200
    nodes = Path(ground.folder).parent / f"nodes-{seed}"
    nodes.mkdir(exist_ok=True)
    (nodes / "poison.py").write_text(NODE)
    async with timed(result), scene(ground, seed, executors=EXECUTORS, at_once=50, env={"TRESTLE_NODES_DIR": str(nodes)}) as it:
        hook = {"key": "hook", "type": "trigger.webhook", "config": {"path": "poison"}}
        await it.api.workflow([hook, {"key": "dose", "type": "poison"}], [("hook", "dose")], name="poison")
        rest = asyncio.create_task(it.work.put_in(neighbours, over_s=60))
        await asyncio.sleep(1)
        poisoned = await it.api.post_webhook("poison", {})
        deaths = await _nurse(it, poisoned)
        await rest
        [row] = await it.ask("select status, error from executions where id = $1::uuid", poisoned)
        it.say(f"  the poisonous one is {row['status']} after {deaths} deaths of executors: {row['error']}")
        result.figures["neighbours"] = neighbours
        result.figures["deaths of executors"] = deaths
        result.expect("quarantined", int(row["status"] == "quarantined"), to_be=1)
        await it.ask("delete from executions where id = $1::uuid", poisoned)  # the rest is judged as ever: all of it has to succeed
        await it.judge(result)
    return result


async def _nurse(it: Scene, poisoned: str) -> int:
    """Start what has died, as the launcher would, until the poison is out of the way. How often that was."""
    deaths, until = 0, time.monotonic() + 240
    while time.monotonic() < until:
        for name in names("executor", EXECUTORS):
            if it.stack.died(name):
                deaths += 1
                await asyncio.to_thread(it.stack.start, name)
        [row] = await it.ask("select finished_at from executions where id = $1::uuid", poisoned)
        if row["finished_at"] is not None:
            return deaths
        await asyncio.sleep(0.2)
    return deaths
