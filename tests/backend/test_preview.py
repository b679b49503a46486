"""Expressions over recorded data."""

import json
from typing import Any
from uuid import uuid4

import pytest

from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK, node, wires
from tests.backend.people import Person


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


async def run(services: Services, made: dict[str, Any], payload: Any, outputs: dict[str, Any]) -> str:
    """A finished execution, as reports would leave it."""
    hot = services.database.hot
    await hot.execute("insert into snapshots (id, graph) values ('s', '{}') on conflict do nothing")
    execution = await hot.fetchval(
        "insert into executions (project_id, workflow_id, snapshot_id, status, trigger, input, seed)"
        " values ($1, $2, 's', 'succeeded', $3, $4, '') returning id",
        made["project_id"],
        made["id"],
        json.dumps({"kind": "webhook", "node": "hook", "method": "POST"}),
        json.dumps(payload),
    )
    for key, output in {"hook": None, **outputs}.items():
        await hot.execute(
            "insert into steps (execution_id, node, type, attempt, status, epoch, event_seq, port, output)"
            " values ($1, $2, 'set', 1, 'succeeded', 1, 1, 'main', $3)",
            execution,
            key,
            json.dumps(output),
        )
    return str(execution)


async def test_preview(ada: Person, bob: Person, services: Services) -> None:
    loop = {**node("each"), "for_each": {"items": "{{ nodes.a.items }}"}}
    kept = node("kept", "list.filter", items="{{ nodes.a.items }}", condition="{{ item }}")
    graph = {"nodes": [HOOK, node("a"), node("b"), loop, kept], "connections": wires("hook>a", "a>b", "b>each", "each>kept")}
    made = await ada.post("/workflows", json={"name": "W", **graph})

    async def preview(expression: Any, at: str = "b", expect: int = 200, **extra: Any) -> Any:
        body = {"node": at, "expression": expression, **extra}
        return await ada.post(f"/workflows/{made['id']}/preview", expect=expect, json=body)

    assert await preview("{{ 6 * 7 }}") == {"value": 42}
    assert "run" in (await preview("{{ payload.n }}"))["error"]["hint"]
    first = await run(services, made, {"n": 1}, {"a": {"items": ["x", "y"]}})
    await run(services, made, {"n": 2, "braces": "{{ 7 * 7 }}"}, {"a": {"items": [7]}})
    assert await preview("{{ payload.n }} of {{ workflow.name }}") == {"value": "2 of W"}
    assert await preview("{{ payload.n }}", execution_id=first) == {"value": 1}
    assert await preview("{{ payload.braces }}") == {"value": "{{ 7 * 7 }}"}, "data is never evaluated"
    assert await preview("{{ input }}") == {"value": {"items": [7]}}
    assert await preview("{{ item > 5 and index == 0 }}", at="kept") == {"value": True}, "of a list that the node goes through"
    assert await preview("{{ nodes.hook.n }} {{ trigger.method }}") == {"value": "2 POST"}
    assert await preview({"deep": ["{{ nodes.a['items'][0] }}"]}) == {"value": {"deep": [7]}}
    assert await preview("{{ item }} {{ index }}", at="each") == {"value": "7 0"}
    wrong = await preview("{{ payload.nmae }}")
    assert "nmae" in wrong["error"]["message"]
    assert "value" not in wrong
    assert "error" in await preview("{{ 1 + }}")
    await preview("{{ 1 }}", at="nobody", expect=422)
    await preview("{{ 1 }}", expect=404, execution_id=str(uuid4()))
    other = await bob.post("/workflows", json={"name": "W"})
    theirs = await run(services, other, {}, {})
    await preview("{{ 1 }}", expect=404, execution_id=theirs)
    mine = await ada.post("/workflows", json={"name": "Another"})
    await preview("{{ 1 }}", expect=422, execution_id=await run(services, mine, {}, {}))
