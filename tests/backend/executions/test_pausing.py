"""Pause and resume: no new step starts, running steps finish and are recorded, nothing becomes unknown."""

import asyncio
import time
from typing import Any

import pytest

from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_api import ada as ada  # a fixture
from tests.backend.executions.test_resolutions import wait
from tests.backend.executions.test_settling import callable_by, start
from tests.backend.executions.test_sweeps import empty, queued, until_queued
from tests.backend.executions.world import DONE, SWEPT_S, Backend, FakeExecutor, World, report, step

pytestmark = pytest.mark.usefixtures("eager")

LATER = "2099-01-01T00:00:00Z"


async def pause(ada: Ada, execution_id: str, expect: int = 202) -> str:
    """The status, or what the refusal says."""
    return await _steer(ada, execution_id, "pause", expect)


async def resume(ada: Ada, execution_id: str, expect: int = 202) -> str:
    """The status, or what the refusal says."""
    return await _steer(ada, execution_id, "resume", expect)


async def _steer(ada: Ada, execution_id: str, what: str, expect: int) -> str:
    answer = await ada.call("POST", f"/executions/{execution_id}/{what}", expect)
    return str(answer["status" if expect == 202 else "detail"])


async def test_a_queued_one_is_not_run_until_it_is_resumed(ada: Ada, backend: Backend, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    assert await pause(ada, execution_id) == "paused"
    assert (await executor.claim(execution_id))["jobs"] == (await executor.claim())["jobs"] == []
    assert "paused already" in await pause(ada, execution_id, 409)
    await empty(backend.settings)
    assert await resume(ada, execution_id) == "queued"
    await until_queued(backend.settings, execution_id)
    assert (await executor.take(execution_id))["epoch"] == 1


async def test_running_steps_finish_under_the_same_epoch(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("one", "running")))
    assert await pause(ada, execution_id) == "paused"
    row = await world.execution(execution_id)
    assert (row["running_since"], row["running_ms"] > 0) == (None, True)
    assert await executor.beat(job) == {execution_id: "pause"}
    assert await executor.verdict(report(job, 2, step("one"))) == "pause", "recorded, and it hears of it"
    assert await executor.verdict(report(job, 2, step("one"))) == "pause", "a repeat as well"
    assert [s["status"] for s in await world.steps(execution_id)] == ["succeeded"]
    await executor.release(job)
    row = await world.execution(execution_id)
    assert (row["status"], row["executor_id"], row["lease_until"], row["running_ms"]) == ("paused", None, None, row["running_ms"])
    assert await executor.verdict(report(job, 3, step("two"))) == "stale", "given back"
    assert await resume(ada, execution_id) == "queued"
    again = await executor.take(execution_id)
    assert (again["epoch"], [s["node"] for s in again["finished"]]) == (2, ["one"])


async def test_the_last_step_of_a_paused_one_ends_it(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await pause(ada, execution_id)
    assert await executor.verdict(report(job, 1, step("one"), ending=DONE)) == "continue"
    assert (await world.execution(execution_id))["status"] == "succeeded"
    assert "ended already" in await resume(ada, execution_id, 409)
    assert "ended already" in await pause(ada, execution_id, 409)


async def test_what_was_handed_back_while_paused_takes_no_late_report(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await pause(ada, execution_id)
    await executor.report(report(job, 1, step("one"), ending={"status": "waiting", "due_at": LATER}))
    assert (await world.execution(execution_id))["status"] == "paused"
    await executor.report(report(job, 2, step("late")))
    assert [s["node"] for s in await world.steps(execution_id)] == ["one"]
    assert await resume(ada, execution_id) == "queued", "nobody has it any more"


async def test_it_goes_on_with_an_owner_who_still_has_it(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    began = time.monotonic()
    job = await executor.take(execution_id)
    await pause(ada, execution_id)
    await asyncio.sleep(0.3)
    assert await resume(ada, execution_id) == "running"
    assert await executor.beat(job) == {}
    assert await executor.verdict(report(job, 1, step("one"), ending=DONE)) == "continue"
    row = await world.execution(execution_id)
    assert (row["status"], row["epoch"]) == ("succeeded", 1)
    assert row["running_ms"] < (time.monotonic() - began - 0.3) * 1000, "paused time is no running time"
    assert "ended already" in await resume(ada, execution_id, 409)


async def test_it_is_queued_where_its_owner_died(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    await executor.take(execution_id)
    await pause(ada, execution_id)
    await world.pool.execute("update executions set lease_until = now() - interval '1 s'")
    await asyncio.sleep(SWEPT_S)
    row = await world.execution(execution_id)
    assert (row["status"], row["interruptions"]) == ("paused", 0), "the sweep leaves it alone"
    assert await resume(ada, execution_id) == "queued"
    assert (await executor.take(execution_id))["epoch"] == 2


async def test_a_hand_back_leaves_it_paused(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await pause(ada, execution_id)
    ending = {"status": "waiting", "due_at": "2020-01-01T00:00:00Z"}
    assert await executor.verdict(report(job, 1, wait("one", due_at="2020-01-01T00:00:00Z"), ending=ending)) == "continue"
    row = await world.execution(execution_id)
    assert (row["status"], row["wake_at"].year) == ("paused", 2020)
    await asyncio.sleep(SWEPT_S)
    assert (await world.execution(execution_id))["status"] == "paused", "though its time has come"
    assert await executor.beat(job) == {execution_id: "pause"}
    assert await resume(ada, execution_id) == "queued", "nobody has it, however fresh its lease was"


async def test_a_waiting_one_is_paused_and_goes_on(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, wait("one", due_at=LATER), ending={"status": "waiting", "due_at": LATER}))
    assert await pause(ada, execution_id) == "paused"
    assert await resume(ada, execution_id) == "queued"
    [opened] = (await executor.take(execution_id))["open"]
    assert (opened["status"], opened["due_at"][:4]) == ("waiting", "2099")


async def test_what_is_not_paused_can_not_be_resumed(ada: Ada, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    assert "is queued, not paused" in await resume(ada, execution_id, 409)
    await executor.take(execution_id)
    assert "is running, not paused" in await resume(ada, execution_id, 409)


async def test_a_paused_one_can_be_cancelled(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await pause(ada, execution_id)
    await ada.call("POST", f"/executions/{execution_id}/cancel", 202)
    assert await executor.beat(job) == {execution_id: "cancel"}
    assert await executor.verdict(report(job, 1, step("one"))) == "cancel"


async def test_viewers_may_not(ada: Ada, world: World) -> None:
    execution_id = await ada.execute()
    await world.pool.execute("update memberships set role = 'viewer'")
    for what in ("pause", "resume"):
        await ada.call("POST", f"/executions/{execution_id}/{what}", 403)


async def test_its_place_among_limited_ones_is_kept_while_its_owner_has_it(ada: Ada, world: World, executor: FakeExecutor) -> None:
    await ada.call("PATCH", f"/workflows/{ada.workflow_id}", json={"settings": {"concurrency": {"limit": 1}}})
    first, second = [await ada.execute() for _ in range(2)]
    job = await executor.take(first)
    await pause(ada, first)
    assert (await executor.claim(second))["jobs"] == [], "the first may be resumed with its owner"
    await executor.release(job)
    assert (await executor.take(second))["epoch"] == 1, "its place is free"


async def test_the_queue_is_left_alone_by_a_pause(ada: Ada, backend: Backend, world: World) -> None:
    execution_id = await ada.execute()
    await until_queued(backend.settings, execution_id)
    await world.pool.execute("update executions set last_push = now() + interval '1 hour'")  # before the pause no sweep pushes it again
    await empty(backend.settings)
    await pause(ada, execution_id)
    await world.pool.execute("update executions set last_push = now() - interval '1 hour'")
    await asyncio.sleep(SWEPT_S)
    assert await queued(backend.settings) == [], "the sweep does not push it"


async def statuses(world: World, *jobs: dict[str, Any] | str) -> list[str]:
    """Where these executions are."""
    return [(await world.execution(job if isinstance(job, str) else job["execution_id"]))["status"] for job in jobs]


async def test_children_are_paused_and_resumed_with_their_caller(ada: Ada, world: World, executor: FakeExecutor) -> None:
    """Those that a step waits for, and theirs; but who was paused before stays so, and who was resumed meanwhile goes on."""
    mine = await callable_by(ada, world)
    job = await executor.take(await ada.execute())
    child = await executor.take(await start(executor, job, mine))
    grandchild = await start(executor, child, mine, key="g")
    held = await executor.take(await start(executor, job, mine, node="held", key="held"))
    under_held = await start(executor, held, mine, key="under")
    loose = await start(executor, job, mine, node="loose", key="loose", wait=False)
    done = await executor.take(await start(executor, job, mine, node="done", key="done"))
    await executor.report(report(done, 1, ending=DONE))
    await pause(ada, held["execution_id"])
    await pause(ada, job["execution_id"])
    everybody = (job, child, grandchild, held, under_held, loose, done)
    assert await statuses(world, *everybody) == ["paused"] * 5 + ["queued", "succeeded"]
    assert set((await executor.beat(job, child, held)).values()) == {"pause"}, "each owner hears of it"
    assert "Paused with" in (await ada.call("GET", f"/executions/{grandchild}"))["reason"]
    assert "paused already" in await pause(ada, grandchild, 409)

    await resume(ada, job["execution_id"])
    assert await statuses(world, *everybody) == ["running", "running", "queued", "paused", "paused", "queued", "succeeded"]
    assert (await world.execution(grandchild))["reason"] is None
    await resume(ada, held["execution_id"])
    assert await statuses(world, held, under_held) == ["running", "queued"]

    await pause(ada, job["execution_id"])
    await resume(ada, child["execution_id"])
    assert await statuses(world, *everybody[:5]) == ["paused", "running", "queued", "paused", "paused"]
    await pause(ada, child["execution_id"])
    await resume(ada, job["execution_id"])
    assert await statuses(world, *everybody[:5]) == ["running", "paused", "paused", "running", "queued"], "it was paused by itself by then"


async def test_a_child_of_a_paused_caller_is_born_asleep(ada: Ada, world: World, executor: FakeExecutor) -> None:
    """The step that calls it was running, and may finish; the same call again wakes nobody."""
    mine = await callable_by(ada, world)
    job = await executor.take(await ada.execute())
    await pause(ada, job["execution_id"])
    for _ in range(2):
        child = await start(executor, job, mine)
        loose = await start(executor, job, mine, node="loose", key="loose", wait=False)
        assert await statuses(world, child, loose) == ["paused", "queued"]
    assert (await executor.claim(child))["jobs"] == []
    await resume(ada, job["execution_id"])
    assert (await executor.take(child))["epoch"] == 1


async def test_a_pause_and_a_call_at_the_same_moment(ada: Ada, world: World, executor: FakeExecutor) -> None:
    """Whichever comes first, the child is paused."""
    mine = await callable_by(ada, world)
    for place in range(10):
        job = await executor.take(await ada.execute())
        child, _ = await asyncio.gather(start(executor, job, mine, key=f"k{place}"), pause(ada, job["execution_id"]))
        assert await statuses(world, child) == ["paused"]


@pytest.mark.parametrize("how", ["cancel", "retry"])
async def test_what_was_paused_with_a_caller_that_is_gone(ada: Ada, world: World, executor: FakeExecutor, how: str) -> None:
    """It ends with it; or a retry, which comes before that, takes it over and lets it go on."""
    mine = await callable_by(ada, world)
    job = await executor.take(await ada.execute())
    child = await start(executor, job, mine)
    await pause(ada, job["execution_id"])
    if how == "cancel":
        await ada.call("POST", f"/executions/{job['execution_id']}/cancel", 202)
        await world.until(child, "cancelled")
        return
    await world.pool.execute(
        "update executions set status = 'cancelled', finished_at = now(), settled = true where id = $1", job["execution_id"]
    )
    again = await executor.take((await ada.call("POST", f"/executions/{job['execution_id']}/retry", 202))["execution_id"])
    assert await start(executor, again, mine) == child
    assert await statuses(world, child) == ["queued"]


async def test_a_pause_lets_a_batch_of_reports_pass(ada: Ada, world: World, executor: FakeExecutor) -> None:
    """Such a batch may hold the child and want its caller, while the pause holds the caller and wants the child."""
    mine = await callable_by(ada, world)
    job = await executor.take(await ada.execute())
    child = await start(executor, job, mine)
    lock = "select from executions where id = $1 for update"
    async with world.pool.acquire() as other, world.pool.acquire() as batch:
        async with batch.transaction():
            await batch.execute("set local deadlock_timeout = '1min'")  # so that it is the pause that gives way
            await batch.execute(lock, child)
            async with other.transaction():
                await other.execute(lock, job["execution_id"])
                pausing = asyncio.create_task(pause(ada, job["execution_id"]))
                await world.until_locked_out(1)
                wanting = asyncio.create_task(batch.execute(lock, job["execution_id"]))
                await world.until_locked_out(2)
            await wanting
        assert await pausing == "paused"
    assert await statuses(world, job, child) == ["paused", "paused"]
