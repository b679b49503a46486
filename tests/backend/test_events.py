"""Events: one starts every enabled workflow of the project whose condition holds, or none."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import node, wires
from tests.backend.people import Person

LEAD = {"==": [{"var": "type"}, "lead"]}


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


async def listening(person: Person, *conditions: Any, enabled: bool = True, **more: Any) -> str:
    """The id of a workflow with an event trigger for each condition (`...`: without one)."""
    triggers = [node(f"on{n}", "trigger.event", **({} if c is ... else {"condition": c})) for n, c in enumerate(conditions)]
    graph = {"nodes": [*triggers, node("a")], "connections": wires(*(f"on{n}>a" for n in range(len(conditions))))}
    made = await person.post("/workflows", json={"name": "W", **graph, **more})
    await person.patch(f"/workflows/{made['id']}", json={"enabled": True})
    if not enabled:
        await person.patch(f"/workflows/{made['id']}", json={"enabled": False})
    return str(made["id"])


async def send(person: Person, event: Any, query: str = "", expect: int = 202, **arguments: Any) -> Any:
    """POST /events"""
    return await person.post(f"/events{query}", expect=expect, json=event, **arguments)


def started(answer: Any) -> set[str]:
    """The workflows that an event started."""
    return {one["workflow_id"] for one in answer["executions"]}


async def test_one_event_starts_every_match(ada: Person, bob: Person, services: Services) -> None:
    always, lead = await listening(ada, ...), await listening(ada, LEAD)
    big = await listening(ada, {"and": [LEAD, {">=": [{"var": "score"}, 80]}]}, LEAD)
    await listening(ada, {"==": [{"var": "type"}, "invoice"]})
    await listening(ada, False)
    await listening(ada, LEAD, enabled=False)
    await listening(bob, LEAD)
    event = {"score": 81.50, "type": "lead", "nested": {"a": [1, None]}}
    answer = await send(ada, event)
    assert set(answer) == {"event_id", "executions"}
    assert started(answer) == {always, lead, big}
    assert len(answer["executions"]) == 3, "a workflow with two triggers that hold starts once"
    for one in answer["executions"]:
        row = await services.database.hot.fetchrow("select * from executions where id = $1", UUID(one["execution_id"]))
        assert row is not None
        assert (str(row["workflow_id"]), row["status"], row["version"]) == (one["workflow_id"], "queued", 1)
        assert json.loads(row["input"]) == event
        trigger = json.loads(row["trigger"])
        assert trigger.items() >= {"kind": "event", "node": "on0", "event_id": answer["event_id"], "user_id": ada.id}.items()
    assert started(await send(ada, {"type": "invoice"})) != set()
    assert (await send(bob, {"nothing": 1}))["executions"] == []


async def test_the_event_arrives_as_it_was_sent(ada: Person, services: Services) -> None:
    await listening(ada, ...)
    text = '{"z":1.0, "a":12345678901234567890, "nul":"\\u0000", "braces":"{{ 7 * 7 }}"}'
    answer = await ada.post("/events", expect=202, content=text, headers={"Content-Type": "application/json"})
    (one,) = answer["executions"]
    assert await services.database.hot.fetchval("select input::text from executions where id = $1", UUID(one["execution_id"])) == text


async def test_a_dry_run_stores_nothing(ada: Person, services: Services) -> None:
    match, odd = await listening(ada, LEAD), await listening(ada, {"+": [{"var": "type"}, 1]})
    count = "select count(*) from executions"
    before = await services.database.hot.fetchval(count)
    answer = await send(ada, {"type": "lead"}, "?dry_run=true", expect=200, headers={"Idempotency-Key": "dry"})
    assert answer["executions"] == [{"workflow_id": match}]
    assert [(one["workflow_id"], one["node"]) for one in answer["problems"]] == [(odd, "on0")]
    assert await send(ada, {"type": 7}, "?dry_run=true", expect=200) == {"executions": [{"workflow_id": odd}]}
    assert await services.database.hot.fetchval(count) == before
    assert await services.database.hot.fetchval("select count(*) from idempotency_keys where key = 'dry'") == 0


async def test_a_condition_that_can_not_be_told(ada: Person, services: Services) -> None:
    good, odd = await listening(ada, LEAD), await listening(ada, {"+": [{"var": "type"}, 1]})
    answer = await send(ada, {"type": "lead"})
    assert started(answer) == {good}
    (problem,) = answer["problems"]
    assert (problem["workflow_id"], problem["node"]) == (odd, "on0")
    failed = await ada.get(f"/executions/{problem['execution_id']}")
    assert (failed["status"], failed["error"]["type"], failed["error"]["node"]) == ("failed", "trigger_failed", "on0")
    assert "number" in failed["error"]["message"]
    assert failed["input"] == {"type": "lead"}
    async with asyncio.timeout(5):
        settled = "select settled from executions where id = $1"
        while not await services.database.hot.fetchval(settled, UUID(problem["execution_id"])):
            await asyncio.sleep(0.05)


async def test_conditions_are_bounded(ada: Person) -> None:
    heavy: Any = {"var": ""}
    for _ in range(4):
        heavy = {"map": [list(range(60)), heavy]}
    await listening(ada, heavy)
    async with asyncio.timeout(10):
        answer = await send(ada, {})
    assert "too many steps" in answer["problems"][0]["message"]


async def test_what_is_no_event(ada: Person, bob: Person) -> None:
    await listening(ada, ...)
    for body in ("[]", '"text"', "null", "7"):
        await ada.post("/events", expect=422, content=body, headers={"Content-Type": "application/json"})
    await ada.post("/events", expect=400, content='{"a": NaN}', headers={"Content-Type": "application/json"})
    await ada.post("/events", expect=422, content='{"a": 1, "a": 2}', headers={"Content-Type": "application/json"})
    (project, *_) = (await ada.get("/projects"))["items"]
    await send(bob, {}, f"?project_id={project['id']}", expect=404)
    assert (await bob.client.post("/api/v1/events", json={})).status_code == 401


async def test_operators_may_send(ada: Person, bob: Person) -> None:
    project = await ada.post("/projects", json={"name": "Ours"})
    flow = await listening(ada, ..., project_id=project["id"])
    assert await send(ada, {}) is not None
    for role, status in (("viewer", 403), ("operator", 202)):
        await ada.call("PUT", f"/projects/{project['id']}/members/{bob.id}", json={"role": role})
        answer = await send(bob, {"n": 1}, f"?project_id={project['id']}", expect=status)
    assert started(answer) == {flow}


async def test_a_key_is_its_senders_own(ada: Person, bob: Person) -> None:
    flows = [await listening(person, ...) for person in (ada, bob)]
    project = await ada.post("/projects", json={"name": "Another"})
    headers = {"Idempotency-Key": "shared"}
    assert flows[0] in started(await send(ada, {"n": 1}, headers=headers))
    assert flows[1] in started(await send(bob, {"n": 1}, headers=headers))
    assert started(await send(ada, {"n": 1}, f"?project_id={project['id']}", headers=headers)) == set()


async def test_the_same_key_counts_once(ada: Person, services: Services) -> None:
    flows = {await listening(ada, LEAD) for _ in range(3)}
    headers = {"Idempotency-Key": "e1"}
    answers = await asyncio.gather(*(send(ada, {"type": "lead"}, headers=headers) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert started(answers[0]) == flows
    assert await services.database.hot.fetchval("select count(*) from executions where workflow_id = any($1::uuid[])", list(flows)) == 3
    refused = await send(ada, {"type": "other"}, expect=422, headers=headers)
    assert "another request" in refused["detail"]
    await send(ada, {}, expect=422, headers={"Idempotency-Key": "x" * 256})


async def test_above_the_cap_nothing_starts(ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = await listening(ada, ...)
    other = await listening(ada, ...)
    await services.database.hot.execute("delete from executions")
    monkeypatch.setattr(services.acceptor.backlog, "_cap", 1)
    monkeypatch.setattr(services.acceptor.backlog, "_guess", 0)
    refused = await ada.send("POST", "/events", json={})
    assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (429, True)
    counted = "select count(*) from executions where workflow_id = any($1::uuid[])"
    assert await services.database.hot.fetchval(counted, [flow, other]) == 0


async def test_an_unknown_operator_is_not_published(ada: Person) -> None:
    for condition, where in (({"no_such": [1]}, "no_such"), ({"and": [{"var": "a"}, {"nor": [1]}]}, "nor"), ({}, "empty")):
        graph = {"nodes": [node("on", "trigger.event", condition=condition)], "connections": []}
        made = await ada.post("/workflows", json={"name": "W", **graph})
        (problem,) = made["problems"]
        assert problem["loc"][:2] == ["config", "condition"]
        assert where in problem["message"]
        await ada.post(f"/workflows/{made['id']}/publish", expect=422)


async def test_a_new_version_listens_with_its_own_condition(ada: Person) -> None:
    flow = await listening(ada, LEAD)
    assert flow in started(await send(ada, {"type": "lead"}))
    nodes = (await ada.get(f"/workflows/{flow}"))["nodes"]
    await ada.patch(f"/nodes/{nodes[0]['id']}", json={"config": {"condition": {"==": [{"var": "type"}, "deal"]}}})
    assert flow in started(await send(ada, {"type": "lead"})), "the draft does not listen"
    await ada.post(f"/workflows/{flow}/publish")
    assert flow not in started(await send(ada, {"type": "lead"}))
    assert flow in started(await send(ada, {"type": "deal"}))


async def test_a_large_event_is_stored_once(ada: Person, services: Services) -> None:
    flows = {await listening(ada, ...), await listening(ada, LEAD), await listening(ada, {"+": [{"var": "type"}, 1]})}
    answer = await send(ada, {"type": "lead", "text": "x" * 300_000})
    idents = [UUID(one["execution_id"]) for one in (*answer["executions"], *answer["problems"])]
    rows = await services.database.hot.fetch("select id, workflow_id, input, input_refs from executions where id = any($1::uuid[])", idents)
    assert {str(row["workflow_id"]) for row in rows} == flows
    blobs = {json.loads(row["input_refs"])[""]["id"] for row in rows}
    assert ([row["input"] for row in rows], len(blobs)) == (["null"] * 3, 1)
    assert await services.database.hot.fetchval("select count(*) from blob_uses where execution_id = any($1::uuid[])", idents) == 3
