"""Executions under which processes die: blamed only for what they did, and never one that is innocent."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_api import ada as ada  # a fixture
from tests.backend.executions.test_settling import another, of
from tests.backend.executions.world import Backend, FakeExecutor, World, report, step

pytestmark = pytest.mark.usefixtures("eager")


async def expire(world: World, execution_id: str) -> int:
    """Its process dies, and its lease runs out; its interruptions then."""
    await world.pool.execute("update executions set lease_until = now() - interval '1 s' where id = $1", UUID(execution_id))
    row = await world.until(execution_id, "queued")
    return int(row["interruptions"])


async def dies(executor: FakeExecutor, lane: FakeExecutor, expect: int = 200) -> None:
    """The lane's parent says that it died."""
    status, answer = await executor.call("died", {"executor_id": lane.executor_id})
    assert status == expect, answer


async def in_lane(backend: Backend, world: World, execution_id: str, *steps: dict[str, Any]) -> FakeExecutor:
    """A new lane that has taken a suspect and reported these steps of it."""
    lane = await FakeExecutor.register(backend, lane="quarantine")
    job = await lane.take(execution_id)
    if steps:
        await lane.report(report(job, 1, *steps))
    return lane


async def make_suspect(backend: Backend, world: World, executor: FakeExecutor) -> str:
    """An execution that has interrupted three processes."""
    execution_id = await backend.post()
    for count in (1, 2, 3):
        job = await executor.take(execution_id)
        await executor.report(report(job, 1, step("name", "running")))
        assert await expire(world, execution_id) == count
    return execution_id


@pytest.mark.parametrize("ends", ["succeeded", "failed", "skipped", "waiting"])
async def test_progress_clears_it(backend: Backend, world: World, executor: FakeExecutor, ends: str) -> None:
    """A long execution is not blamed for executors that die now and then."""
    execution_id = await backend.post()
    for _ in range(2):
        await executor.take(execution_id)
        counted = await expire(world, execution_id)
    assert counted == 2, "nothing recorded: it may have died in a pure step"
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("name", ends), step("next", "running")))
    assert await expire(world, execution_id) == 1, "a step ended, and another one was running"
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("next")))
    assert await expire(world, execution_id) == 0, "none was"


async def test_a_hand_back_clears_it(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    await executor.take(execution_id)
    assert await expire(world, execution_id) == 1
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, ending={"status": "waiting", "due_at": "2020-01-01T00:00:00Z"}))
    assert (await world.execution(execution_id))["interruptions"] == 0


async def test_a_drain_is_no_interruption(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    await executor.release(await executor.take(execution_id))
    assert (await world.execution(execution_id))["interruptions"] == 0


async def test_what_kills_its_lane_twice_is_quarantined(backend: Backend, world: World, executor: FakeExecutor) -> None:
    handler = await another(world, "error")
    execution_id = await make_suspect(backend, world, executor)
    lane = await in_lane(backend, world, execution_id, step("name", "running"), step("other", "pending"))
    await dies(executor, lane)
    row = await world.execution(execution_id)
    assert (row["status"], row["interruptions"], row["executor_id"]) == ("queued", 4, None)
    lane = await in_lane(backend, world, execution_id, step("name", "running"))
    await dies(executor, lane)
    row = await world.execution(execution_id)
    error = json.loads(row["error"])
    assert (row["status"], row["finished_at"] is not None, error["type"], error["node"]) == ("quarantined", True, "quarantined", "name")
    assert "in the node name" in error["message"]
    steps = {s["node"]: (s["status"], s["error"] and json.loads(s["error"])["type"]) for s in await world.steps(execution_id)}
    assert steps == {"name": ("failed", "ProcessDied"), "other": ("cancelled", None)}
    [failure] = await of(handler)
    assert json.loads(failure["input"])["execution"]["status"] == "quarantined"


async def test_suspects_share_a_lane_until_it_dies_then_each_is_alone(backend: Backend, world: World, executor: FakeExecutor) -> None:
    suspects = {await make_suspect(backend, world, executor) for _ in range(3)}
    lane = await FakeExecutor.register(backend, lane="quarantine")
    shared = (await lane.claim(limit=20))["jobs"]
    assert {job["execution_id"] for job in shared} == suspects
    done = shared[0]["execution_id"]
    assert await lane.verdict(report(shared[0], 1, ending={"status": "succeeded"})) == "continue"
    await dies(executor, lane)
    assert {(await world.execution(one))["interruptions"] for one in suspects - {done}} == {4}
    fresh = await make_suspect(backend, world, executor)

    # What only ran beside others comes first; then one that a lane died with, and nothing else with it.
    lane = await FakeExecutor.register(backend, lane="quarantine")
    (first,) = (await lane.claim(limit=20))["jobs"]
    assert first["execution_id"] == fresh
    assert (await lane.claim(limit=20))["jobs"] == [], "nobody joins it, and it joins nobody"
    assert await lane.verdict(report(first, 1, ending={"status": "succeeded"})) == "continue"
    (alone,) = (await lane.claim(limit=20))["jobs"]
    await make_suspect(backend, world, executor)
    assert (await lane.claim(limit=20))["jobs"] == []
    await dies(executor, lane)
    assert (await world.execution(alone["execution_id"]))["status"] == "quarantined"
    (other,) = suspects - {done, alone["execution_id"]}
    assert (await world.execution(other))["status"] == "queued"


async def test_the_end_of_a_whole_machine_blames_nobody(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """Nobody reports the lane's death then: its leases run out, however often."""
    execution_id = await make_suspect(backend, world, executor)
    for _ in range(4):
        await in_lane(backend, world, execution_id, step("name", "running"))
        assert await expire(world, execution_id) == 3
    lane = await in_lane(backend, world, execution_id, step("name", "running"))
    await dies(executor, lane)
    assert (await world.execution(execution_id))["status"] == "queued", "one reported death is not two"


async def test_progress_in_the_lane_counts_for_it(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await make_suspect(backend, world, executor)
    for place in range(4):
        lane = await in_lane(backend, world, execution_id, step(f"s{place}"), step("name", "running"))
        await dies(executor, lane)
        row = await world.execution(execution_id)
        assert (row["status"], row["interruptions"]) == ("queued", 3), "it stays in the lane, without blame"


async def test_only_lanes_are_reported(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    rival = await FakeExecutor.register(backend)
    await rival.take(execution_id)
    await dies(executor, rival, 404)
    assert (await world.execution(execution_id))["status"] == "running"


async def test_a_lane_dies_under_a_paused_one(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await make_suspect(backend, world, executor)
    lane = await in_lane(backend, world, execution_id)
    await world.pool.execute("update executions set status = 'paused', running_since = null")
    await dies(executor, lane)
    row = await world.execution(execution_id)
    assert (row["status"], row["interruptions"], row["executor_id"], row["lease_until"]) == ("paused", 3, None, None)


async def test_a_quarantined_one_can_be_retried(ada: Ada, backend: Backend, world: World, executor: FakeExecutor) -> None:
    """With a clean record, and the same idempotency key: what the step did is not known."""
    execution_id = await ada.execute()
    await world.pool.execute("update executions set interruptions = 4")
    await dies(executor, await in_lane(backend, world, execution_id, step("one", "running")))
    assert (await world.execution(execution_id))["status"] == "quarantined"
    retried = (await ada.call("POST", f"/executions/{execution_id}/retry", 202))["execution_id"]
    assert (await world.execution(retried))["interruptions"] == 0
    [opened] = (await executor.take(retried))["open"]
    assert (opened["node"], opened["wait"]["retry_no"]) == ("one", 0)
