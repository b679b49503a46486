"""What an end brings about: parents hear of their children, children are cancelled, error workflows start. Once, whatever ended it."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_api import ada as ada  # a fixture
from tests.backend.executions.test_resolutions import WAITING, wait
from tests.backend.executions.world import DONE, SWEPT_S, Backend, FakeExecutor, World, report, step

pytestmark = pytest.mark.usefixtures("eager")

BOOM = {"type": "Boom", "message": "It broke"}
FAILED = {"status": "failed", "error": BOOM, "error_node": "name", "failed_steps": 1}


async def add_trigger(world: World, kind: str, config: dict[str, Any] | None = None) -> UUID:
    """One more trigger of the workflow's version."""
    ident: UUID = await world.pool.fetchval(
        "insert into triggers (workflow_id, node, kind, version, snapshot_id, config)"
        " select workflow_id, $2, $2, version, snapshot_id, $3 from triggers where id = $1 returning id",
        world.trigger_id,
        kind,
        json.dumps(config or {}),
    )
    return ident


async def another(world: World, kind: str, config: dict[str, Any] | None = None) -> World:
    """Another workflow of the same project, with a trigger of this kind."""
    made = await World.workflow(world.pool, world.project_id, uuid4().hex, ["trigger.webhook", "set"])
    await add_trigger(made, kind, config)
    return made


async def start(executor: FakeExecutor, job: dict[str, Any], target: World, expect: int = 200, **more: Any) -> Any:
    """A step starts a child; its id, or the problem."""
    asked = {"execution_id": job["execution_id"], "epoch": job["epoch"], "node": "call", "key": "k1"}
    status, answer = await executor.call("start", {**asked, "workflow_id": str(target.workflow_id), "input": '{"n": 1}', **more})
    assert status == expect, answer
    return answer["execution_id"] if expect == 200 else answer["detail"]


async def resolutions(world: World, execution_id: str, count: int = 1) -> list[dict[str, Any]]:
    """The answers that an execution got, once there are so many."""
    async with asyncio.timeout(20):
        while True:
            query = "select * from resolutions where execution_id = $1 order by id"
            rows = await world.pool.fetch(query, UUID(execution_id))
            if len(rows) >= count:
                return [{**row, "answer": json.loads(row["answer"])} for row in rows]
            await asyncio.sleep(0.02)


async def of(target: World, count: int = 1, *, within_s: float = 20) -> list[asyncpg.Record]:
    """The executions of a workflow, once there are so many."""
    async with asyncio.timeout(within_s):
        while True:
            rows = await target.pool.fetch("select * from executions where workflow_id = $1 order by id", target.workflow_id)
            if len(rows) >= count:
                return rows
            await asyncio.sleep(0.02)


@pytest.fixture
async def called(world: World, executor: FakeExecutor) -> World:
    """A workflow that can be called."""
    return await another(world, "workflow")


async def callable_by(ada: Ada, world: World) -> World:
    """A workflow that Ada's workflow can call."""
    project = await world.pool.fetchval("select project_id from workflows where id = $1", UUID(ada.workflow_id))
    mine = await World.workflow(world.pool, project, "mine", ["trigger.webhook", "set"])
    await add_trigger(mine, "workflow")
    return mine


async def waiting(executor: FakeExecutor, job: dict[str, Any], seq: int = 1) -> None:
    """The parent's step waits for its child."""
    call = {**wait("call"), "token": "child"}
    assert await executor.verdict(report(job, seq, call, ending=WAITING)) == "continue"


async def test_a_child_runs_and_its_parent_goes_on(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    job = await executor.take(await backend.post())
    child_id = await start(executor, job, called)
    row = await world.execution(child_id)
    assert (str(row["parent_id"]), row["parent_node"], row["depth"], row["input"]) == (job["execution_id"], "call", 1, '{"n": 1}')
    assert json.loads(row["trigger"])["kind"] == "workflow"
    await waiting(executor, job)
    child = await executor.take(child_id)
    await executor.report(report(child, 1, step("name"), ending=DONE))
    await world.until(job["execution_id"], "queued")
    again = await executor.take(job["execution_id"])
    answer = again["open"][0]["resolution"]["answer"]
    assert answer == {"execution_id": child_id, "status": "succeeded", "output": {"done": True}, "error": None}


async def test_the_same_key_starts_the_same_child(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    job = await executor.take(await backend.post())
    first = await asyncio.gather(*(start(executor, job, called) for _ in range(5)))
    assert len({*first}) == 1
    assert await start(executor, job, called, node="other", key="k2") != first[0]
    await executor.report(report(await executor.take(first[0]), 1, ending=DONE))
    assert await start(executor, job, called) == first[0], "also when it has ended"
    assert len(await of(called)) == 2


async def test_a_child_that_ends_first_is_not_missed(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    job = await executor.take(await backend.post())
    child = await executor.take(await start(executor, job, called))
    await executor.report(report(child, 1, ending=FAILED))
    [answered] = await resolutions(world, job["execution_id"])
    assert (answered["answer"]["status"], answered["answer"]["error"]["node"], answered["answer"]["output"]) == ("failed", "name", None)
    assert [a["node"] for a in (await executor.heartbeat(job))["resolved"][job["execution_id"]]] == ["call"]
    await waiting(executor, job)
    assert (await world.execution(job["execution_id"]))["status"] == "queued"


async def test_a_new_attempt_hears_of_its_own_child(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    """The answer of the attempt before it is not taken for the new one's, and the old child speaks no more."""
    job = await executor.take(await backend.post())
    old = await executor.take(await start(executor, job, called))
    slow = await executor.take(await start(executor, job, called, key="k2"))
    await executor.report(report(old, 1, ending=FAILED))
    newest = await start(executor, job, called, key="k3")
    await executor.report(report(slow, 1, ending=DONE), report(await executor.take(newest), 1, ending=DONE))
    await resolutions(world, job["execution_id"])
    await start(executor, job, called)  # of the first attempt, come late
    [answered] = await resolutions(world, job["execution_id"])
    assert answered["answer"]["execution_id"] == newest


async def test_a_child_that_nobody_waits_for_any_more_is_cancelled(ada: Ada, world: World, executor: FakeExecutor) -> None:
    """A new attempt at the step has another one. With it go those that it called in its turn; not what nobody waited for."""
    mine = await callable_by(ada, world)
    job = await executor.take(await ada.execute())
    old = await executor.take(await start(executor, job, mine))
    under = await executor.take(await start(executor, old, mine, key="under"))
    beside = await start(executor, job, mine, node="beside", key="beside")
    loose = await start(executor, job, mine, key="loose", wait=False)
    newest = await start(executor, job, mine, key="k2")
    assert await start(executor, job, mine) == old["execution_id"], "a call of the first attempt, come late"
    for ended in (old, under):
        await world.until(ended["execution_id"], "cancelled")
    assert await executor.beat(old, under) == {old["execution_id"]: "cancel", under["execution_id"]: "cancel"}
    assert [(await world.execution(ident))["status"] for ident in (beside, loose, newest)] == ["queued"] * 3
    assert await start(executor, job, mine, key="k2") == newest
    assert (await world.execution(newest))["status"] == "queued"


async def test_what_a_step_called_that_is_over_is_cancelled(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    """The execution goes on: an item of its for-each failed, and the others with it. A failed attempt may be made again, and then finds its
    child; and children of other steps are none of its business."""
    job = await executor.take(await backend.post())
    items = [await start(executor, job, called, item=i, key=f"i{i}") for i in range(3)]
    again = await start(executor, job, called, node="again", key="again")
    held = await executor.take(items[1])
    over = [step("call", "cancelled", item=0), step("call", "failed", item=1, port="error", error=BOOM)]
    tried = step("again", "failed", error={"type": "Timeout", "message": "No answer"})
    assert await executor.verdict(report(job, 1, *over, tried)) == "continue"
    await world.until(items[1], "cancelled")
    assert await executor.beat(held) == {items[1]: "cancel"}
    assert [(await world.execution(ident))["status"] for ident in (*items, again)] == ["cancelled", "cancelled", "queued", "queued"]
    assert (await world.execution(job["execution_id"]))["status"] == "running"


async def test_the_answer_of_a_failed_attempt_is_used_up(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    """Between that attempt and the next one's call, a heartbeat does not bring it again."""
    job = await executor.take(await backend.post())
    child = await executor.take(await start(executor, job, called))
    await executor.report(report(child, 1, ending=FAILED))
    await resolutions(world, job["execution_id"])
    assert (await executor.heartbeat(job))["resolved"] != {}
    failed = step("call", "failed", error=BOOM, finished_at="2099-01-01T00:00:00Z")
    await executor.report(report(job, 1, failed, step("call", "waiting", attempt=2, due_at="2099-01-01T00:00:00Z")))
    assert (await executor.heartbeat(job))["resolved"] == {}
    newest = await start(executor, job, called, key="k2")
    await executor.report(report(await executor.take(newest), 1, ending=DONE))
    [answered] = await resolutions(world, job["execution_id"])
    assert answered["answer"]["execution_id"] == newest, "there is room for its answer"


async def test_who_may_be_called(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    job = await executor.take(await backend.post())
    stranger = await World.create(world.pool, "theirs")
    await add_trigger(stranger, "workflow")
    assert "no such workflow" in await start(executor, job, stranger, 404)
    assert "Called by a workflow" in await start(executor, job, world, 422)
    await world.pool.execute("update workflows set enabled = false where id = $1", called.workflow_id)
    assert await start(executor, job, called), "it need not be enabled"
    await world.pool.execute("update workflows set published_version = null where id = $1", called.workflow_id)
    assert "not published" in await start(executor, job, called, 422, key="k2")
    assert "does not own" in await start(executor, {**job, "epoch": 9}, called, 404)
    await world.pool.execute("update executions set depth = 10 where id = $1", UUID(job["execution_id"]))
    assert "too deeply" in await start(executor, job, called, 422, key="k3")


async def test_cancel_travels_down(ada: Ada, world: World, executor: FakeExecutor) -> None:
    """To children of children, and to nobody who is not waited for."""
    mine = await callable_by(ada, world)
    job = await executor.take(await ada.execute())
    child = await executor.take(await start(executor, job, mine))
    grandchild = await executor.take(await start(executor, child, mine, key="g"))
    await executor.report(report(grandchild, 1, step("name", "running")))
    loose = await start(executor, job, mine, node="fire", key="loose", wait=False)
    await ada.call("POST", f"/executions/{job['execution_id']}/cancel", 202)
    for ended in (child, grandchild):
        await world.until(ended["execution_id"], "cancelled")
    assert await executor.beat(child, grandchild) == {child["execution_id"]: "cancel", grandchild["execution_id"]: "cancel"}
    assert [s["status"] for s in await world.steps(grandchild["execution_id"])] == ["cancelled"]
    assert (await world.execution(loose))["status"] == "queued"


@pytest.mark.parametrize("heard", [True, False])
async def test_a_parent_that_succeeds_leaves_no_child_running(
    backend: Backend, world: World, executor: FakeExecutor, called: World, *, heard: bool
) -> None:
    """A stop ends it while another branch still waits. Also where the backend died right after the end was committed."""
    job = await executor.take(await backend.post())
    child = await executor.take(await start(executor, job, called))
    other = await start(executor, job, called, node="more", key="k2")
    loose = await start(executor, job, called, node="fire", key="loose", wait=False)
    if heard:
        await executor.report(report(job, 1, step("name"), ending=DONE))
    else:
        query = "update executions set status = 'succeeded', finished_at = now() where id = $1"
        await world.pool.execute(query, UUID(job["execution_id"]))
    for ended in (child["execution_id"], other):
        await world.until(ended, "cancelled")
    assert await executor.beat(child) == {child["execution_id"]: "cancel"}
    assert (await world.execution(loose))["status"] == "queued"


async def test_many_children_of_one_parent_at_once(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    """None holds up the others for good, whatever each holds of the parent."""
    job = await executor.take(await backend.post())
    async with asyncio.timeout(30):
        children = await asyncio.gather(*(start(executor, job, called, node="call", item=i, key=f"k{i}") for i in range(20)))
    assert len({*children}) == 20


async def test_no_child_of_a_cancelled_parent(ada: Ada, world: World, executor: FakeExecutor, called: World) -> None:
    job = await executor.take(await ada.execute())
    await ada.call("POST", f"/executions/{job['execution_id']}/cancel", 202)
    assert "does not own" in await start(executor, job, called, 404)


@pytest.mark.parametrize("wait", [True, False])
async def test_no_child_of_a_parent_that_is_just_being_cancelled(
    backend: Backend, world: World, executor: FakeExecutor, called: World, *, wait: bool
) -> None:
    job = await executor.take(await backend.post())
    async with world.pool.acquire() as connection:
        async with connection.transaction():
            query = "update executions set status = 'cancelled', finished_at = now() where id = $1"
            await connection.execute(query, UUID(job["execution_id"]))
            starting = asyncio.create_task(start(executor, job, called, 404, wait=wait))
            done, _ = await asyncio.wait([starting], timeout=0.3)
            assert not done
        assert "does not own" in await starting


async def test_a_retry_takes_its_children_over(ada: Ada, world: World, executor: FakeExecutor) -> None:
    """What they did is not done again; one that failed is started anew."""
    mine = await callable_by(ada, world)
    job = await executor.take(await ada.execute())
    done, failed, loose = [await start(executor, job, mine, key=key, node=key, wait=key != "loose") for key in ("done", "bad", "loose")]
    await executor.report(report(await executor.take(done), 1, ending=DONE), report(await executor.take(failed), 1, ending=FAILED))
    await executor.report(report(job, 1, step("x", "failed", error=BOOM), ending=FAILED))
    retried = (await ada.call("POST", f"/executions/{job['execution_id']}/retry", 202))["execution_id"]
    again = await executor.take(retried)
    assert await start(executor, again, mine, key="done", node="done") == done
    assert [a["node"] for a in await resolutions(world, retried)] == ["done"]
    anew = await start(executor, again, mine, key="bad", node="bad")
    assert anew != failed
    assert await start(executor, again, mine, key="bad", node="bad") == anew
    assert await start(executor, again, mine, key="loose", node="loose", wait=False) == loose


async def test_an_error_workflow_starts_once_for_each_failure(backend: Backend, world: World, executor: FakeExecutor) -> None:
    handlers = [await another(world, "error", {"workflows": "all"}), await another(world, "error", {"workflows": [str(world.workflow_id)]})]
    deaf = await another(world, "error", {"workflows": ["0190e2a0-0000-7000-8000-000000000001"]})
    stranger = await World.create(world.pool, "theirs")
    await add_trigger(stranger, "error")
    off = await another(world, "error")
    await world.pool.execute("update workflows set enabled = false where id = $1", off.workflow_id)
    execution_id = await backend.post()
    await executor.report(report(await executor.take(execution_id), 1, ending=FAILED))
    for handler in handlers:
        [row] = await of(handler)
        assert json.loads(row["input"]) == {
            "workflow": {"id": str(world.workflow_id), "name": "Flow"},
            "execution": {"id": execution_id, "status": "failed", "error": {**BOOM, "hint": "", "node": "name"}},
            "node": "name",
        }
        assert (json.loads(row["trigger"])["kind"], json.loads(row["trigger"])["node"]) == ("error", "error")
    await world.pool.execute("update executions set settled = false where id = $1", UUID(execution_id))
    await asyncio.sleep(SWEPT_S)
    assert [len(await of(handler, 0)) for handler in (*handlers, deaf, stranger, off)] == [1, 1, 0, 0, 0], "however often it is settled"


async def test_one_that_can_not_be_settled_holds_up_nobody(backend: Backend, world: World, executor: FakeExecutor) -> None:
    handler, odd = await another(world, "error"), await World.create(world.pool, "odd")
    broken = await another(odd, "error")
    await world.pool.execute("update triggers set config = '[]' where workflow_id = $1 and kind = 'error'", broken.workflow_id)
    jobs = [await executor.take(await backend.post(path)) for path in ("odd", "go")]
    await executor.report(*(report(job, 1, ending=FAILED) for job in jobs))
    await of(handler)


async def test_a_failing_error_workflow_starts_none(backend: Backend, world: World, executor: FakeExecutor) -> None:
    handler = await another(world, "error")
    await another(world, "error", {"workflows": [str(handler.workflow_id)]})
    await add_trigger(world, "error")  # a workflow does not start itself
    await executor.report(report(await executor.take(await backend.post()), 1, ending=FAILED))
    [row] = await of(handler)
    await executor.report(report(await executor.take(str(row["id"])), 1, ending=FAILED))
    await asyncio.sleep(SWEPT_S)
    assert await world.pool.fetchval("select count(*) from executions") == 2


async def test_what_a_failing_error_workflow_called_starts_none(
    backend: Backend, world: World, executor: FakeExecutor, called: World
) -> None:
    """Else it would start the error workflow, which calls it again, and so on for ever."""
    handler = await another(world, "error")
    await executor.report(report(await executor.take(await backend.post()), 1, ending=FAILED))
    [row] = await of(handler)
    error = await executor.take(str(row["id"]))
    child = await executor.take(await start(executor, error, called))
    grandchild = await executor.take(await start(executor, child, called, key="k2"))
    for job in (grandchild, child):
        await executor.report(report(job, 1, ending=FAILED))
    await asyncio.sleep(SWEPT_S)
    assert len(await of(handler)) == 1


async def test_settings_name_an_error_workflow(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """It need not be enabled; and it starts once, though it listens as well."""
    handler = await another(world, "error")
    graph = json.loads(
        await world.pool.fetchval(
            "select s.graph from snapshots s join triggers t on t.snapshot_id = s.id where t.id = $1", world.trigger_id
        )
    )
    graph["settings"] = {"error_workflow": str(handler.workflow_id)}
    query = "update snapshots set graph = $2 where id = (select snapshot_id from triggers where id = $1)"
    await world.pool.execute(query, world.trigger_id, json.dumps(graph))
    for enabled in (False, True):
        await world.pool.execute("update workflows set enabled = $2 where id = $1", handler.workflow_id, enabled)
        await executor.report(report(await executor.take(await backend.post()), 1, ending=FAILED))
        await of(handler, 1 + enabled)
    await asyncio.sleep(0.3)
    assert len(await of(handler)) == 2


async def test_every_way_to_fail_starts_it(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """A report that can't be stored, a timeout (of triggers: test_trigger_failures); not a cancellation, not a test run of one node."""
    handler = await another(world, "error")
    refused, late, alone = [await executor.take(await backend.post()) for _ in range(3)]
    await executor.report(report(refused, 1, step("fine", "running")), report(refused, 2, step("na\x00me")))
    await of(handler, 1)
    assert [s["status"] for s in await world.steps(refused["execution_id"])] == ["cancelled"]
    await world.pool.execute("update executions set running_ms = 1e9 where id = $1", UUID(late["execution_id"]))
    await of(handler, 2)
    await world.pool.execute("update executions set only_node = 'name' where id = $1", UUID(alone["execution_id"]))
    await executor.report(report(alone, 1, ending=FAILED))
    await asyncio.sleep(0.5)
    errors = [json.loads(row["input"])["execution"]["error"]["type"] for row in await of(handler, 2)]
    assert errors == ["report_refused", "timeout"]


async def test_what_was_missed_is_settled_by_the_sweep(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    job = await executor.take(await backend.post())
    child_id = await start(executor, job, called)
    await waiting(executor, job)
    query = "update executions set status = 'succeeded', output = '7', finished_at = now() where id = $1"
    await world.pool.execute(query, UUID(child_id))  # the backend died right after this commit
    await world.until(job["execution_id"], "queued")
    assert (await resolutions(world, job["execution_id"]))[0]["answer"]["output"] == 7
    assert (await world.execution(child_id))["settled"]


async def test_nobody_is_woken_who_is_paused(backend: Backend, world: World, executor: FakeExecutor, called: World) -> None:
    job = await executor.take(await backend.post())
    child = await executor.take(await start(executor, job, called))
    await waiting(executor, job)
    await world.pool.execute("update executions set status = 'paused' where id = $1", UUID(job["execution_id"]))
    await executor.report(report(child, 1, ending=DONE))
    await resolutions(world, job["execution_id"])
    assert (await world.execution(job["execution_id"]))["status"] == "paused"
