"""What an execution's steps tell of the executions that they have started, and what it hears of their ends."""

import asyncio
from uuid import UUID

from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_api import ada as ada  # a fixture
from tests.backend.executions.test_resolutions import WAITING, wait
from tests.backend.executions.test_settling import FAILED, callable_by, resolutions, start
from tests.backend.executions.test_settling import called as called  # a fixture
from tests.backend.executions.test_sweeps import empty, until_queued
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step


async def test_a_step_says_which_executions_it_has_started(ada: Ada, world: World, executor: FakeExecutor) -> None:
    mine = await callable_by(ada, world)
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    one = [await start(executor, job, mine, node="one", key=f"one{item}", item=item) for item in (0, 1)]
    two = [await start(executor, job, mine, node="two", key=key, wait=False) for key in ("first", "second")]
    steps = [step("start"), step("one", "running", items="[7, 8]"), step("one", item=0), step("one", item=1), step("two")]
    await executor.report(report(job, 1, *steps))
    for query in ("", "?values=false"):
        found = (await ada.call("GET", f"/executions/{execution_id}/steps{query}"))["items"]
        assert [s["calls"] for s in found] == [[], [], one[:1], one[1:], two]
    assert (await ada.call("GET", f"/executions/{execution_id}/steps/{found[-1]['id']}"))["calls"] == two


async def test_a_parent_that_was_woken_and_held_again_is_pushed_again(
    backend: Backend, world: World, executor: FakeExecutor, called: World
) -> None:
    """By the end of another child: whoever claims the parent in that moment passes over it."""
    job = await executor.take(await backend.post())
    children = [await executor.take(await start(executor, job, called, item=item, key=f"k{item}")) for item in range(2)]
    calls = [{**wait("call", item=item), "token": "child"} for item in range(2)]
    await executor.report(report(job, 1, *calls, ending=WAITING))
    await executor.report(report(children[0], 1, ending=DONE))
    await world.until(job["execution_id"], "queued")
    await until_queued(backend.settings, job["execution_id"])
    await world.pool.execute("update executions set last_push = now() + interval '1 hour'")  # no sweep pushes it
    await empty(backend.settings)
    await executor.report(report(children[1], 1, ending=DONE))
    await until_queued(backend.settings, job["execution_id"])


async def test_what_is_told_of_again_leaves_its_parent_alone(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    job, other = [await executor.take(await backend.post()) for _ in range(2)]
    child = await executor.take(await start(executor, job, called))
    await executor.report(report(child, 1, ending=DONE))
    await resolutions(world, job["execution_id"])
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from executions where id = $1 for update", UUID(job["execution_id"]))
        backend.app.state.services.settler.soon([UUID(child["execution_id"])])
        await executor.report(report(other, 1, ending=FAILED))
        async with asyncio.timeout(10):  # less than a statement waits
            while not (await world.execution(other["execution_id"]))["settled"]:
                await asyncio.sleep(0.02)
