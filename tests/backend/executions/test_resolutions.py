"""Answers to waits: stored once, whenever they come, and the execution goes on."""

import asyncio
import json
from typing import Any
from uuid import UUID

from backend.executions.resolutions import Outcome, resolve
from tests.backend.executions.test_sweeps import empty, queued, until_queued
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step
from trestle.contracts.jobs import Resolution

WAITING = {"status": "waiting"}


def wait(node: str = "name", **more: Any) -> dict[str, Any]:
    """A step that waits for a call."""
    return {**step(node, "waiting", started_at="2026-01-01T00:00:00Z", token="webhook"), "output": None, **more}


async def answer(backend: Backend, execution_id: str, node: str = "name", value: Any = None, **more: Any) -> Outcome:
    """Somebody answers a step's wait."""
    parts = backend.app.state.services
    resolution = Resolution(node=node, kind="webhook", answer=value, **more)
    return await resolve(parts.database.hot, parts.queue, parts.doorbell, UUID(execution_id), resolution)


async def test_an_answer_wakes_what_waits_for_it(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    assert await executor.verdict(report(job, 1, wait(), ending=WAITING)) == "continue"
    row = await world.execution(execution_id)
    assert (row["status"], row["wake_at"]) == ("waiting", None)
    await empty(backend.settings)
    assert await answer(backend, execution_id, value={"n": 2**70}) is Outcome.FIRST
    assert (await world.execution(execution_id))["status"] == "queued"
    await until_queued(backend.settings, execution_id)
    assert await answer(backend, execution_id, value="other") is Outcome.ANSWERED
    stored = await world.pool.fetch("select answer from resolutions")
    assert [json.loads(row["answer"]) for row in stored] == [{"n": 2**70}], "the first one stays"


async def test_an_answer_to_another_step_wakes_nobody(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, wait(), wait("item", item=3), ending=WAITING))
    await until_queued(backend.settings, execution_id)
    await empty(backend.settings)
    assert await answer(backend, execution_id, "later") is Outcome.FIRST
    assert await answer(backend, execution_id, "item", item=4) is Outcome.FIRST
    assert (await world.execution(execution_id))["status"] == "waiting"
    assert await queued(backend.settings) == []
    assert await answer(backend, execution_id, "item", item=3) is Outcome.FIRST
    assert (await world.execution(execution_id))["status"] == "queued"


async def test_an_answer_of_another_kind_wakes_nobody(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, wait(token="child"), ending=WAITING))
    assert await answer(backend, execution_id) is Outcome.FIRST
    assert (await world.execution(execution_id))["status"] == "waiting"


async def test_an_answer_waits_for_a_hand_back_that_is_under_way(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """Else each would miss the other: no answer is there yet, and nobody waits yet."""
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, wait()))
    async with world.pool.acquire() as connection:
        async with connection.transaction():
            query = "update executions set status = 'waiting', executor_id = null, lease_until = null where id = $1"
            await connection.execute(query, UUID(execution_id))
            answering = asyncio.create_task(answer(backend, execution_id))
            done, _ = await asyncio.wait([answering], timeout=0.3)
            assert not done
        assert await answering is Outcome.FIRST
    assert (await world.execution(execution_id))["status"] == "queued"


async def test_nothing_is_answered_that_is_over(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("name")))
    assert await answer(backend, execution_id) is Outcome.OVER, "the step has ended"
    await executor.report(report(job, 2, ending=DONE))
    assert await answer(backend, execution_id, "other") is Outcome.OVER, "the execution has"
    assert await answer(backend, "00000000-0000-7000-8000-000000000000") is Outcome.OVER, "there is none"
    assert await world.pool.fetchval("select count(*) from resolutions") == 0


async def test_a_step_whose_time_came_takes_no_answer_any_more_until_it_waits_again(
    backend: Backend, world: World, executor: FakeExecutor
) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, wait(due_at="2026-01-01T00:00:00Z")))
    running = {**step("name", "running", wait={"$resumed": {"a\0": 1}, "$expired": "webhook"}), "output": None}
    await executor.report(report(job, 2, running))
    assert await answer(backend, execution_id) is Outcome.OVER
    await executor.report(report(job, 3, wait(wait={"reminded": True})))
    assert await answer(backend, execution_id) is Outcome.FIRST


async def test_an_answer_to_a_paused_one_is_kept_and_does_not_wake_it(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, wait(), ending=WAITING))
    await world.pool.execute("update executions set status = 'paused'")
    assert await answer(backend, execution_id) is Outcome.FIRST
    assert (await world.execution(execution_id))["status"] == "paused"
