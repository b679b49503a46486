"""What repairs itself: lost pushes, lost executors, waits that are over, time that is up."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis.asyncio as redis

from backend.queue import QUEUE
from backend.settings import Settings
from tests.backend.executions.test_retention import made
from tests.backend.executions.world import DONE, SWEPT_S, Backend, FakeExecutor, World, report, serving, step

pytestmark = pytest.mark.usefixtures("eager")


async def queued(settings: Settings) -> list[str]:
    """The ids in the list, the one taken next first."""
    async with redis.from_url(settings.redis_url) as client:
        return [i.decode() for i in reversed(await client.execute_command("LRANGE", QUEUE, 0, -1))]  # type: ignore[no-untyped-call]  # redis-py leaves it so


async def until_queued(settings: Settings, *ids: str, within_s: float = 20) -> None:
    """Wait until these ids are in the list."""
    async with asyncio.timeout(within_s):
        while not {*ids} <= {*await queued(settings)}:
            await asyncio.sleep(0.05)


async def empty(settings: Settings) -> None:
    """FLUSHALL."""
    async with redis.from_url(settings.redis_url) as client:
        await client.flushall()


async def test_an_accepted_execution_is_pushed(backend: Backend, world: World) -> None:
    await empty(backend.settings)
    ids = [await backend.post() for _ in range(3)]
    await until_queued(backend.settings, *ids)
    assert [*dict.fromkeys(await queued(backend.settings))] == ids, "oldest first"  # what took a second may be there twice


async def test_what_redis_forgot_is_pushed_again(backend: Backend, world: World, executor: FakeExecutor) -> None:
    ids = [await backend.post() for _ in range(3)]
    await until_queued(backend.settings, *ids)
    await empty(backend.settings)
    await until_queued(backend.settings, *ids)


async def test_what_was_accepted_while_redis_was_away_is_pushed_later(settings: Settings, world: World) -> None:
    await empty(settings)
    async with serving(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})) as backend:
        execution_id = await backend.post()
    async with serving(settings):
        await until_queued(settings, execution_id)


async def test_a_long_healthy_list_is_not_multiplied(settings: Settings, world: World) -> None:
    async with redis.from_url(settings.redis_url) as client:
        await client.execute_command("LPUSH", QUEUE, *["x"] * 1000)  # type: ignore[no-untyped-call]  # redis-py leaves it so
        async with serving(settings) as backend:  # so that no sweep of it sees the list short
            execution_id = await backend.post()
            await until_queued(settings, execution_id)
            await world.pool.execute("update executions set last_push = now() - interval '1 hour'")
            await asyncio.sleep(SWEPT_S)
            assert (await queued(settings)).count(execution_id) == 1
        await client.flushall()


async def test_an_expired_lease_puts_it_back(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("name", "running")))
    await empty(backend.settings)
    await world.pool.execute("update executions set lease_until = now() - interval '1 s'")
    row = await world.until(execution_id, "queued")
    assert (row["interruptions"], row["executor_id"], row["running_since"]) == (1, None, None)
    await until_queued(backend.settings, execution_id)
    assert await executor.verdict(report(job, 2, step("name"))) == "stale"
    again = await executor.take(execution_id)
    assert (again["epoch"], [s["status"] for s in again["open"]]) == (2, ["running"])


async def test_a_heartbeat_keeps_the_lease(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    await world.pool.execute("update executions set lease_until = now() + interval '10 s'")
    assert await executor.beat(job) == {}
    row = await world.execution(job["execution_id"])
    assert row["lease_until"] - datetime.now(UTC) > timedelta(seconds=10)


async def test_a_wait_that_is_over_goes_on(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    later = "2099-01-01T00:00:00Z"
    waiting = step("name", "waiting", due_at=later, wait={"left": 1}, started_at=later)
    assert await executor.verdict(report(job, 1, waiting, ending={"status": "waiting", "due_at": later})) == "continue"
    await empty(backend.settings)
    await asyncio.sleep(SWEPT_S)
    assert (await world.execution(execution_id))["status"] == "waiting"
    await world.pool.execute("update executions set wake_at = now() where status = 'waiting'")
    await until_queued(backend.settings, execution_id)
    [opened] = (await executor.take(execution_id))["open"]
    assert (opened["status"], opened["wait"]) == ("waiting", {"left": 1})


async def test_a_workflow_that_runs_too_long_fails_and_its_executor_hears_of_it(
    backend: Backend, world: World, executor: FakeExecutor
) -> None:
    execution_id = await backend.post()
    await world.pool.execute("update snapshots set timeout_s = 600")
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("name", "running")))
    await world.pool.execute("update executions set running_ms = 600_000")  # of an earlier owner: running time adds up
    row = await world.until(execution_id, "failed")
    error = json.loads(row["error"])
    assert (error["type"], error["node"]) == ("timeout", None)
    assert "600 s" in error["message"]
    assert (await world.steps(execution_id))[0]["status"] == "cancelled"
    assert await executor.verdict(report(job, 2, step("name"))) == "cancel"
    assert await executor.beat(job) == {execution_id: "cancel"}


async def test_what_no_executor_offers_says_so_and_is_not_pushed(backend: Backend, world: World) -> None:
    await FakeExecutor.register(backend, ["trigger.webhook"])
    execution_id = await backend.post()
    await until_queued(backend.settings, execution_id)
    await empty(backend.settings)
    async with asyncio.timeout(20):
        while (reason := (await world.execution(execution_id))["reason"]) is None:
            await asyncio.sleep(0.05)
    assert reason == "No executor offers set."
    assert await queued(backend.settings) == []
    await FakeExecutor.register(backend)
    await world.pool.execute("update executions set last_push = now() - interval '1 hour'")
    await until_queued(backend.settings, execution_id)


async def test_two_backends_sweep_once(backend: Backend, world: World) -> None:
    ids = [await backend.post() for _ in range(20)]
    await until_queued(backend.settings, *ids)
    async with serving(backend.settings):
        await world.pool.execute("update executions set last_push = now() - interval '1 hour'")
        await empty(backend.settings)  # after what a sweep may have pushed in between
        await until_queued(backend.settings, *ids)
        await asyncio.sleep(0.9)
        assert len(await queued(backend.settings)) == 20


async def test_an_executor_given_up_on_may_come_back(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await world.pool.execute("update executors set stopped_at = now()")
    assert await executor.beat() == {}
    assert await world.pool.fetchval("select stopped_at from executors") is None
    await world.pool.execute("delete from executors")
    status, _ = await executor.call("heartbeat", {"running": []})
    assert status == 401, "it has to register again"


async def test_a_finished_one_is_left_alone(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    await executor.report(report(job, 1, ending=DONE))
    await world.pool.execute("update executions set lease_until = now() - interval '1 day', wake_at = now(), running_ms = 1e9")
    await asyncio.sleep(SWEPT_S)
    assert (await world.execution(job["execution_id"]))["status"] == "succeeded"


async def test_what_a_deleted_workflow_left_under_way_is_cancelled(settings: Settings, world: World) -> None:
    alone: dict[str, Any] = {"workflow_id": None}
    left = [await made(world, status, **alone) for status in ("queued", "waiting", "paused")]
    left.append(await made(world, "queued", blocked_on="slot", **alone))
    others = [await made(world, "paused"), await made(world, "queued", kind="check", **alone), await made(world, **alone)]
    async with serving(settings):
        for ident in left:
            await world.until(str(ident), "cancelled")
    states = [row["status"] for row in await world.pool.fetch("select status from executions where id = any($1) order by id", others)]
    assert states == ["paused", "queued", "succeeded"]
