"""People delete what has finished, one or many; never what is under way, never what is not theirs."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from backend.executions import deleting as module
from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_retention import left, made
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step


@pytest.fixture
async def ada(backend: Backend, world: World, executor: FakeExecutor) -> Ada:
    """Somebody with a workflow."""
    return await Ada(backend, "ada@example.com").sign_up()


async def _finished(ada: Ada, executor: FakeExecutor, status: str = "succeeded") -> str:
    execution_id: str = await ada.execute()
    ending = DONE if status == "succeeded" else {"status": "failed", "error": {"type": "x", "message": "No."}, "error_node": "one"}
    assert await executor.verdict(report(await executor.take(execution_id), 1, step("one"), ending=ending)) == "continue"
    return execution_id


async def test_people_delete_what_has_finished(ada: Ada, backend: Backend, executor: FakeExecutor, world: World) -> None:
    done, under_way = await _finished(ada, executor), await ada.execute()
    bob = Ada(backend, "bob@example.com")
    await ada.call("DELETE", f"/executions/{uuid4()}", 404)
    assert "queued" in (await ada.call("DELETE", f"/executions/{under_way}", 409))["detail"]
    await ada.call("DELETE", f"/executions/{done}", 204)
    await ada.call("GET", f"/executions/{done}", 404)
    await bob.call("DELETE", f"/executions/{under_way}", 401)
    assert await world.pool.fetchval("select count(*) from steps") == 0


async def test_an_end_that_is_just_being_told_is_waited_for(
    ada: Ada, executor: FakeExecutor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, caller = await _finished(ada, executor), await ada.execute()
    await world.pool.execute("update executions set parent_id = $2 where id = $1", done, caller)
    assert "builds on" in (await ada.call("DELETE", f"/executions/{done}", 409))["detail"]
    await world.pool.execute("update executions set parent_id = null where id = $1", done)
    async with world.pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("select from executions where id = $1 for update", done)
            monkeypatch.setattr(module, "_PATIENCE_S", [0.01])
            assert "in a moment" in (await ada.call("DELETE", f"/executions/{done}", 409))["detail"]
            monkeypatch.setattr(module, "_PATIENCE_S", [0.02] * 1000)
            deleting = asyncio.create_task(ada.call("DELETE", f"/executions/{done}", 204))
            await asyncio.sleep(0.1)
            assert not deleting.done()
        await deleting


async def test_people_delete_what_a_filter_finds(ada: Ada, executor: FakeExecutor, world: World) -> None:
    theirs = await made(world, days=99)
    ids = [await _finished(ada, executor) for _ in range(3)]
    under_way = await ada.execute()

    async def delete(expect: int = 200, **wanted: Any) -> Any:
        return await ada.call("POST", "/executions/delete", expect, json={"filter": wanted})

    assert "empty" in (await delete(expect=422))["detail"]
    await delete(expect=422, colour="red")
    await delete(expect=404, workflow_id=str(world.workflow_id))
    nothing = {"deleted": 0, "more": False}
    assert await delete(status=["failed"]) == nothing
    assert await delete(trigger="webhook") == nothing
    assert await delete(ids=[str(theirs), under_way]) == nothing
    assert await delete(before="2020-01-01T00:00:00Z") == nothing
    assert await delete(ids=[ids[0]]) == {"deleted": 1, "more": False}
    assert await delete(workflow_id=ada.workflow_id, trigger="manual", status=["succeeded", "queued"], since="2020-01-01T00:00:00Z") == {
        "deleted": 2,
        "more": False,
    }
    assert [str(ident) for ident in await left(world)] == [str(theirs), under_way]
