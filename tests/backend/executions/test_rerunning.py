"""What a retry keeps of what has happened besides finished steps."""

import json
from uuid import UUID

import pytest

from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_api import ada as ada  # a fixture
from tests.backend.executions.test_resolutions import WAITING, answer, wait
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step
from trestle.contracts.states import FAILED_ITEMS

BOOM = {"type": "Boom", "message": "It broke"}


async def retry(ada: Ada, execution_id: str, expect: int = 202) -> str:
    """The new execution's id, or why there is none."""
    answered = await ada.call("POST", f"/executions/{execution_id}/retry", expect)
    return str(answered["execution_id" if expect == 202 else "detail"])


async def test_a_decision_that_had_come_is_kept(ada: Ada, backend: Backend, world: World, executor: FakeExecutor) -> None:
    """The step that waited for it was stopped: in the retry it waits again, and has its answer at once."""
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await answer(backend, execution_id, "one", {"decision": "approved"})
    await executor.report(
        report(job, 1, wait("one"), step("two", "failed", error=BOOM), ending={"status": "failed", "error": BOOM, "error_node": "two"})
    )
    retried = await retry(ada, execution_id)
    again = await executor.take(retried)
    await executor.report(report(again, 1, wait("one"), ending=WAITING))
    assert (await world.execution(retried))["status"] == "queued"
    opened = {s["node"]: s for s in (await executor.take(retried))["open"]}
    assert opened["one"]["resolution"]["answer"] == {"decision": "approved"}


async def test_a_for_each_goes_on_over_the_list_that_it_had(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("one", "running", items="[7, 8]"), step("one", item=0, output=70)))
    await ada.call("POST", f"/executions/{execution_id}/cancel", 202)
    retried = await executor.take(await retry(ada, execution_id))
    [opened] = retried["open"]
    assert (opened["node"], opened["item"], opened["items"], opened["wait"]) == ("one", None, "[7, 8]", {"retry_no": 0})
    assert [(s["item"], s["output"]) for s in retried["finished"]] == [(0, "70")]


async def test_a_for_each_that_passed_over_failed_items_says_so_to_later_owners(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    passed_over = step("one", output=[1], wait={FAILED_ITEMS: 2})
    await executor.report(report(job, 1, passed_over, step("two", "failed", error=BOOM), ending={"status": "failed", "error": BOOM}))
    for values in ("true", "false"):
        told = (await ada.call("GET", f"/executions/{execution_id}/steps?values={values}"))["items"]
        assert {found["node"]: found["failed_items"] for found in told} == {"one": 2, "two": None}
    anew = await executor.take(await retry(ada, execution_id))
    assert [(s["node"], s["status"], s["failed"]) for s in anew["finished"]] == [("one", "succeeded", True)]


async def test_what_is_kept_is_counted(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("one", output="abc"), ending={"status": "failed", "error": BOOM}))
    assert (await world.execution(await retry(ada, execution_id)))["bytes"] == len('"abc"')


@pytest.mark.parametrize("verb", ["retry", "replay"])
async def test_large_values_outlive_the_execution_they_came_with(ada: Ada, world: World, executor: FakeExecutor, verb: str) -> None:
    execution_id = await ada.execute()
    project_id = (await world.execution(execution_id))["project_id"]
    ref = (await ada.backend.app.state.services.blobs.keep(project_id, b"1", "application/json")).model_dump(mode="json")
    await world.pool.execute("update executions set input_refs = $1", json.dumps({"": ref}))
    await world.pool.execute("insert into blob_uses (blob_id, execution_id) values ($1, $2)", UUID(ref["id"]), UUID(execution_id))
    await executor.report(report(await executor.take(execution_id), 1, ending={"status": "failed", "error": BOOM}))
    anew = (await ada.call("POST", f"/executions/{execution_id}/{verb}", 202))["execution_id"]
    await world.pool.execute("delete from executions where id = $1", UUID(execution_id))
    uses = await world.pool.fetch("select execution_id from blob_uses where blob_id = $1", UUID(ref["id"]))
    assert [str(use["execution_id"]) for use in uses] == [anew]
    assert list((await executor.take(anew))["input_refs"].values()) == [ref]


async def test_a_retried_child_is_nobodys(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    await world.pool.execute("update executions set parent_id = id, parent_node = 'call', parent_waits = true, depth = 3")
    await executor.report(report(await executor.take(execution_id), 1, ending={"status": "failed", "error": BOOM}))
    row = await world.execution(await retry(ada, execution_id))
    assert (row["parent_id"], row["parent_waits"]) == (None, False)


async def test_polls_are_not_run_again(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    await executor.report(report(await executor.take(execution_id), 1, ending=DONE))
    await world.pool.execute("update executions set kind = 'poll', status = 'failed', settled = true, error = $1", json.dumps(BOOM))
    assert "This was a poll" in await retry(ada, execution_id, 409)
    assert "This was a poll" in (await ada.call("POST", f"/executions/{execution_id}/replay", 409, json={}))["detail"]
