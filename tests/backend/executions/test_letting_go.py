"""A workflow with much under way and a long history is deleted a bounded number of executions at a time."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from backend.executions import letting_go
from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_retention import made
from tests.backend.executions.world import Backend, FakeExecutor, World


@pytest.fixture
async def ada(backend: Backend, world: World, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch) -> Ada:
    """Somebody with a workflow, whose executions are taken four at a time."""
    monkeypatch.setattr(letting_go, "BATCH", 4)
    return await Ada(backend, "ada@example.com").sign_up()


async def _busy(ada: Ada, world: World, each: int) -> list[UUID]:
    mine: dict[str, Any] = {
        "workflow_id": UUID(ada.workflow_id),
        "project_id": await world.pool.fetchval("select project_id from workflows where id = $1", UUID(ada.workflow_id)),
    }
    states = ("queued", "running", "waiting", "paused", "succeeded", "failed")
    return [await made(world, status, **mine) for _ in range(each) for status in states]


async def test_it_is_deleted_in_batches_and_nothing_else_is_touched(ada: Ada, world: World) -> None:
    ids, other = await _busy(ada, world, 5), await made(world, "paused")
    await ada.call("DELETE", f"/workflows/{ada.workflow_id}", 204)
    rows = await world.pool.fetch("select status, workflow_id, xmin::text as made_by from executions where id = any($1)", ids)
    states = [row["status"] for row in rows]
    assert {state: states.count(state) for state in states} == {"cancelled": 20, "succeeded": 5, "failed": 5}
    assert {row["workflow_id"] for row in rows} == {None}
    assert len({row["made_by"] for row in rows}) >= 5
    assert (await world.execution(str(other)))["status"] == "paused"


async def test_what_somebody_holds_is_waited_for_with_the_workflow_locked(ada: Ada, world: World) -> None:
    ids = await _busy(ada, world, 2)
    async with world.pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("select from executions where id = any($1) for update", ids[:2])
            deleting = asyncio.create_task(ada.call("DELETE", f"/workflows/{ada.workflow_id}", 204))
            async with asyncio.timeout(10):
                while not await world.pool.fetchval("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"):
                    await asyncio.sleep(0.02)
            counted = "select count(*) from executions where id = any($1) and status = 'cancelled'"
            assert await world.pool.fetchval(counted, ids) == 6
        await deleting
    assert await world.pool.fetchval(counted, ids) == 8
