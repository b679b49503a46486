"""Step lists and JSON graphs through the API: what they become, what is told, and that nothing is lost on the way."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.importing import json_graphs
from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.people import Person
from trestle.contracts.graph import impossible

GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "start-1", "type": "start", "data": {"label": "Start"}, "position": {"x": 10, "y": 20}},
        {
            "id": "Branch 2",
            "type": "branch",
            "position": {"x": 200, "y": 20},
            "data": {
                "cases": [
                    {"label": "hot", "condition": {">=": [{"var": "score"}, 80]}, "next": "3"},
                    {"label": "else", "condition": {"==": [{"var": "payload.kind"}, "x"]}, "next": "wait"},
                    {"else": True, "next": "call"},
                ]
            },
        },
        {"id": "3", "type": "send_notification", "data": {"toRole": "admin", "message": "{{payload.name}} is hot"}},
        {"id": "wait", "type": "delay", "data": {"ms": 1500}},
        {
            "id": "call",
            "type": "http_call",
            "data": {
                "method": "post",
                "url": "https://example.com/{{payload.id}}",
                "headers": {"X-A": "1"},
                "body": {"n": "{{payload.n}}"},
            },
        },
    ],
    "edges": [
        {"id": "e1", "source": "start-1", "target": "Branch 2"},
        {"id": "e2", "source": "Branch 2", "target": "3"},
        {"id": "e3", "source": "wait", "target": "call", "animated": True},
    ],
    "trigger": {"==": [{"var": "type"}, "lead.created"]},
}


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


def wires(workflow: dict[str, Any]) -> set[str]:
    """Its connections as `a:port>b`."""
    return {f"{c['source']}:{c['source_port']}>{c['target']}" for c in workflow["connections"]}


def configs(workflow: dict[str, Any]) -> dict[str, Any]:
    """`[type, config]` of its nodes by key."""
    return {node["key"]: [node["type"], node["config"]] for node in workflow["nodes"]}


async def test_a_json_graph(ada: Person) -> None:
    made = await ada.post("/workflows/import", json=GRAPH)
    workflow = made["workflow"]
    assert (workflow["name"], workflow["enabled"], workflow["published_version"]) == ("Imported workflow", False, None)
    assert configs(workflow) == {
        "start_1": ["trigger.event", {"condition": {"==": [{"var": "type"}, "lead.created"]}}],
        "branch_2": [
            "branch",
            {
                "cases": [
                    {"label": "hot", "condition": {">=": [{"var": "payload.score"}, 80]}},
                    {"label": "else 2", "condition": {"==": [{"var": "payload.kind"}, "x"]}},
                ]
            },
        ],
        "node_3": ["notify", {"to_role": "admin", "message": "{{payload.name}} is hot"}],
        "wait": ["delay", {"duration_s": 1.5}],
        "call": [
            "http.request",
            {"method": "POST", "url": "https://example.com/{{payload.id}}", "headers": {"X-A": "1"}, "body": {"n": "{{payload.n}}"}},
        ],
    }
    assert wires(workflow) == {
        "start_1:main>branch_2",
        "branch_2:hot>node_3",
        "branch_2:else 2>wait",
        "branch_2:else>call",
        "wait:main>call",
    }
    assert [(loss["path"], "else 2" in loss["reason"]) for loss in made["unmapped"]] == [("nodes.1.data.cases.1.label", True)]
    nodes = {node["key"]: node for node in workflow["nodes"]}
    assert (nodes["start_1"]["name"], nodes["branch_2"]["position"]) == ("Start", {"x": 200, "y": 20})
    again = await ada.get(f"/workflows/{workflow['id']}/export")
    twice = await ada.post("/workflows/import", json=again)
    assert configs(twice["workflow"]) == configs(workflow)
    assert wires(twice["workflow"]) == wires(workflow)


async def test_a_role_that_nobody_has_is_a_problem(ada: Person, bob: Person) -> None:
    project = (await ada.post("/projects", json={"name": "Team"}))["id"]
    await ada.call("PUT", f"/projects/{project}/members/{bob.id}", json={"role": "viewer", "labels": ["AE"]})
    roles = ["AE", "ae", "Viewer", "operator", "CEO", "{{payload.role}}"]
    nodes = [{"id": f"n{n}", "type": "send_notification", "data": {"toRole": role, "message": "!"}} for n, role in enumerate(roles)]
    made = await ada.post(f"/workflows/import?project_id={project}", json={"nodes": nodes, "edges": []})
    told = [(problem["node"], problem["message"]) for problem in made["problems"] if "to_role" in problem["loc"]]
    assert [node for node, _ in told] == ["n3", "n4"]
    assert "“CEO”" in told[1][1]


async def test_a_step_list(ada: Person) -> None:
    steps = [
        {"type": "filter_node", "config": {"condition": "payload.score > 50"}},
        {
            "type": "http_request_node",
            "config": {"method": "PUT", "url": "https://example.com", "headers": {"A": "b"}, "json_body": {"x": ["{{ payload.x }}", 1]}},
        },
        {"type": "filter_node", "config": {"condition": {"==": [{"var": "kind"}, "a"]}}},
        {"type": "http_request_node", "config": {"method": "GET", "url": "https://example.com/{{payload.id}}"}},
    ]
    made = await ada.post("/workflows/import", json={"name": "Steps", "definition": {"steps": steps}})
    workflow = made["workflow"]
    assert (workflow["name"], workflow["enabled"], made["unmapped"], made["problems"]) == ("Steps", False, [], [])
    assert configs(workflow) == {
        "hook": ["trigger.webhook", {}],
        "filter_1": ["filter", {"condition": "{{ payload.score > 50 }}"}],
        "request_2": [
            "http.request",
            {"method": "PUT", "url": "https://example.com", "headers": {"A": "b"}, "body": {"x": ["{{ payload.x }}", 1]}},
        ],
        "filter_3": ["filter", {"condition": {"==": [{"var": "payload.kind"}, "a"]}}],
        "request_4": ["http.request", {"method": "GET", "url": "https://example.com/{{payload.id}}"}],
    }
    assert wires(workflow) == {"hook:main>filter_1", "filter_1:main>request_2", "request_2:main>filter_3", "filter_3:main>request_4"}
    assert len({(node["position"]["x"], node["position"]["y"]) for node in workflow["nodes"]}) == 5
    await ada.post(f"/workflows/{workflow['id']}/publish")


async def test_what_finds_no_place_in_a_step_list_is_told(ada: Person) -> None:
    steps: list[Any] = [
        {"type": "send_fax", "config": {"to": 1}},
        "nothing",
        {"type": "http_request_node", "config": {"method": "BREW", "url": "x", "headers": {"A": ["b"]}, "retries": 3}, "when": 1},
        {"type": "filter_node", "config": {"condition": "score > 50"}},
        {"type": "filter_node"},
    ]
    made = await ada.post("/workflows/import", json={"name": "Steps", "definition": {"steps": steps, "version": 2}, "active": True})
    assert sorted(loss["path"] for loss in made["unmapped"]) == [
        "active",
        "definition.steps.0.type",
        "definition.steps.1",
        "definition.steps.2.config.headers.A",
        "definition.steps.2.config.method",
        "definition.steps.2.config.retries",
        "definition.steps.2.when",
        "definition.steps.3.config.condition",
        "definition.steps.4.config.condition",
        "definition.version",
    ]
    assert {"Step 1", "Step 3 › headers › A", "Version", "Active"} <= {loss["where"] for loss in made["unmapped"]}
    assert configs(made["workflow"])["send_fax_1"] == ["send_fax", {"to": 1}], "its place is kept"
    assert {problem["node"] for problem in made["problems"]} >= {"send_fax_1", "filter_4", "filter_5"}
    assert len(wires(made["workflow"])) == 4


async def test_what_finds_no_place_in_a_graph_is_told(ada: Person) -> None:
    def case(**values: Any) -> dict[str, Any]:
        return {"condition": True, **values}

    graph = {
        "name": "Odd",
        "id": 7,
        "trigger": "always",
        "nodes": [
            {"id": "s", "type": "start"},
            {"id": "s2", "type": "start", "data": {"cron": "* * * * *"}},
            {
                "id": "b",
                "type": "branch",
                "data": {"cases": [case(next="gone"), case(label="x" * 101, next=["d", "s"]), "no", case(condition=3)]},
            },
            {"id": "d", "type": "delay", "data": {"ms": "soon", "jitter": 1}},
            {"id": "d", "type": "delay", "data": {"ms": 1}},
            {"id": "f", "type": "fax", "data": {"to": "x"}},
            {"type": "delay"},
            7,
            {"id": "h", "type": "http_call", "data": []},
        ],
        "edges": [
            {"source": "s", "target": "b"},
            {"source": "d", "target": "f", "condition": 1},
            {"source": "f", "target": "d"},
            {"source": "f", "target": "s"},
            {"source": "f", "target": "gone"},
            {"source": "b", "target": "f"},
            {"source": "b", "target": "h", "sourceHandle": "case 1"},
            {"source": "s2", "target": "h"},
            "no",
        ],
    }
    made = await ada.post("/workflows/import", json=graph)
    assert sorted(loss["path"] for loss in made["unmapped"]) == sorted(
        [
            "id", "trigger", "nodes.1.data.cron", "nodes.2.data.cases.0.next", "nodes.2.data.cases.1.next", "nodes.2.data.cases.1.label",
            "nodes.2.data.cases.2", "nodes.2.data.cases.3.condition", "nodes.3.data.ms", "nodes.3.data.jitter", "nodes.4", "nodes.5.type",
            "nodes.6", "nodes.7", "nodes.8.data", "edges.1.condition", "edges.2", "edges.3", "edges.4", "edges.5", "edges.8",
        ]
    )  # fmt: skip
    told = {loss["where"].partition("xx")[0] for loss in made["unmapped"]}
    assert told >= {
        "Trigger",
        "Node “b” › Case “",
        "Node “b” › Case 3",
        "Node “d” › ms",
        "Node “f”",
        "Node 7",
        "Edge 2 › condition",
        "Edge 9",
    }
    assert made["workflow"]["name"] == "Odd"
    assert {"s:main>b", "d:main>f", "s:main>h", "b:case 1>h"} <= wires(made["workflow"])


async def test_a_graph_without_start_begins_where_nothing_leads_to(ada: Person) -> None:
    delays = [{"id": name, "type": "delay", "data": {"ms": "{{payload.ms}}"}} for name in "abc"]
    made = await ada.post("/workflows/import", json={"nodes": delays, "edges": [{"source": "a", "target": "b"}]})
    assert wires(made["workflow"]) == {"a:main>b", "start:main>a", "start:main>c"}
    assert configs(made["workflow"])["start"] == ["trigger.webhook", {}]
    assert configs(made["workflow"])["a"] == ["delay", {"duration_s": "{{ payload.ms / 1000 }}"}]
    assert made["unmapped"] == []


async def test_edges_of_a_branch_say_which_case_they_mean(ada: Person) -> None:
    cases = [{"label": "a", "condition": {"var": "x"}}, {"label": "b", "condition": {"var": "y"}}, {"else": True}]
    graph = {
        "nodes": [
            {"id": "b", "type": "branch", "data": {"cases": cases}},
            *({"id": f"d{n}", "type": "delay", "data": {"ms": 0}} for n in "123"),
        ],
        "edges": [
            {"source": "b", "target": "d1", "sourceHandle": "a"},
            {"source": "b", "target": "d2", "label": "b"},
            {"source": "b", "target": "d3", "sourceHandle": "else"},
        ],
    }
    made = await ada.post("/workflows/import", json={"name": "G", "definition": graph})
    assert wires(made["workflow"]) == {"start:main>b", "b:a>d1", "b:b>d2", "b:else>d3"}
    assert made["unmapped"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Steps", "definition": {"steps": [{"type": "filter_node"}] * 500}},
        {"nodes": [{"id": f"n{n}", "type": "delay"} for n in range(500)], "edges": []},
        {"nodes": [], "edges": [{}] * 5001},
        {"name": "Steps", "definition": {}},
        [],
        7,
        {},
    ],
)
async def test_what_is_no_import(ada: Person, body: Any) -> None:
    before = (await ada.get("/workflows"))["items"]
    await ada.post("/workflows/import", expect=422, json=body)
    assert (await ada.get("/workflows"))["items"] == before


IDS = st.sampled_from(["a", "A", "b", "Ä", "1", "start", "a_2", "x" * 80, 7])
KINDS = st.sampled_from(["start", "delay", "branch", "send_notification", "http_call", "other", "", None])
CASES = st.lists(st.fixed_dictionaries({"next": IDS}, optional={"label": st.text(max_size=3), "else": st.booleans()}), max_size=3)
NODES = st.lists(
    st.fixed_dictionaries({"id": IDS, "type": KINDS, "data": st.fixed_dictionaries({}, optional={"cases": CASES, "ms": st.integers()})}),
    max_size=8,
)
EDGES = st.lists(st.fixed_dictionaries({"source": IDS, "target": IDS}), max_size=12)


@given(NODES, EDGES)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # how fast inputs are made says how busy the machine is
def test_whatever_it_says_it_becomes_a_possible_graph_or_is_told(nodes: list[Any], edges: list[Any]) -> None:
    sheet = json_graphs.drawn({"nodes": nodes, "edges": edges}, "x")
    connections = sheet.connections()
    sheet.arrange()
    assert impossible(sheet.nodes, connections) == []
    told = {loss.path for loss in sheet.unmapped}
    ends = {(c.source, c.target) for c in connections}
    keys = json_graphs._Drawing({"nodes": nodes, "edges": edges}, "x")._keys
    drawn = [(keys.get(str(edge["source"])), keys.get(str(edge["target"]))) for edge in edges]
    refused = {both for place, both in enumerate(drawn) if f"edges.{place}" in told}  # what is drawn twice is told of once
    for both in drawn:
        assert both in ends or both in refused or both[0] == both[1]
    assert {node.key for node in sheet.nodes} >= set(keys.values())
