"""Versions, triggers, enabling."""

from typing import Any
from uuid import uuid4

import pytest

from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import MANUAL, node, wires
from tests.backend.people import Person


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


def hook(path: str | None = None, **config: Any) -> dict[str, Any]:
    """A webhook trigger."""
    return {"key": "hook", "type": "trigger.webhook", "config": {**({"path": path} if path else {}), **config}}


async def make(ada: Person, *nodes: dict[str, Any], ends: tuple[str, ...] = ()) -> dict[str, Any]:
    """A workflow of these."""
    made: dict[str, Any] = await ada.post("/workflows", json={"name": "W", "nodes": list(nodes), "connections": wires(*ends)})
    return made


async def test_publishing_freezes_and_registers(ada: Person, services: Services) -> None:
    made = await make(ada, hook("leads"), node("a"), ends=("hook>a",))
    path = f"/workflows/{made['id']}"
    version = await ada.post(f"{path}/publish", json={"message": "First"})
    assert (version["number"], version["message"], version["live"], version["created_by"]) == (1, "First", True, ada.id)
    now = await ada.get(path)
    assert (now["published_version"], now["has_unpublished_changes"], now["revision"]) == (1, False, 1)
    assert now["webhooks"] == [{"node": "hook", "url": "http://localhost:8000/webhooks/leads", "methods": ["POST"]}]
    rows = await services.database.hot.fetch("select kind, node, version from triggers where workflow_id = $1", made["id"])
    assert [tuple(row) for row in rows] == [("webhook", "hook", 1)]

    await ada.patch(f"/nodes/{made['nodes'][1]['id']}", json={"config": {"fields": {"x": 1}}})
    assert (await ada.get(path))["has_unpublished_changes"]
    await ada.post(f"{path}/publish", json={})
    page = await ada.get(f"{path}/versions?limit=1")
    assert [(v["number"], v["live"]) for v in page["items"]] == [(2, True)]
    page = await ada.get(f"{path}/versions?limit=1&cursor={page['next_cursor']}")
    assert ([(v["number"], v["live"]) for v in page["items"]], page["next_cursor"]) == ([(1, False)], None)

    diff = await ada.get(f"{path}/versions/1/diff/2")
    change = {"path": "config.fields", "before": {}, "after": {"x": 1}}
    assert diff == {"nodes": [{"key": "a", "change": "changed", "fields": [change]}], "connections": []}
    whole = await ada.get(f"{path}/versions/1")
    assert whole["graph"]["nodes"][1]["config"] == {"fields": {}}
    restored = await ada.post(f"{path}/versions/1/restore", expect=200)
    assert restored["nodes"] == made["nodes"]
    assert (restored["published_version"], restored["has_unpublished_changes"]) == (2, True)
    await ada.get(f"{path}/versions/3", expect=404)
    await ada.get(f"{path}/versions/1/diff/9", expect=404)
    snapshots = await services.database.hot.fetchval("select count(*) from versions where workflow_id = $1", made["id"])
    assert snapshots == 2


async def test_what_is_not_right_is_not_published(ada: Person) -> None:
    made = await make(ada, hook("wrong"), node("a", "http.request"), ends=("hook>a",))
    path = f"/workflows/{made['id']}"
    refused = await ada.post(f"{path}/publish", expect=422, json={})
    assert refused["errors"] == made["problems"]
    assert "url" in refused["detail"]
    assert await ada.patch(path, expect=422, json={"enabled": True, "name": "Not even this"})
    assert await ada.get(path) == made


@pytest.mark.parametrize(
    ("config", "chosen", "field"),
    [
        ({"auth": {"kind": "retina", "credential": "BASIC"}}, {}, "auth.kind"),
        ({"auth": {"kind": "jwt", "credential": "BASIC"}}, {}, "auth.credential"),
        ({"auth": {"kind": "github"}}, {}, "auth.credential"),
        ({"auth": {"kind": "basic"}}, {}, "auth.credential"),
        ({"auth": {"kind": "header", "credential": "BASIC"}}, {}, "auth.credential"),
        ({"auth": {"kind": "basic", "credential": "01890000-0000-7000-8000-000000000000"}}, {}, "auth.credential"),
        ({"respond": "node"}, {}, "respond"),
        ({}, {"save_data": "failed"}, "settings.save_data"),
        ({}, {"concurrency": {"limit": 1, "key": "{{ payload. }}"}}, "settings.concurrency"),
        ({}, {"concurrency": {"limit": 1, "key": "{{ nodes.a.id }}"}}, "settings.concurrency"),
        ({}, {"timezone": "Mars/Olympus"}, "settings.timezone"),
    ],
)
async def test_what_would_not_be_kept_is_not_promised(ada: Person, config: Any, chosen: Any, field: str) -> None:
    basic = await ada.post("/credentials", json={"name": "C", "type": "basic", "data": {"username": "a", "password": "b"}})
    auth = config.get("auth")
    if auth and auth.get("credential") == "BASIC":
        config = {"auth": {**auth, "credential": basic["id"]}}
    made = await ada.post("/workflows", json={"name": "W", "nodes": [hook("promises", **config)], "settings": chosen})
    refused = await ada.post(f"/workflows/{made['id']}/publish", expect=422, json={})
    assert refused["errors"] == made["problems"] != []
    assert any(".".join(map(str, error["loc"])).removeprefix("config.") == field for error in refused["errors"]), refused["errors"]
    node = {**made["nodes"][0], "config": {"path": "promises", "auth": {"kind": "basic", "credential": basic["id"]}}}
    await ada.patch(f"/nodes/{node['id']}", json={"config": node["config"]})
    await ada.patch(f"/workflows/{made['id']}", json={"settings": {}, "enabled": True})
    await ada.delete(f"/workflows/{made['id']}")


async def test_a_note_is_kept_and_is_in_nobody_s_way(ada: Person, services: Services) -> None:
    text = "## Leads\n{{ not an expression }} of 80 and more"
    note = {"key": "note", "type": "note", "config": {"text": text, "color": "blue", "width": "any"}, "position": {"x": -40, "y": -40}}
    made = await make(ada, MANUAL, note, node("a"), ends=("start>a",))
    path = f"/workflows/{made['id']}"
    assert made["problems"] == []
    await ada.post(f"{path}/publish", json={})
    assert await services.database.hot.fetchval("select types from snapshots where graph::text like '%Leads%'") == ["set", "trigger.manual"]
    assert await services.database.hot.fetchval("select count(*) from triggers where workflow_id = $1", made["id"]) == 1
    assert [one["node_count"] for one in (await ada.get("/workflows"))["items"]] == [2]
    change = {"id": str(uuid4()), "op": "configure_node", "key": "note", "fields": {"config": {"text": "Later"}}}
    answer = await ada.post(f"{path}/operations", json={"base_revision": 1, "operations": [change]}, expect=200)
    assert (answer["conflicts"], answer["problems"]) == ([], [])
    await ada.post(f"{path}/publish", json={})
    diff = await ada.get(f"{path}/versions/1/diff/2")
    assert [(one["key"], one["change"], one["fields"][0]["before"]) for one in diff["nodes"]] == [("note", "changed", text)]
    exported = await ada.get(f"{path}/export")
    assert [one["type"] for one in exported["nodes"]] == ["trigger.manual", "note", "set"]

    for ends in ("a>note", "note>a"):
        wrong = {"id": str(uuid4()), "op": "connect", **wires(ends)[0]}
        refused = await ada.post(f"{path}/operations", json={"base_revision": 2, "operations": [wrong]}, expect=200)
        assert "is a note" in refused["conflicts"][0]["reason"]
    for name in ("only", "until"):
        refused = await ada.post(f"{path}/execute", json={name: "note"}, expect=422)
        assert "no node" in refused["detail"]
    lonely = await make(ada, note)
    assert [one["message"][:20] for one in lonely["problems"]] == ["There is no trigger."]


async def test_ports_of_one_node_differ(ada: Person) -> None:
    def branch(*labels: str) -> dict[str, Any]:
        return node("ways", "branch", cases=[{"label": label, "condition": "{{ true }}"} for label in labels])

    for labels in (("a", "a"), ("main",), ("error",), ("else",), ("timeout",), ("",)):
        made = await make(ada, MANUAL, branch(*labels), ends=("start>ways",))
        assert made["problems"], labels
    assert not (await make(ada, MANUAL, branch("a", "b"), ends=("start>ways",)))["problems"]


async def test_enabling_publishes_and_needs_a_trigger_that_fires(ada: Person) -> None:
    made = await make(ada, hook("enabled"))
    now = await ada.patch(f"/workflows/{made['id']}", json={"enabled": True})
    assert (now["enabled"], now["published_version"]) == (True, 1)
    assert [item["id"] for item in (await ada.get("/workflows?enabled=true"))["items"]] == [made["id"]]
    assert not (await ada.patch(f"/workflows/{made['id']}", json={"enabled": False}))["enabled"]

    for kind in ("trigger.workflow", "trigger.error"):
        started_by_others = await make(ada, {"key": "start", "type": kind})
        assert (await ada.patch(f"/workflows/{started_by_others['id']}", json={"enabled": True}))["enabled"]

    by_hand = await make(ada, MANUAL)
    refused = await ada.patch(f"/workflows/{by_hand['id']}", expect=422, json={"enabled": True})
    assert "trigger" in refused["detail"].lower()
    assert (await ada.get(f"/workflows/{by_hand['id']}"))["published_version"] is None
    await ada.post(f"/workflows/{by_hand['id']}/publish")


async def test_a_path_left_out_is_made_and_stays(ada: Person) -> None:
    made = await make(ada, hook())
    path = f"/workflows/{made['id']}"
    await ada.post(f"{path}/publish")
    now = await ada.get(path)
    secret = now["nodes"][0]["config"]["path"]
    assert len(secret) >= 32
    assert not now["has_unpublished_changes"]
    await ada.post(f"{path}/publish")
    assert (await ada.get(path))["webhooks"][0]["url"].endswith(secret)


async def test_one_path_and_method_has_one_owner(ada: Person, bob: Person) -> None:
    first = await make(ada, hook("shared", methods=["POST", "PUT"]))
    await ada.post(f"/workflows/{first['id']}/publish")
    second = await make(bob, hook("shared", methods=["PUT"]))
    refused = await bob.post(f"/workflows/{second['id']}/publish", expect=409)
    assert "PUT /webhooks/shared" in refused["detail"]
    assert [(error["node"], error["loc"]) for error in refused["errors"]] == [("hook", ["config", "path"])]
    both = await make(bob, hook("mine"), {**hook("mine"), "key": "again"}, {**hook("shared"), "key": "third"})
    refused = await bob.post(f"/workflows/{both['id']}/publish", expect=409)
    assert [error["node"] for error in refused["errors"]] == ["again", "third"]
    assert (await bob.get(f"/workflows/{second['id']}"))["published_version"] is None
    third = await make(bob, hook("shared", methods=["GET"]))
    await bob.post(f"/workflows/{third['id']}/publish")
    await ada.delete(f"/workflows/{first['id']}")
    await bob.post(f"/workflows/{second['id']}/publish")


async def test_settings_make_a_new_revision(ada: Person) -> None:
    made = await make(ada, hook("settings"))
    now = await ada.patch(f"/workflows/{made['id']}", json={"settings": {"timeout_s": 60}})
    assert (now["revision"], now["settings"]["timeout_s"]) == (2, 60)
    assert (await ada.patch(f"/workflows/{made['id']}", json={"settings": {"timeout_s": 60}, "folder": "x"}))["revision"] == 2
    added = {"op": "add_node", "id": str(uuid4()), "node": node("settings")}
    answer = await ada.post(f"/workflows/{made['id']}/operations", expect=200, json={"base_revision": 1, "operations": [added]})
    assert answer["conflicts"] == [], "a node may be called so"
    assert answer["passed"] == [{"revision": 2, "operations": [], "touched": ["@settings"]}]


async def test_an_error_workflow_has_to_be_able_to_start(ada: Person) -> None:
    made = await make(ada, hook("watched"))
    path = f"/workflows/{made['id']}"

    async def says(named: str) -> str:
        await ada.patch(path, json={"settings": {"error_workflow": named}})
        [problem] = (await ada.get(path))["problems"] or [{"loc": ["settings", "error_workflow"], "message": ""}]
        assert problem["loc"] == ["settings", "error_workflow"]
        return str(problem["message"])

    assert "no such workflow" in await says("01890000-0000-7000-8000-000000000000")
    assert "no such workflow" in await says("nonsense")
    assert "own failures" in await says(made["id"])
    other = await make(ada, MANUAL)
    assert "not published" in await says(other["id"])
    await ada.post(f"/workflows/{other['id']}/publish", json={})
    assert "Workflow failed" in await says(other["id"])
    await ada.post(f"{path}/publish", expect=422, json={})
    await ada.post(f"/workflows/{other['id']}/nodes", json=node("failed", "trigger.error"))
    await ada.post(f"/workflows/{other['id']}/publish", json={})
    assert await says(other["id"]) == ""
    await ada.post(f"{path}/publish", json={})
