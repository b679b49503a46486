"""What editors send, alone and at the same time."""

import asyncio
import json
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import stream
from backend.services import Services
from backend.workflows.presence import Presence
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK, node, wires
from tests.backend.people import Person


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


def op(kind: str, **fields: Any) -> dict[str, Any]:
    """An operation with an id of its own."""
    return {"op": kind, "id": str(uuid4()), **fields}


async def draft(ada: Person) -> dict[str, Any]:
    """`hook > a > b`"""
    body = {"name": "W", "nodes": [HOOK, node("a"), node("b")], "connections": wires("hook>a", "a>b")}
    made: dict[str, Any] = await ada.post("/workflows", json=body)
    return made


async def send(ada: Person, made: dict[str, Any], base: int, *operations: dict[str, Any], expect: int = 200) -> dict[str, Any]:
    """One batch."""
    body = {"base_revision": base, "operations": list(operations)}
    answer: dict[str, Any] = await ada.post(f"/workflows/{made['id']}/operations", expect=expect, json=body)
    return answer


async def test_every_operation(ada: Person) -> None:
    made = await draft(ada)
    ids = {n["key"]: n["id"] for n in made["nodes"]}
    operations = [
        op("add_node", node=node("c", "http.request", url="https://x.example", query={"q": 1})),
        op("connect", source="b", target="c"),
        op("move_nodes", moves=[{"key": "a", "x": 10, "y": 20}, {"key": "c", "x": 30.5, "y": -1}]),
        op("configure_node", key="c", fields={"config": {"method": "POST", "query": None}, "timeout_s": 5, "name": "Call"}),
        op("rename_node", key="a", new_key="first"),
        op("rename_node", key="b", new_key="a"),
        op("disconnect", source="hook", target="first"),
        op("connect", source="hook", target="a"),
        op("disconnect", source="first", target="a"),
    ]
    answer = await send(ada, made, 1, *operations)
    assert answer == {"revision": 2, "applied": [o["id"] for o in operations], "conflicts": [], "problems": [], "passed": []}
    now = await ada.get(f"/workflows/{made['id']}")
    nodes = {n["key"]: n for n in now["nodes"]}
    assert {key: nodes[key]["id"] for key in ("hook", "first", "a")} == {"hook": ids["hook"], "first": ids["a"], "a": ids["b"]}
    assert nodes["c"]["config"] == {"url": "https://x.example", "method": "POST"}
    assert (nodes["c"]["timeout_s"], nodes["c"]["name"], nodes["c"]["position"]) == (5, "Call", {"x": 30.5, "y": -1})
    assert {(c["source"], c["target"]) for c in now["connections"]} == {("a", "c"), ("hook", "a")}
    swap = [
        op("rename_node", key="a", new_key="x"),
        op("rename_node", key="first", new_key="a"),
        op("rename_node", key="x", new_key="first"),
    ]
    await send(ada, made, 2, *swap, op("remove_nodes", keys=["c"]))
    now = await ada.get(f"/workflows/{made['id']}")
    assert {n["key"]: n["id"] for n in now["nodes"]} == {"hook": ids["hook"], "a": ids["a"], "first": ids["b"]}
    assert [(c["source"], c["target"]) for c in now["connections"]] == [("hook", "first")]


async def test_the_order_of_fields_is_kept(ada: Person) -> None:
    """Two objects are equal whatever the order of their fields; to people it is not the same."""
    fields = {"one": "1", "two": "2", "three": "3"}
    made = await ada.post(
        "/workflows", json={"name": "W", "nodes": [HOOK, node("a", "set", fields=fields)], "connections": wires("hook>a")}
    )
    turned = dict(reversed(fields.items()))
    await send(ada, made, 1, op("configure_node", key="a", fields={"config": {"fields": turned}}))
    now = await ada.get(f"/workflows/{made['id']}")
    kept = next(n for n in now["nodes"] if n["key"] == "a")
    assert list(kept["config"]["fields"]) == ["three", "two", "one"]


async def test_sending_again_is_harmless(ada: Person) -> None:
    made = await draft(ada)
    first = op("add_node", node=node("c"))
    one = await send(ada, made, 1, first)
    again = await send(ada, made, 1, first, op("configure_node", key="a", fields={"name": "A"}))
    assert (again["revision"], len(again["applied"]), again["conflicts"]) == (3, 2, [])
    assert (await send(ada, made, 1, first))["revision"] == 3
    assert one["applied"] == [first["id"]]


async def test_two_editors_merge_or_conflict(ada: Person) -> None:
    made = await draft(ada)
    await send(ada, made, 1, op("configure_node", key="a", fields={"config": {"fields": {"x": 1}}, "name": "Mine"}))
    other = [
        op("configure_node", key="a", fields={"config": {"keep_input": True}}),
        op("configure_node", key="b", fields={"name": "B"}),
        op("configure_node", key="a", fields={"name": "Yours"}),
        op("move_nodes", moves=[{"key": "a", "x": 1, "y": 1}]),
        op("remove_nodes", keys=["a"]),
    ]
    answer = await send(ada, made, 1, *other)
    assert answer["applied"] == [other[i]["id"] for i in (0, 1, 3)], "different fields and nodes merge"
    assert [c["id"] for c in answer["conflicts"]] == [other[2]["id"], other[4]["id"]]
    assert answer["conflicts"][0]["current"]["a"]["name"] == "Mine"
    now = {n["key"]: n for n in (await ada.get(f"/workflows/{made['id']}"))["nodes"]}
    assert (now["a"]["name"], now["a"]["config"]) == ("Mine", {"fields": {"x": 1}, "keep_input": True})


async def test_an_answer_tells_what_came_in_between(ada: Person) -> None:
    """Whoever moves to the revision of an answer has seen all that led to it."""
    made = await draft(ada)
    theirs, mine = op("configure_node", key="a", fields={"config": {"x": 1}}), op("configure_node", key="b", fields={"name": "B"})
    await send(ada, made, 1, theirs)
    answer = await send(ada, made, 1, mine)
    passed = [{"revision": 2, "operations": [theirs], "touched": ["a/config.x"]}]
    assert (answer["revision"], answer["conflicts"], answer["passed"]) == (3, [], passed)
    assert (await send(ada, made, 1, mine))["passed"] == passed, "its own operations, stored before, are not among it"
    a = next(n for n in made["nodes"] if n["key"] == "a")
    await ada.patch(f"/nodes/{a['id']}", json={"name": "Patched"})
    answer = await send(ada, made, 3, op("move_nodes", moves=[{"key": "b", "x": 1, "y": 1}]))
    assert answer["passed"] == [{"revision": 4, "operations": [], "touched": ["a/name"]}], "of another route, only what it touched"


async def test_what_other_routes_changed_counts_too(ada: Person) -> None:
    made = await draft(ada)
    a = next(n for n in made["nodes"] if n["key"] == "a")
    await ada.patch(f"/nodes/{a['id']}", json={"name": "Patched"})
    await ada.post(f"/workflows/{made['id']}/connections", json={"source": "hook", "target": "b"})
    answer = await send(
        ada, made, 1, op("configure_node", key="a", fields={"name": "X"}), op("remove_nodes", keys=["b"]), op("add_node", node=node("c"))
    )
    assert (len(answer["applied"]), len(answer["conflicts"])) == (1, 2)


async def test_an_impossible_operation_leaves_no_trace(ada: Person) -> None:
    made = await draft(ada)
    refused = [
        op("connect", source="b", target="a"),
        op("connect", source="a", target="nobody"),
        op("add_node", node=node("a")),
        op("configure_node", key="nobody", fields={"name": "X"}),
        op("configure_node", key="a", fields={"timeout_s": -1}),
        op("rename_node", key="a", new_key="b"),
        op("move_nodes", moves=[{"key": "b", "x": 1, "y": 1}, {"key": "nobody", "x": 1, "y": 1}]),
    ]
    answer = await send(ada, made, 1, *refused)
    assert (answer["revision"], answer["applied"]) == (1, [])
    assert [c["id"] for c in answer["conflicts"]] == [o["id"] for o in refused]
    assert "cycle" in answer["conflicts"][0]["reason"]
    assert await ada.get(f"/workflows/{made['id']}") == made
    await send(ada, made, 9, op("remove_nodes", keys=["a"]), expect=422)
    await send(ada, made, 1, op("rename_node", key="a", new_key="Not a key"), expect=422)
    await send(ada, made, 1, op("explode"), expect=422)


async def test_many_editors_at_once_lose_nothing(ada: Person) -> None:
    made = await draft(ada)
    await asyncio.gather(
        *(send(ada, made, 1, op("add_node", node=node(f"n{n}")), op("connect", source="a", target=f"n{n}")) for n in range(8))
    )
    now = await ada.get(f"/workflows/{made['id']}")
    assert (now["revision"], len(now["nodes"]), len(now["connections"])) == (9, 11, 10)


async def test_a_stream_tells_of_the_draft(ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_LOOK_ANYWAY_S", 60)  # who hears of a change was rung
    monkeypatch.setattr(stream, "_LOOK_AWAY_S", 60)
    made = await draft(ada)
    ident = UUID(made["id"])
    listens = asyncio.Event()

    async def heard(last_event_id: str | None, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        told = stream.of_workflow(services.database.hot, services.doorbell, ident, last_event_id)
        async with aclosing(told) as frames:
            async for frame in frames:
                listens.set()
                if frame.startswith(b"event: draft"):
                    found.append(json.loads(frame.split(b"data: ")[1]))
                if len(found) == count:
                    break
        return found

    async def listen(count: int) -> "asyncio.Task[list[dict[str, Any]]]":
        listens.clear()
        listening = asyncio.create_task(heard(None, count))
        await asyncio.wait_for(listens.wait(), 20)
        return listening

    listening = await listen(2)
    sent = [op("add_node", node=node("c")), op("connect", source="b", target="c")]
    await send(ada, made, 1, *sent)
    await ada.patch(f"/nodes/{made['nodes'][1]['id']}", json={"name": "A"})
    await send(ada, made, 3, op("move_nodes", moves=[{"key": "a", "x": 1, "y": 1}]))
    first, *_ = await asyncio.wait_for(listening, 20)
    listening = await listen(1)
    await ada.patch(f"/nodes/{made['nodes'][1]['id']}", json={"name": "B"})
    assert [e["revision"] for e in await asyncio.wait_for(listening, 20)] == [5]  # any change rings at once, not only the editor's
    assert (first["revision"], first["user"]) == (2, ada.id)
    assert [(o["op"], o["id"]) for o in first["operations"]] == [(o["op"], o["id"]) for o in sent]
    again = await asyncio.wait_for(heard("1", 3), 20)
    assert [(e["revision"], len(e["operations"]), e["touched"]) for e in again] == [
        (2, 2, [">b>main>c", "c"]),
        (3, 0, ["a/name"]),
        (4, 1, ["a/position"]),
    ]
    listening = await listen(1)
    await ada.patch(f"/workflows/{made['id']}", json={"settings": {"timeout_s": 60}})
    [settled] = await asyncio.wait_for(listening, 20)
    assert (settled["revision"], settled["operations"], settled["touched"]) == (6, [], ["@settings"])


async def test_whoever_has_the_draft_open_hears_of_the_others(ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_LOOK_ANYWAY_S", 60)
    monkeypatch.setattr(stream, "_LOOK_AWAY_S", 60)
    ident = UUID((await draft(ada))["id"])

    def there(number: int, name: str) -> Presence:
        return Presence(services.redis, services.doorbell, ident, UUID(int=number), name)

    async def seen(presence: Presence, count: int) -> list[str]:
        told = stream.of_workflow(services.database.hot, services.doorbell, ident, None, presence)
        async with aclosing(told) as frames:
            async for frame in frames:
                if frame.startswith(b"event: present"):
                    names = [user["name"] for user in json.loads(frame.split(b"data: ")[1])["users"]]
                    if len(names) == count:
                        return names
        return []

    first = asyncio.create_task(seen(there(1, "Ada"), 2))
    await asyncio.sleep(0.2)
    assert await asyncio.wait_for(seen(there(2, "Bob"), 2), 20) == ["Ada", "Bob"]
    assert await asyncio.wait_for(first, 20) == ["Ada", "Bob"]
    assert await asyncio.wait_for(seen(there(1, "Ada"), 2), 20) == ["Ada", "Bob"], "in two tabs, and told of once"
