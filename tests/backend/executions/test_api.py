"""Executions over the public API: started by hand, listed, looked into, cancelled, run again."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step

NODES: list[dict[str, Any]] = [
    {"key": "start", "type": "trigger.manual"},
    {"key": "one", "type": "set", "config": {"fields": {}}},
    {"key": "two", "type": "set", "config": {"fields": {}}},
    {"key": "join", "type": "set", "config": {"fields": {}}},
]
WIRES = [{"source": a, "target": b} for a, b in (("start", "one"), ("start", "two"), ("one", "join"), ("two", "join"))]


class Ada:
    """A signed-in user with a workflow of her own."""

    def __init__(self, backend: Backend, email: str) -> None:
        self.backend = backend
        self.email = email
        self.headers: dict[str, str] = {}
        self.workflow_id = ""

    async def call(self, method: str, path: str, expect: int = 200, **arguments: Any) -> Any:
        """One call that must answer `expect`."""
        headers = {**self.headers, **arguments.pop("headers", {})}
        status, answer = await self.backend.call(method, f"/api/v1{path}", headers=headers, **arguments)
        assert status == expect, answer
        return answer

    async def sign_up(self) -> "Ada":
        """Register, log in, draw the workflow."""
        person = {"email": self.email, "password": "correct horse battery", "name": "Ada"}
        await self.call("POST", "/users/register", 201, json=person)
        token = await self.call("POST", "/users/login", data={"username": self.email, "password": person["password"]})
        self.headers = {"Authorization": f"Bearer {token['access_token']}"}
        made = await self.call("POST", "/workflows", 201, json={"name": "Flow", "nodes": NODES, "connections": WIRES})
        self.workflow_id = made["id"]
        return self

    async def execute(self, body: dict[str, Any] | None = None, expect: int = 202, **arguments: Any) -> Any:
        """Start an execution; its id, or the problem."""
        answer = await self.call("POST", f"/workflows/{self.workflow_id}/execute", expect, json=body or {}, **arguments)
        return answer["execution_id"] if expect == 202 else answer


@pytest.fixture
async def ada(backend: Backend, world: World, executor: FakeExecutor) -> Ada:
    """Somebody with a workflow."""
    return await Ada(backend, "ada@example.com").sign_up()


async def test_a_run_by_hand_and_what_is_seen_of_it(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute({"input": {"b": 1, "a": [1.5, None]}})
    job = await executor.take(execution_id)
    assert (job["version"], job["trigger"]["kind"], job["trigger"]["node"]) == (None, "manual", "start")
    line = {"node": "one", "level": "warning", "message": "hm", "at": "2026-01-01T00:00:00Z"}
    steps = [
        {**step("start"), "output": None},
        step("one", "failed", error={"type": "x", "message": "y"}),
        step("one", output={"x": 1}, attempt=2),
        step("two", output=[2]),
        step("join", output="done", duration_ms=3),
    ]
    await executor.report(
        report(job, 1, *steps, ending={**DONE, "output": '"done"'}, logs=[{**line, "level": "info", "message": "oh"}, line])
    )

    seen = await ada.call("GET", f"/executions/{execution_id}")
    assert seen["input"] == {"b": 1, "a": [1.5, None]}
    assert (seen["status"], seen["output"], seen["version"], seen["workflow_name"]) == ("succeeded", "done", None, "Flow")
    assert (seen["metrics"]["steps"], seen["metrics"]["attempts"]) == (4, 5)
    page = await ada.call("GET", f"/executions/{execution_id}/steps?limit=3")
    rest = await ada.call("GET", f"/executions/{execution_id}/steps?cursor={page['next_cursor']}")
    found = page["items"] + rest["items"]
    assert [(s["node"], s["attempt"], s["status"]) for s in found] == [
        ("start", 1, "succeeded"),
        ("one", 1, "failed"),
        ("one", 2, "succeeded"),
        ("two", 1, "succeeded"),
        ("join", 1, "succeeded"),
    ]
    assert rest["next_cursor"] is None
    start, _, one, _, join = found
    assert (start["input"], start["output"]) == (None, seen["input"])
    assert one["input"] == seen["input"]
    assert join["input"] == {"one": {"x": 1}, "two": [2]}
    assert await ada.call("GET", f"/executions/{execution_id}/steps/{join['id']}") == join
    assert await ada.call("GET", f"/executions/{execution_id}/steps/{join['id']}/input") == join["input"]
    await ada.call("GET", f"/executions/{execution_id}/steps/{uuid4()}", 404)
    graph = await ada.call("GET", f"/executions/{execution_id}/graph")
    assert [n["key"] for n in graph["nodes"]] == ["start", "one", "two", "join"]
    [told] = (await ada.call("GET", f"/executions/{execution_id}/logs?node=one&level=warning"))["items"]
    assert told["message"] == "hm"
    assert (await ada.call("GET", f"/executions/{execution_id}/logs?level=error"))["items"] == []
    oldest = [line["message"] for line in (await ada.call("GET", f"/executions/{execution_id}/logs"))["items"]]
    assert oldest == ["oh", "hm"]
    page = await ada.call("GET", f"/executions/{execution_id}/logs?newest=true&limit=1")
    rest = await ada.call("GET", f"/executions/{execution_id}/logs?newest=true&cursor={page['next_cursor']}")
    assert [line["message"] for line in page["items"] + rest["items"]] == oldest[::-1]


async def test_steps_can_be_narrowed_to_a_node_its_items_and_what_failed(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute({"input": {"list": [7, 8, 9]}})
    job = await executor.take(execution_id)
    listing = step("one", "running", items="[7, 8, 9]")
    items = [step("one", output=n, item=n) for n in range(2)] + [step("one", "failed", item=2, error={"type": "x", "message": "y"})]
    await executor.report(report(job, 1, step("start", output={"list": [7, 8, 9]}), listing, *items))
    await executor.report(report(job, 2, step("one", output=[0, 1, None]), ending=DONE))
    # An output that is stored apart has as many items as the list.
    await world.pool.execute("update steps set output = null where execution_id = $1 and node = 'one' and item is null", UUID(execution_id))
    for values in ("true", "false"):
        counted = (await ada.call("GET", f"/executions/{execution_id}/steps?node=one&items=false&values={values}"))["items"]
        assert [s["items"] for s in counted] == [3]
    await world.pool.execute(
        "update steps set output = '[0, 1, null]' where execution_id = $1 and node = 'one' and item is null", UUID(execution_id)
    )

    async def seen(query: str) -> list[Any]:
        found = (await ada.call("GET", f"/executions/{execution_id}/steps?{query}"))["items"]
        return [(s["node"], s["item"], s["input"], s["output"]) for s in found]

    whole = ("one", None, {"list": [7, 8, 9]}, [0, 1, None])
    assert await seen("node=one") == [whole, ("one", 0, 7, 0), ("one", 1, 8, 1), ("one", 2, 9, None)]
    assert await seen("node=one&items=false") == [whole]
    assert await seen("item=1") == [("one", 1, 8, 1)]
    assert await seen("status=failed") == [("one", 2, 9, None)]
    assert await seen("status=failed&values=false") == [("one", 2, None, None)]


async def test_waiting_steps_say_where_they_are_answered_to_those_who_may(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    soon = "2099-01-01T00:00:00Z"
    waits = [
        step("one", "waiting", token="approval", wait={"title": "Sure?", "$resumed": 1, "retry_no": 2}, due_at=soon),
        step("two", "waiting", token="webhook"),
    ]
    await executor.report(report(job, 1, step("start"), *waits, ending={"status": "waiting", "due_at": soon}))

    async def seen() -> tuple[Any, Any, Any]:
        found = (await ada.call("GET", f"/executions/{execution_id}/steps"))["items"]
        start, one, two = (s["wait"] for s in found)
        return start, one, two

    start, one, two = await seen()
    assert start is None
    assert one.keys() == {"title", "until", "approve_url", "reject_url"}
    assert two.keys() == {"resume_url"}
    for name in ("approve_url", "reject_url"):
        async with ada.backend.session.get(one[name].replace(ada.backend.settings.base_url, ada.backend.url)) as page:
            assert (page.status, "Sure?" in await page.text()) == (200, True)
    await world.pool.execute("update memberships set role = 'viewer'")
    assert await seen() == (None, {"title": "Sure?", "until": one["until"]}, {})


async def test_lists_can_be_narrowed_and_paged(ada: Ada, world: World, executor: FakeExecutor) -> None:
    ids = [await ada.execute() for _ in range(3)]
    await executor.report(report(await executor.take(ids[0]), 1, ending=DONE))
    newest_first = ids[::-1]

    async def listed(query: str) -> list[str]:
        return [e["id"] for e in (await ada.call("GET", query))["items"]]

    assert await listed("/executions") == newest_first
    assert await listed(f"/workflows/{ada.workflow_id}/executions") == newest_first
    assert await listed("/executions?status=succeeded") == ids[:1]
    assert await listed("/executions?status=succeeded&status=queued&trigger=manual&since=2020-01-01T00:00:00Z") == newest_first
    assert await listed("/executions?trigger=webhook") == []
    first = await ada.call("GET", f"/workflows/{ada.workflow_id}/executions?limit=2")
    assert await listed(f"/workflows/{ada.workflow_id}/executions?limit=2&cursor={first['next_cursor']}") == ids[:1]
    await ada.call("GET", "/executions?status=sleeping", 422)


async def test_what_can_not_be_run_is_said(ada: Ada, world: World) -> None:
    assert "no version 3" in (await ada.execute({"version": 3}, 404))["detail"]
    assert "nowhere" in (await ada.execute({"only": "nowhere"}, 422))["detail"]
    await ada.execute({"inputs": 1}, 422)
    empty = await ada.call("POST", "/workflows", 201, json={"name": "Empty"})
    refused = await ada.call("POST", f"/workflows/{empty['id']}/execute", 422, json={})
    assert "no trigger" in refused["detail"]


async def test_a_key_starts_one_execution(ada: Ada, world: World) -> None:
    headers = {"Idempotency-Key": "k"}
    ids = await asyncio.gather(*(ada.execute({"input": 1}, headers=headers) for _ in range(4)))
    assert len(set(ids)) == 1
    await ada.execute({"input": 2}, 422, headers=headers)


async def test_cancelling_holds_at_once_and_once(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("one", "running")))
    answer = await ada.call("POST", f"/executions/{execution_id}/cancel", 202)
    assert answer["status"] == "cancelled"
    assert (await ada.call("GET", f"/executions/{execution_id}/steps"))["items"][0]["status"] == "cancelled"
    assert await executor.verdict(report(job, 2, step("one"), ending=DONE)) == "cancel"
    assert (await ada.call("GET", f"/executions/{execution_id}"))["status"] == "cancelled"
    assert "ended already" in (await ada.call("POST", f"/executions/{execution_id}/cancel", 409))["detail"]
    waiting = await ada.execute()
    await ada.call("POST", f"/executions/{waiting}/cancel", 202)
    assert (await executor.claim(waiting))["jobs"] == []


async def test_a_retry_keeps_what_was_finished(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute({"input": {"n": 1}})
    old = await executor.take(execution_id)
    error = {"type": "Refused", "message": "no\0", "hint": ""}  # a peer said so, with a character that PostgreSQL's texts can't hold
    await ada.call("POST", f"/executions/{execution_id}/retry", 409)
    steps = [{**step("start"), "output": None}, step("one", output=1), step("two", "failed", error=error)]
    steps.append(step("two", "failed", error=error, attempt=2))
    await executor.report(report(old, 1, *steps, ending={"status": "failed", "error": error, "error_node": "two"}))
    again = (await ada.call("POST", f"/executions/{execution_id}/retry", 202))["execution_id"]
    job = await executor.take(again)
    assert (job["seed"], job["attempt"], job["input"]) == (old["seed"], 2, old["input"])
    assert [s["node"] for s in job["finished"]] == ["one", "start"]
    [opened] = job["open"]
    assert (opened["node"], opened["attempt"], opened["status"], opened["wait"]) == ("two", 1, "pending", {"retry_no": 2})
    second = (await ada.call("POST", f"/executions/{execution_id}/retry", 202))["execution_id"]
    made, origin = [await ada.call("GET", f"/executions/{one}") for one in (again, execution_id)]
    assert (made["retry_of"], made["replay_of"], origin["retried_by"], origin["replayed_by"]) == (execution_id, None, [second, again], [])


@pytest.mark.parametrize("status", ["failed", "cancelled", "running"])
async def test_a_retry_of_a_for_each_goes_over_the_list_that_was_recorded(
    ada: Ada, world: World, executor: FakeExecutor, status: str
) -> None:
    execution_id = await ada.execute()
    old = await executor.take(execution_id)
    error = {"type": "Refused", "message": "no", "hint": ""}
    refs = {"/1": {"id": str(uuid4()), "size": 300_000, "media_type": "application/json"}}
    await executor.report(report(old, 1, {**step("one", "running"), "output": None, "items": "[1,null]", "refs": refs}))
    await executor.report(report(old, 2, {**step("one", "waiting"), "output": None}, {**step("one", output=10), "item": 0}))
    last = {**step("one", status, error=error if status == "failed" else None), "output": None}
    await executor.report(report(old, 3, last, ending={"status": "failed", "error": error, "error_node": "one"}))
    again = (await ada.call("POST", f"/executions/{execution_id}/retry", 202))["execution_id"]
    job = await executor.take(again)
    [opened] = job["open"]
    assert (opened["node"], opened["item"], opened["status"], opened["items"], opened["refs"]) == ("one", None, "pending", "[1,null]", refs)
    assert opened["wait"] == {"retry_no": 1 if status == "failed" else 0}
    assert [(s["node"], s["item"], s["output"]) for s in job["finished"] if s["node"] == "one"] == [("one", 0, "10")]


async def test_a_replay_starts_anew(ada: Ada, world: World, executor: FakeExecutor) -> None:
    execution_id = await ada.execute({"input": {"n": 1}})
    old = await executor.take(execution_id)
    await executor.report(report(old, 1, step("one", output=1), ending=DONE))
    again = (await ada.call("POST", f"/executions/{execution_id}/replay", 202))["execution_id"]
    job = await executor.take(again)
    assert job["finished"] == []
    assert job["input"] == old["input"]
    assert job["seed"] != old["seed"]
    made, origin = [await ada.call("GET", f"/executions/{one}") for one in (again, execution_id)]
    assert (made["replay_of"], made["retry_of"], origin["replayed_by"], origin["retried_by"]) == (execution_id, None, [again], [])
    listed = (await ada.call("GET", "/executions"))["items"]
    assert {one["id"]: one["replay_of"] for one in listed} == {again: execution_id, execution_id: None}
    await ada.call("POST", f"/executions/{execution_id}/replay", 404, json={"version": 9})


async def test_one_node_alone_gets_what_came_to_it_last(ada: Ada, world: World, executor: FakeExecutor) -> None:
    whole = await executor.take(await ada.execute({"input": {"n": 1}}))
    start = {**step("start", type="trigger.manual"), "output": None}
    await executor.report(report(whole, 1, start, step("one", output=1), step("two", output=2), ending=DONE))
    job = await executor.take(await ada.execute({"only": "join"}))
    assert {s["node"]: s["output"] for s in job["finished"]} == {"one": "1", "two": "2"}
    first = await executor.take(await ada.execute({"only": "one"}))
    assert {s["node"]: s["output"] for s in first["finished"]} == {"start": '{"n":1}'}
    given = await executor.take(await ada.execute({"only": "join", "input": 5}))
    assert (given["finished"], given["input"]) == ([], "5")


async def test_somebody_else_s_do_not_exist(ada: Ada, backend: Backend, world: World) -> None:
    execution_id = await ada.execute()
    open_door = backend.settings.model_copy(update={"open_registration": True})
    backend.app.state.services = type(backend.app.state.services)(**{**vars(backend.app.state.services), "settings": open_door})
    bob = await Ada(backend, "bob@example.com").sign_up()
    for method, path in [
        ("GET", ""),
        ("GET", "/steps"),
        ("GET", "/graph"),
        ("GET", "/logs"),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("POST", "/replay"),
    ]:
        await bob.call(method, f"/executions/{execution_id}{path}", 404)
    for method, path in [("POST", "/execute"), ("GET", "/executions"), ("GET", "/events")]:
        arguments: dict[str, Any] = {"json": {}} if method == "POST" else {}
        await bob.call(method, f"/workflows/{ada.workflow_id}{path}", 404, **arguments)
    assert (await bob.call("GET", "/executions"))["items"] == []
    assert (await bob.call("GET", f"/executions?workflow_id={ada.workflow_id}"))["items"] == []


async def test_deleting_a_workflow_ends_what_is_under_way(ada: Ada, world: World, executor: FakeExecutor) -> None:
    done, running, queued = [await ada.execute() for _ in range(3)]
    await executor.report(report(await executor.take(done), 1, ending=DONE))
    job = await executor.take(running)
    await ada.call("DELETE", f"/workflows/{ada.workflow_id}", 204)
    assert [(await world.execution(i))["status"] for i in (done, running, queued)] == ["succeeded", "cancelled", "cancelled"]
    assert await executor.verdict(report(job, 1, ending=DONE)) == "cancel"
    assert [e["id"] for e in (await ada.call("GET", "/executions"))["items"]] == [queued, running, done]
