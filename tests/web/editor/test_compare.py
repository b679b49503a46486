"""What the editor calls a difference is what the backend calls one, up to order and empty values."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.workflows.versions import compared
from tests.web.editor.browser_modules import BrowserModules
from tests.web.editor.drawings import graphs
from trestle.contracts.graph import Graph


def plain(drawing: dict[str, Any]) -> dict[str, Any]:
    return Graph.model_validate(drawing).model_dump(mode="json")


def changes(diff: dict[str, Any]) -> tuple[set[tuple[str, str]], set[tuple[str, str, str, str]]]:
    nodes = {(node["key"], node["change"]) for node in diff["nodes"]}
    links = {(link["change"], link["source"], link["source_port"], link["target"]) for link in diff["connections"]}
    return nodes, links


@given(graphs(), graphs())
def test_both_sides_see_the_same_differences(js: BrowserModules, before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = plain(before), plain(after)
    for found in old["nodes"] + new["nodes"]:
        found["position"] = {"x": 0, "y": 0}  # the editor doesn't count it
    seen = js.call("compare.js", "compared", old, new)
    told = compared(Graph.model_validate(old), Graph.model_validate(new)).model_dump(mode="json")
    nodes, links = changes(seen)
    backend_nodes, backend_links = changes(told)
    assert links == backend_links
    assert {found for found in nodes if found[1] != "changed"} == {found for found in backend_nodes if found[1] != "changed"}
    assert nodes <= backend_nodes


@given(graphs(), graphs())
def test_both_are_drawn_in_one(js: BrowserModules, before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = plain(before), plain(after)
    drawn = js.call("compare.js", "united", old, new)
    assert {node["key"] for node in drawn["nodes"]} == {node["key"] for node in old["nodes"] + new["nodes"]}
    assert drawn["nodes"][: len(new["nodes"])] == new["nodes"]
    gone = [link for link in drawn["connections"] if link.get("mark") == "removed"]
    assert len(drawn["connections"]) == len(new["connections"]) + len(gone)


@given(st.data())
def test_a_tidied_canvas_is_no_difference(js: BrowserModules, data: st.DataObject) -> None:
    graph = plain(data.draw(graphs()))
    moved = {**graph, "nodes": [{**node, "position": {"x": 5, "y": 7}} for node in graph["nodes"]]}
    assert js.call("compare.js", "compared", graph, moved) == {"nodes": [], "connections": []}


def test_a_changed_field_is_told_with_both_values(js: BrowserModules) -> None:
    before = {"nodes": [{"key": "a", "type": "set", "config": {"x": 1, "y": {"b": 1, "a": 2}}}], "connections": []}
    after = {"nodes": [{"key": "a", "type": "set", "config": {"x": 2, "y": {"a": 2, "b": 1}}, "disabled": False}], "connections": []}
    found = js.call("compare.js", "compared", before, after)
    assert found["nodes"] == [{"key": "a", "change": "changed", "fields": [{"path": "config.x", "before": 1, "after": 2}]}]
