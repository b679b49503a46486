"""Drafts: made, listed, changed, checked."""

from typing import Any

import pytest
from sqlalchemy import event

from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK, node, wires
from tests.backend.people import Person


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


async def test_a_workflow_is_what_was_sent(ada: Person) -> None:
    sent = {
        "name": "Leads",
        "description": "Hot ones",
        "tags": ["sales"],
        "nodes": [
            {**HOOK, "position": {"x": 1.5, "y": -2}},
            {
                **node("tell", "http.request", method="POST", url="https://chat.example/hook", body={"z": 1, "a": 12345678901234567890}),
                "retry": {"max_attempts": 3, "backoff": "fixed", "delay_s": 0, "max_delay_s": 60},
                "on_error": "branch",
                "timeout_s": 30,
                "notes": "Grüße",
                "pinned": {"ok": True},
                "for_each": {"items": "{{ payload.items }}", "concurrency": 2, "per_second": None},
                "join": "all",
            },
        ],
        "connections": wires("hook>tell"),
        "settings": {"on_error": "continue", "timezone": "Europe/Berlin"},
    }
    made = await ada.post("/workflows", json=sent)
    assert made == await ada.get(f"/workflows/{made['id']}")
    assert made["problems"] == []
    assert (made["revision"], made["published_version"], made["enabled"], made["has_unpublished_changes"]) == (1, None, False, True)
    for stored, given in zip(made["nodes"], sent["nodes"], strict=True):
        assert {name: stored[name] for name in given} == given
    assert list(made["nodes"][1]["config"]["body"]) == ["z", "a"], "keys keep their order"
    assert made["settings"]["timezone"] == "Europe/Berlin"
    row = (await ada.get("/workflows"))["items"][0]
    assert (row["id"], row["node_count"], row["last_execution"]) == (made["id"], 2, None)


async def test_lists_are_paged_and_filtered(ada: Person, bob: Person) -> None:
    made = [(await ada.post("/workflows", json={"name": f"W{n} 100%", "tags": [f"t{n % 2}"]}))["id"] for n in range(5)]
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = await ada.get(f"/workflows?limit=2{cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == made[::-1]
    assert len((await ada.get("/workflows?tag=t1"))["items"]) == 2
    assert [item["id"] for item in (await ada.get("/workflows", params={"search": "w3 100%"}))["items"]] == [made[3]]
    assert (await ada.get("/workflows?enabled=true"))["items"] == []
    assert (await bob.get("/workflows"))["items"] == []
    for bad in ("limit=0", "limit=201", "cursor=nonsense", "cursor=%21"):
        await ada.get(f"/workflows?{bad}", expect=422)


@pytest.mark.parametrize(
    ("nodes", "connections", "where"),
    [
        ([node("a"), node("b")], ["a>b", "b>a"], ["connections"]),
        ([node("a")], ["a>a"], ["connections"]),
        ([node("a")], ["a>b"], ["connections", 0, "target"]),
        ([node("a"), node("a")], [], ["nodes", 1, "key"]),
        ([node("Bad key")], [], ["nodes", 0, "key"]),
        ([node("a"), node("b")], ["a>b", "a>b"], ["connections", 1]),
        ([node(f"n{n}") for n in range(501)], [], ["nodes"]),
        ([node("a"), node("b")], [f"a:p{n}>b" for n in range(5001)], ["connections"]),
        ([{**node("a"), "id": "x"}], [], ["nodes", 0, "id"]),
    ],
)
async def test_an_impossible_graph_changes_nothing(ada: Person, nodes: list[Any], connections: list[str], where: list[Any]) -> None:
    body = {"nodes": nodes, "connections": wires(*connections)}
    refused = await ada.post("/workflows", expect=422, json={"name": "W", **body})
    assert refused["errors"][0]["loc"] == where
    made = await ada.post("/workflows", json={"name": "W", "nodes": [HOOK]})
    path = f"/workflows/{made['id']}"
    await ada.call("PUT", f"{path}/graph", expect=422, json=body, headers={"If-Match": "1"})
    assert await ada.get(path) == made


async def test_put_graph_keeps_ids_and_needs_the_revision(ada: Person) -> None:
    made = await ada.post("/workflows", json={"name": "W", "nodes": [HOOK, node("a"), node("b")], "connections": wires("hook>a", "a>b")})
    path = f"/workflows/{made['id']}/graph"
    body = {"nodes": [node("b"), node("c"), HOOK], "connections": wires("hook>c", "c>b")}
    await ada.call("PUT", path, expect=428, json=body)
    await ada.call("PUT", path, expect=412, json=body, headers={"If-Match": "7"})
    changed = await ada.call("PUT", path, json=body, headers={"If-Match": '"1"'})
    assert changed["revision"] == 2
    ids = {n["key"]: n["id"] for n in made["nodes"]}
    assert [n["key"] for n in changed["nodes"]] == ["b", "c", "hook"]
    assert {n["key"]: n["id"] for n in changed["nodes"]}.items() >= {"b": ids["b"], "hook": ids["hook"]}.items()
    assert await ada.get(path.removesuffix("/graph")) == changed


async def test_single_nodes_and_connections(ada: Person) -> None:
    made = await ada.post("/workflows", json={"name": "W", "nodes": [HOOK, node("a")], "connections": wires("hook>a")})
    path = f"/workflows/{made['id']}"
    new = await ada.post(f"{path}/nodes", json=node("b"))
    await ada.post(f"{path}/nodes", expect=422, json=node("b"))
    wire = await ada.post(f"{path}/connections", json={"source": "a", "target": "b"})
    await ada.post(f"{path}/connections", expect=422, json={"source": "a", "target": "b"})
    refused = await ada.post(f"{path}/connections", expect=422, json={"source": "b", "target": "hook"})
    assert "cycle" in refused["detail"]
    renamed = await ada.patch(f"/nodes/{new['id']}", json={"key": "c", "config": {"fields": {"x": 1}}, "on_error": "continue"})
    assert (renamed["id"], renamed["key"], renamed["on_error"]) == (new["id"], "c", "continue")
    await ada.patch(f"/nodes/{new['id']}", expect=409, json={"key": "a"})
    await ada.patch(f"/nodes/{new['id']}", expect=422, json={"timeout_s": -1})
    assert (await ada.patch(f"/nodes/{new['id']}", json={"on_error": None}))["on_error"] is None
    now = await ada.get(path)
    assert [(c["source"], c["target"]) for c in now["connections"]] == [("hook", "a"), ("a", "c")]
    assert now["connections"][1]["id"] == wire["id"]
    await ada.delete(f"/connections/{wire['id']}")
    a = next(n for n in now["nodes"] if n["key"] == "a")
    await ada.delete(f"/nodes/{a['id']}")
    now = await ada.get(path)
    assert (len(now["nodes"]), now["connections"]) == (2, [])


@pytest.mark.parametrize(
    ("broken", "loc", "words"),
    [
        (node("odd", "no.such"), ["type"], "no.such"),
        (node("odd", "http.request", method="POST"), ["config", "url"], "url"),
        (node("odd", "http.request", method="TELEPORT", url="https://x.example"), ["config", "method"], "GET"),
        (node("odd", "http.request", url="https://x.example", colour="red"), ["config"], "colour"),
        (node("odd", "http.request", url="https://x.example", headers=["x"]), ["config", "headers"], "object"),
        (node("odd", "set", fields={"x": "{{ payload.n + }}"}), ["config", "fields", "x"], "fields.x"),
        (node("odd", "set", fields={"x": "{{ payloud }}"}), ["config", "fields", "x"], "payload"),
        (node("odd", "set", fields={"x": "{{ nodes.nobody.n }}"}), ["config", "fields"], "nobody"),
        (node("odd", "set", fields={"x": "{{ nodes.last.n }}"}), ["config", "fields"], "last"),
        (node("odd", "set", fields={"x": "{{ item }}"}), ["config", "fields"], "for each"),
        (node("odd", "filter", condition="{{ nodes.last }}"), ["config", "condition"], "last"),
        (node("odd", "filter", condition="no expression"), ["config", "condition"], "braces"),
        (node("odd", "filter", condition={"no_such_operator": [1]}), ["config", "condition"], "no_such_operator"),
        (node("odd", "list.sort", items="{{ input }}", by="{{ nodes.last }}"), ["config", "by"], "last"),
        (node("odd", "list.filter", items="{{ input }}", condition="{{ item. }}"), ["config", "condition"], "condition"),
        (node("odd", "list.filter", items="{{ item }}", condition=True), ["config", "items"], "for each"),
        (node("odd", "delay", duration_s="soon"), ["config", "duration_s"], "number"),
        (node("odd", "delay"), ["config"], "duration_s"),
        (node("odd", "branch", cases=[{"label": "else", "condition": True}]), ["config", "cases", 0, "label"], "reserved"),
        (node("odd", "http.request", url="https://x.example", credential="{{ payload.c }}"), ["config", "credential"], "credential"),
        ({**node("odd"), "for_each": {"items": "{{ nodes.last }}"}}, ["for_each", "items"], "last"),
        ({**node("odd"), "for_each": {"items": 7}}, ["for_each", "items"], "list"),
    ],
)
async def test_each_problem_names_the_node_the_field_and_what_to_do(ada: Person, broken: Any, loc: list[Any], words: str) -> None:
    port = "else" if broken["type"] == "branch" else "main"
    body = {"name": "W", "nodes": [HOOK, broken, node("last")], "connections": wires("hook>odd", f"odd:{port}>last")}
    found = (await ada.post("/workflows", json=body))["problems"]
    assert [(problem["node"], problem["loc"]) for problem in found] == [("odd", loc)], found
    assert words in found[0]["message"]


async def test_problems_of_the_graph(ada: Person) -> None:
    async def of(nodes: list[Any], *ends: str) -> list[tuple[str | None, list[Any]]]:
        made = await ada.post("/workflows", json={"name": "W", "nodes": nodes, "connections": wires(*ends)})
        again = await ada.post(f"/workflows/{made['id']}/validate", expect=200)
        assert again["problems"] == made["problems"]
        return [(problem["node"], problem["loc"]) for problem in made["problems"]]

    cases = node("way", "branch", cases=[{"label": "big", "condition": True}])
    assert await of([HOOK, cases, node("a")], "hook>way", "way:big>a") == []
    assert await of([HOOK, cases, node("a")], "hook>way", "way:small>a") == [("way", ["connections", 1])]
    assert await of([HOOK, node("a"), node("b")], "hook>a", "a:error>b") == [("a", ["connections", 1])]
    assert await of([HOOK, {**node("a"), "on_error": "branch"}, node("b")], "hook>a", "a:error>b") == []
    assert await of([HOOK, {"key": "m", "type": "trigger.manual"}], "hook>m") == [("m", ["connections", 0])]
    assert await of([node("a")]) == [(None, ["nodes"])]
    assert await of([HOOK, {**node("a", "filter"), "disabled": True}], "hook>a") == []
    twice = [{"label": "x", "condition": True}, {"label": "x", "condition": False}]
    assert await of([HOOK, node("w", "branch", cases=twice)], "hook>w") == [("w", ["config", "cases"])]
    fits = node("f", "http.request", url="{{ payload.url }}", method="{{ payload.how }}", headers={"n": "{{ payload.n }}"})
    assert await of([HOOK, fits], "hook>f") == [], "what an expression gives is checked when it is known"
    totals = [{"name": "total", "function": "sum", "field": "{{ item.n * index }}"}, {"name": "all", "function": "count", "field": None}]
    lists = [node("s", "list.sort", items="{{ input }}"), node("a", "list.aggregate", items="{{ input }}", group_by="x", functions=totals)]
    assert await of([HOOK, *lists], "hook>s", "s>a") == [], "item and index are there for the node's own expressions"
    made = await ada.post("/workflows", json={"name": "W", "nodes": [HOOK], "settings": {"timezone": "Mars/Olympus"}})
    assert made["problems"][0]["loc"] == ["settings", "timezone"]


async def test_export_and_import_are_identical(ada: Person, bob: Person) -> None:
    credential = await ada.post("/credentials", json={"name": "C", "type": "bearer", "data": {"token": "canary-token"}})
    call = node("call", "http.request", url="https://x.example", credential=credential["id"], body={"when": "2020-01-01", "yes": "yes"})
    call |= {"retry": {"max_attempts": 2}, "pinned": [1.5, None, "{{ 7 }}"]}
    made = await ada.post(
        "/workflows", json={"name": "Grüße", "tags": ["a"], "nodes": [HOOK, call, node("x")], "connections": wires("hook>call", "call>x")}
    )
    for form, kind in (("json", "application/json"), ("yaml", "application/yaml")):
        first = await ada.send("GET", f"/workflows/{made['id']}/export?format={form}")
        assert first.headers["content-type"].startswith(kind)
        for gone in (made["id"], credential["id"], made["nodes"][0]["id"], "canary-token"):
            assert gone not in first.text
        result = await bob.post("/workflows/import", content=first.content, headers={"Content-Type": kind})
        assert (result["problems"], result["workflow"]["enabled"]) == ([], False)
        second = await bob.send("GET", f"/workflows/{result['workflow']['id']}/export?format={form}")
        assert second.text == first.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("a: &x [1]\nb: *x", 422),
        ("name: A\nname: B", 422),
        ("name: [unclosed", 400),
        ("name: !!python/object:os.system x", 400),
        ("name: A\nnodes: [{key: a, type: set, config: {x: .nan}}]", 422),
        ("[" * 300 + "]" * 300, 422),
        ("name: 2020-01-01", 201),
        ("1: 2", 422),
        ("- just\n- a list", 422),
    ],
)
async def test_yaml_is_no_more_than_json(ada: Person, body: str, status: int) -> None:
    await ada.post("/workflows/import", expect=status, content=body, headers={"Content-Type": "application/yaml"})


async def test_folders_tags_and_how_the_newest_executions_went(ada: Person, bob: Person, services: Services) -> None:
    await register(services.database)
    first = await ada.post("/workflows", json={"name": "A", "nodes": [HOOK], "tags": ["beta", "Alpha"], "folder": "Sales"})
    await ada.post("/workflows", json={"name": "B", "tags": ["beta"]})
    await ada.post(f"/workflows/{first['id']}/publish")
    assert await ada.get("/workflows/labels") == {"tags": ["Alpha", "beta"], "folders": ["Sales"]}
    assert await bob.get("/workflows/labels") == {"tags": [], "folders": []}
    assert [one["name"] for one in (await ada.get("/workflows?folder=Sales"))["items"]] == ["A"]
    assert [one["name"] for one in (await ada.get("/workflows?folder="))["items"]] == ["B"]
    for number in range(16):
        await services.database.hot.execute(
            "insert into executions (project_id, workflow_id, snapshot_id, status, trigger, input, seed, started_at, finished_at, kind)"
            " select $1, $2, snapshot_id, $3, '{}', 'null', '', now(), now() + make_interval(secs => $4), $5"
            " from versions where workflow_id = $2",
            first["project_id"],
            first["id"],
            "queued" if number == 15 else "failed" if number % 2 else "succeeded",
            None if number == 15 else float(number),
            "poll" if number == 14 else "run",
        )
    row = (await ada.get("/workflows?search=A"))["items"][0]
    runs = [(run["status"], run["ms"]) for run in row["recent"]]
    assert len(runs) == 14
    assert runs[-2:] == [("failed", 13_000), ("queued", None)], "oldest first; a poll is no run"
    assert row["last_execution"]["id"] == row["recent"][-1]["id"]


async def test_a_list_takes_as_many_statements_however_long_it_is(ada: Person, services: Services) -> None:
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    async def statements(limit: int) -> int:
        said.clear()
        assert len((await ada.get("/workflows", params={"limit": limit}))["items"]) == limit
        return len(said)

    for n in range(6):
        await ada.post("/workflows", json={"name": f"W{n}", "nodes": [HOOK]})
    event.listen(services.database.engine.sync_engine, "before_cursor_execute", hear)
    try:
        assert await statements(1) == await statements(6) > 0
    finally:
        event.remove(services.database.engine.sync_engine, "before_cursor_execute", hear)
