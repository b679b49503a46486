"""What a conflict's two ways out do, and what a past run becomes in the draft: pins; and two runs side by side."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from tests.web.editor.browser_modules import BrowserModules
from trestle.contracts.executions import Execution, Step, StepError
from trestle.contracts.states import ExecutionStatus, StepStatus
from web.editor.comparing import compared, pins
from web.editor.values import WHOLE_BYTES


def node(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "set", "config": {}, "position": {"x": 0, "y": 0}, **more}


def graph(nodes: list[dict[str, Any]], *links: tuple[str, str]) -> dict[str, Any]:
    return {"nodes": nodes, "connections": [{"source": a, "source_port": "main", "target": b} for a, b in links]}


def step(key: str, output: Any, status: StepStatus = StepStatus.SUCCEEDED, **more: Any) -> Step:
    return Step(**{"id": uuid4(), "node": key, "type": "set", "status": status, "attempt": 1, "port": "main", "output": output, **more})


def test_keeping_mine_brings_back_what_another_deleted(js: BrowserModules) -> None:
    local = graph([node("a"), node("b", config={"x": 2}), node("c")], ("a", "b"), ("b", "c"))
    now = graph([node("a"), node("d")])
    mine: list[dict[str, Any]] = [
        {"id": "1", "op": "configure_node", "key": "b", "fields": {"config": {"x": 2}}},
        {"id": "2", "op": "configure_node", "key": "a", "fields": {"name": "A"}},
        {"id": "3", "op": "connect", "source": "a", "source_port": "main", "target": "c"},
        {"id": "4", "op": "rename_node", "key": "c", "new_key": "d"},
    ]
    found = js.call("mending.js", "again", local, now, mine)
    assert [operation["op"] for operation in found] == ["add_node", "connect", "configure_node"]
    assert found[0]["node"]["config"] == {"x": 2}
    assert (found[1]["source"], found[1]["target"]) == ("a", "b")
    after = js.call("graph.js", "applyAll", now, found)
    assert [one["key"] for one in after["nodes"]] == ["a", "d", "b"]
    assert js.call("mending.js", "again", local, local, mine[:2]) == [{k: v for k, v in one.items() if k != "id"} for one in mine[:2]]


def test_pins_say_what_they_replace(js: BrowserModules) -> None:
    now = graph([node("a", pinned=1), node("b", pinned={"x": 1}), node("c")])
    found = js.call("mending.js", "pinned", now, {"a": 2, "b": {"x": 1}, "c": [], "gone": 0})
    assert (found["replaced"], found["gone"]) == (["a"], ["gone"])
    assert [(one["key"], one["fields"]["pinned"]) for one in found["operations"]] == [("a", 2), ("b", {"x": 1}), ("c", [])]


def test_a_run_becomes_pins_but_for_what_decides_and_what_is_too_large() -> None:
    run = Execution(
        id=UUID(int=9),
        project_id=UUID(int=1),
        workflow_id=None,
        version=None,
        status=ExecutionStatus.FAILED,
        trigger={},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        input=5,
    )
    steps = [
        step("start", 5, type="trigger.manual"),
        step("call", None, StepStatus.FAILED, port=None),
        step("call", {"a": 1}, attempt=2),
        step("which", {"a": 1}, port="true"),
        step("each", "item", item=0),
        step("big", "x" * WHOLE_BYTES),
        step("broken", None, StepStatus.FAILED, port=None),
    ]
    found = pins(run, steps)
    assert (found["input"], found["pins"]) == (5, {"call": {"a": 1}})
    assert [one["node"] for one in found["left"]] == ["which", "big"]


def test_two_runs_side_by_side() -> None:
    mine = [step("a", 1), step("b", 1), step("c", 1), step("d", None, StepStatus.SKIPPED, port=None)]
    theirs = [step("a", 1), step("b", 2), step("c", None, StepStatus.SKIPPED, port=None), step("d", 1), step("e", 1)]
    marks = {key: found["mark"] for key, found in compared(mine, theirs).items()}
    assert marks == {"a": "same", "b": "changed", "c": "added", "d": "removed", "e": "removed"}
    assert compared(mine, [])["a"]["theirs"] is None


def test_two_failures_of_one_node_differ_by_their_errors() -> None:
    def failed(message: str) -> list[Step]:
        return [step("a", None, StepStatus.FAILED, port=None, error=StepError(type="HttpError", message=message))]

    assert compared(failed("404"), failed("404"))["a"]["mark"] == "same"
    found = compared(failed("404"), failed("503"))["a"]
    assert (found["mark"], found["mine"]["error"]["message"], found["theirs"]["error"]["message"]) == ("changed", "404", "503")


def test_a_pin_is_begun_with_all_that_was_put_out_where_that_is_here(js: BrowserModules) -> None:
    whole = {"value": list(range(30)), "cuts": {}, "files": []}
    begun = {"value": list(range(20)), "partial": True}
    assert js.call("mending.js", "pinBegun", 0, whole, [1]) == {"value": 0, "partial": False}
    assert js.call("mending.js", "pinBegun", None, whole, list(range(20))) == {"value": list(range(30)), "partial": False}
    for output in (None, {**whole, "cuts": {"": 5000}}, {**whole, "files": [{"pointer": "/0"}]}, {**whole, "value": None}):
        assert js.call("mending.js", "pinBegun", None, output, list(range(20))) == begun
    assert js.call("mending.js", "pinBegun", None, None, None) == {"value": {}, "partial": False}
