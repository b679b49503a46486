"""What the editor gets of recorded data: the shape of it, small; and what a node sees is what the language would see."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from tests.web.editor.browser_modules import BrowserModules
from trestle.contracts.executions import Execution, Step
from trestle.contracts.states import ExecutionStatus, StepStatus
from web.editor.samples import lengths, recorded, sample, shortened

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def step(node: str, output: Any, **fields: Any) -> Step:
    given = {"id": UUID(int=1), "node": node, "type": "set", "status": StepStatus.SUCCEEDED, "attempt": 1, "port": "main", "output": output}
    return Step(**{**given, **fields})


def test_large_values_keep_their_shape_and_lose_their_length() -> None:
    value = {"list": [{"text": "x" * 1000}] * 1000, "deep": [[[[[[[[[[1]]]]]]]]]]}
    cut = sample(value)
    assert len(cut["list"]) == 20
    assert len(cut["list"][0]["text"]) == 301
    assert len(orjson.dumps(cut)) < 10_000
    assert list(lengths(value)) == [[["list"], 1000]]
    assert len(orjson.dumps(shortened({"value": list(range(100_000))}))) < 200
    assert shortened({"error": {"message": "no"}}) == {"error": {"message": "no"}}


def test_recorded_data_is_that_of_the_last_attempts(js: BrowserModules) -> None:
    run = Execution(
        id=UUID(int=9),
        project_id=UUID(int=1),
        workflow_id=None,
        version=None,
        status=ExecutionStatus.FAILED,
        trigger={"kind": "manual"},
        created_at=NOW,
        input=list(range(30)),
    )
    steps = [
        step("start", 5),
        step("call", None, status=StepStatus.FAILED, port=None),
        step("call", {"a": 1}, attempt=2),
        step("each", "item", item=0),
    ]
    found = recorded(run, steps)
    assert found["nodes"] == {"start": {"port": "main", "output": 5}, "call": {"port": "main", "output": {"a": 1}}}
    assert found["lengths"] == [[["payload"], 30]]
    nodes = [{"key": key} for key in ("start", "call", "other", "end")]
    nodes[2]["pinned"] = "pinned"
    links = [("start", "call"), ("start", "other"), ("call", "end"), ("other", "end")]
    graph = {"nodes": nodes, "connections": [{"source": a, "source_port": "main", "target": b} for a, b in links]}
    scope = js.call("scope.js", "scopeOf", found, graph, "end")
    assert scope["payload"] == list(range(20))
    assert scope["input"] == {"call": {"a": 1}, "other": "pinned"}
    assert set(scope["nodes"]) == {"start", "call", "other"}
    assert js.call("scope.js", "scopeOf", found, graph, "call")["input"] == 5
    assert js.call("scope.js", "scopeOf", None, graph, "call")["payload"] is None


def test_before_the_first_run_the_test_input_is_what_a_trigger_hands_on(js: BrowserModules) -> None:
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "trigger.manual"}, {"key": "each", "type": "set"}]
    graph = {"nodes": nodes, "connections": [{"source": "start", "source_port": "main", "target": "each"}]}
    trial = {"rows": [{"n": 1}, {"n": 2}]}
    scope = js.call("scope.js", "scopeOf", None, graph, "each", trial)
    assert scope["payload"] == scope["input"] == scope["nodes"]["start"] == trial
    assert "item" not in scope
    run = {"execution_id": "e", "payload": 5, "nodes": {}}
    assert js.call("scope.js", "scopeOf", run, graph, "each", trial)["payload"] == 5
    for items in ("{{ payload.rows }}", "{{ nodes['start'].rows }}", [{"n": 1}]):
        nodes[1]["for_each"] = {"items": items}
        assert js.call("scope.js", "scopeOf", None, graph, "each", trial)["item"] == {"n": 1}
    nodes[1]["for_each"] = {"items": "{{ payload.rows|reverse }}"}
    assert js.call("scope.js", "scopeOf", None, graph, "each", trial)["item"] is None


def test_where_nothing_is_known_yet_that_is_said(js: BrowserModules) -> None:
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "trigger.manual"}, {"key": "each", "type": "set"}]
    graph = {"nodes": nodes, "connections": [{"source": "start", "source_port": "main", "target": "each"}]}
    assert js.call("scope.js", "isBare", None, graph, "each") is True
    assert js.call("scope.js", "isBare", None, graph, "each", {"a": 1}) is False
    assert js.call("scope.js", "isBare", {"execution_id": "e"}, graph, "each") is False
    nodes[1]["pinned"] = 5
    assert js.call("scope.js", "isBare", None, graph, "each") is True
    nodes[0]["pinned"] = 5
    assert js.call("scope.js", "isBare", None, graph, "each") is False


def test_nodes_are_called_by_their_names_and_triggers_offered_in_the_order_of_use(js: BrowserModules) -> None:
    order = ["manual", "webhook", "schedule", "event", "error", "workflow"]
    catalogue = {
        name: {"type": f"trigger.{name}", "group": "Triggers", "title": name.title(), "description": ""} for name in sorted(order)
    } | {"set": {"type": "set", "group": "Data", "title": "Set", "description": ""}}
    assert [type_["type"] for type_ in js.call("offered.js", "found", catalogue, "")] == [f"trigger.{name}" for name in order] + ["set"]
    graph = {"nodes": [{"key": "a", "type": "set", "name": "Shape it"}, {"key": "b", "type": "set"}, {"key": "c", "type": "gone"}]}
    state = {"graph": graph, "catalogue": catalogue}
    assert [js.call("summary.js", "nameOf", state, key) for key in ("a", "b", "c", "d", None)] == ["Shape it", "Set", "c", "d", ""]
