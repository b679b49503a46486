"""A workflow with much under way and a long history is deleted a bounded number of executions at a time."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from backend.executions import error_workflows, letting_go
from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_retention import made
from tests.backend.executions.world import Backend, FakeExecutor, World

pytestmark = pytest.mark.usefixtures("unswept")


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
            await world.until_locked_out(1)
            counted = "select count(*) from executions where id = any($1) and status = 'cancelled'"
            assert await world.pool.fetchval(counted, ids) == 6
        await deleting
    assert await world.pool.fetchval(counted, ids) == 8


async def test_a_failure_that_nobody_heard_of_yet_is_told_before_its_workflow_goes(
    ada: Ada, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no statement looks through more than a window of a long history for what it cancels."""
    mine: dict[str, Any] = {
        "workflow_id": UUID(ada.workflow_id),
        "project_id": await world.pool.fetchval("select project_id from workflows where id = $1", UUID(ada.workflow_id)),
    }
    history = [await made(world, **mine) for _ in range(9)]
    failed = await made(world, "failed", **mine, settled=False)
    seen: list[UUID | None] = []
    started = error_workflows.start

    async def start(connection: Any, ended: Any) -> Any:
        seen.extend([await connection.fetchval("select workflow_id from executions where id = $1", one) for one in ended if one == failed])
        return await started(connection, ended)

    monkeypatch.setattr(error_workflows, "start", start)
    looked: list[str] = []
    monkeypatch.setattr(letting_go, "cancelled", lambda parts, session, ended: looked.append(str(len(ended))))
    await ada.call("DELETE", f"/workflows/{ada.workflow_id}", 204)
    assert seen == [UUID(ada.workflow_id)]
    assert len(looked) == 3, "windows of four"
    assert await world.pool.fetchval("select count(*) from executions where id = any($1) and workflow_id is null", [*history, failed]) == 10


async def test_it_lets_a_batch_of_reports_pass_and_waits_for_what_it_tells(ada: Ada, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a batch holds one of its executions, which fails by it, and wants another that the deletion holds, which wants the first."""
    first, second = [
        ident for ident in await _busy(ada, world, 1) if (await world.execution(str(ident)))["status"] in ("running", "paused")
    ]
    told: list[tuple[UUID, UUID | None]] = []
    start = error_workflows.start

    async def seen(connection: Any, ended: Any) -> Any:
        told.extend([(one, await connection.fetchval("select workflow_id from executions where id = $1", one)) for one in ended])
        return await start(connection, ended)

    monkeypatch.setattr(error_workflows, "start", seen)
    lock = "select from executions where id = $1 for update"
    async with world.pool.acquire() as other, world.pool.acquire() as batch:
        async with batch.transaction():
            await batch.execute("set local deadlock_timeout = '1min'")  # so that it is the deletion that gives way
            await batch.execute("update executions set status = 'failed', finished_at = now() where id = $1", second)
            async with other.transaction():
                await other.execute(lock, first)
                deleting = asyncio.create_task(ada.call("DELETE", f"/workflows/{ada.workflow_id}", 204))
                await world.until_locked_out(1)
                wanting = asyncio.create_task(batch.execute(lock, first))
                await world.until_locked_out(2)
            await wanting
        await deleting
    assert (second, UUID(ada.workflow_id)) in told
    assert [(await world.execution(str(ident)))["status"] for ident in (first, second)] == ["cancelled", "failed"]


async def test_a_deletion_that_is_cut_off_is_not_in_the_audit_as_done_and_is_done_by_the_next(
    ada: Ada, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow_id = UUID(ada.workflow_id)

    async def audited() -> list[str]:
        rows = await world.pool.fetch("select action from audit where subject_id = $1 order by id", workflow_id)
        return [row["action"] for row in rows]

    async def cut_off(*_: Any) -> None:
        raise ConnectionResetError("cut off")

    await world.pool.execute("update workflows set enabled = true where id = $1", workflow_id)
    for at in ("most", "cancel_rest"):
        with monkeypatch.context() as patched:
            patched.setattr(letting_go, at, cut_off)
            problem = await ada.call("DELETE", f"/workflows/{workflow_id}", 503)
        assert "not deleted yet" in problem["detail"]
        assert await world.pool.fetchval("select enabled from workflows where id = $1", workflow_id) is False
    assert await audited() == ["workflow.created", "workflow.deletion_begun", "workflow.deletion_begun"]
    await ada.call("DELETE", f"/workflows/{workflow_id}", 204)
    assert (await audited())[-1] == "workflow.deleted"
    await ada.call("GET", f"/workflows/{workflow_id}", 404)
