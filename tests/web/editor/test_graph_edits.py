"""What the browser does to a graph: every edit can be taken back, none makes it impossible, and the contracts agree."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web.editor.browser_modules import BrowserModules
from tests.web.editor.drawings import KEYS, Drawing, edits, graphs, links
from trestle.contracts.graph import Connection, Graph, Node, impossible
from trestle.language.renaming import renamed

KEY = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


def canonical(graph: Drawing) -> Any:
    """A graph without the order of its parts, and without fields at their defaults."""
    nodes = {node["key"]: Node.model_validate(node).model_dump(mode="json") for node in graph["nodes"]}
    return nodes, sorted((link["source"], link["source_port"], link["target"]) for link in graph["connections"])


def problems(graph: Drawing) -> list[str]:
    whole = Graph.model_validate(graph)
    return [problem.message for problem in impossible(whole.nodes, whole.connections)]


@settings(max_examples=120, deadline=None)
@given(data=st.data(), graph=graphs())
def test_a_sequence_of_edits_is_taken_back_by_its_inverse(js: BrowserModules, data: st.DataObject, graph: Drawing) -> None:
    current, done = graph, []
    for _ in range(data.draw(st.integers(1, 4))):
        operation = data.draw(edits(current))
        current = js.call("graph.js", "apply", current, operation)
        done.append(operation)
        assert problems(current) == []
    back = js.call("graph.js", "invertAll", graph, done)
    assert canonical(js.call("graph.js", "applyAll", current, back)) == canonical(graph)


@settings(max_examples=120, deadline=None)
@given(one=graphs(), other=graphs())
def test_any_graph_is_made_of_any_other_and_is_possible_on_the_way(js: BrowserModules, one: Drawing, other: Drawing) -> None:
    current = one
    for operation in js.call("turning.js", "turned", one, other):
        after = js.call("graph.js", "apply", current, operation)
        assert canonical(after) != canonical(current), "every operation does something"
        assert problems(after) == []
        current = after
    assert canonical(current) == canonical(other)


@settings(max_examples=120, deadline=None)
@given(graph=graphs(), link=links)
def test_a_connection_is_refused_exactly_where_the_draft_would_be_impossible(js: BrowserModules, graph: Drawing, link: Drawing) -> None:
    reason = js.call("graph.js", "refusal", graph, link)
    with_it = {**graph, "connections": [*graph["connections"], link]}
    assert (reason is not None) == bool(problems(with_it)), (reason, problems(with_it))


def test_nothing_leads_into_a_trigger(js: BrowserModules) -> None:
    graph = {"nodes": [{"key": "a", "type": "set"}, {"key": "b", "type": "trigger.webhook"}], "connections": []}
    reason = js.call("graph.js", "refusal", graph, {"source": "a", "target": "b"}, {"trigger.webhook": {"inputs": []}})
    assert "trigger" in reason


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), chosen=st.lists(st.sampled_from(KEYS), unique=True))
def test_what_is_copied_can_be_pasted_under_fresh_keys(js: BrowserModules, graph: Drawing, chosen: list[str]) -> None:
    text = js.call("graph.js", "copied", graph, chosen)
    fragment = js.call("graph.js", "parseCopied", text)
    here = [node for node in graph["nodes"] if node["key"] in chosen]
    if not here:
        assert fragment is None
        return
    pasted = js.call("graph.js", "pasted", graph, fragment)
    whole = js.call("graph.js", "applyAll", graph, pasted["operations"])
    inner = [link for link in graph["connections"] if link["source"] in chosen and link["target"] in chosen]
    assert len(whole["nodes"]) == len(graph["nodes"]) + len(here)
    assert len(whole["connections"]) == len(graph["connections"]) + len(inner)
    assert problems(whole) == []
    assert not {node["key"] for node in graph["nodes"]} & set(pasted["keys"])
    copies = [node["config"] for node in here]
    for old, new in zip([node["key"] for node in here], [f"{'x' * 64}{key}" for key in pasted["keys"]], strict=True):
        copies = [renamed(config, old, new) for config in copies]
    copies = json.loads(json.dumps(copies).replace("x" * 64, ""))
    assert [node["config"] for node in whole["nodes"][-len(here) :]] == copies, "what names a node of the copy names the copied one"


@settings(max_examples=100, deadline=None)
@given(wish=st.text(max_size=80))
def test_a_key_can_be_made_from_any_text(js: BrowserModules, wish: str) -> None:
    assert KEY.match(_fresh(js, [], wish))


def _fresh(js: BrowserModules, taken: list[str], wish: str) -> str:
    nodes = [{"key": key, "type": "set", "name": "", "config": {}, "position": {"x": 0, "y": 0}} for key in taken]
    fragment = {"nodes": [{"key": wish, "type": "set"}], "connections": []}
    return str(js.call("graph.js", "pasted", {"nodes": nodes, "connections": []}, fragment)["keys"][0])


def test_keys_are_made_from_types_and_counted(js: BrowserModules) -> None:
    assert _fresh(js, [], "trigger.webhook") == "webhook"
    assert _fresh(js, [], "http.request") == "http_request"
    assert _fresh(js, ["http_request"], "http.request") == "http_request_2"
    assert _fresh(js, ["filter", "filter_2"], "filter_2") == "filter_3"


def test_an_exported_workflow_can_be_pasted_and_other_texts_can_not(js: BrowserModules) -> None:
    exported = {"name": "Hot lead", "nodes": [{"key": "hook", "type": "trigger.webhook"}], "connections": [], "settings": {}}
    assert js.call("graph.js", "parseCopied", json.dumps(exported))["nodes"][0]["key"] == "hook"
    for text in ("", "hello", "[]", '{"nodes": []}', '{"nodes": [1]}', "null"):
        assert js.call("graph.js", "parseCopied", text) is None


def test_copies_whose_keys_change_places_name_each_other(js: BrowserModules) -> None:
    graph = {"nodes": [{"key": "a", "type": "set", "config": {}, "position": {"x": 0, "y": 0}}], "connections": []}
    nodes = [
        {"key": key, "type": "set", "config": {"fields": {"x": f"{{{{ nodes.{other}.x }}}}"}}}
        for key, other in (("a_3", "a_2"), ("a_2", "a_3"))
    ]
    pasted = js.call("graph.js", "pasted", graph, {"nodes": nodes, "connections": []})
    assert pasted["keys"] == ["a_2", "a_3"]
    assert [one["node"]["config"]["fields"]["x"] for one in pasted["operations"]] == ["{{ nodes.a_3.x }}", "{{ nodes.a_2.x }}"]


def test_a_document_from_elsewhere_is_known(js: BrowserModules) -> None:
    document = {"nodes": [{"name": "Call", "parameters": {}}, {"id": "wait", "data": {}}], "connections": {}}
    for text in (json.dumps(document), '{"definition": {"steps": []}}', "trestle: 1\nname: W\n"):
        assert js.call("elsewhere.js", "maybeDocument", text)
    for text in ("", "a shopping list", "{nodes: []}", "null", '{"a": 1}', "my nodes: none"):
        assert not js.call("elsewhere.js", "maybeDocument", text)


def test_ports_come_from_the_cases_before_else_and_error_last(js: BrowserModules) -> None:
    branch = {"outputs": ["else"], "ports_from": "cases"}
    node = {"config": {"cases": [{"label": "large"}, {"label": ""}, {"condition": "x"}, {"label": "small"}]}, "on_error": "branch"}
    assert js.call("graph.js", "portsOf", branch, node) == ["large", "small", "else", "error"]
    assert js.call("graph.js", "portsOf", None, {"config": {}}) == ["main"]


def test_renaming_takes_the_connections_along(js: BrowserModules) -> None:
    graph = {
        "nodes": [{"key": "a", "type": "set"}, {"key": "b", "type": "set"}],
        "connections": [{"source": "a", "source_port": "main", "target": "b"}],
    }
    renamed = js.call("graph.js", "apply", graph, {"op": "rename_node", "key": "a", "new_key": "first"})
    assert [Connection.model_validate(link) for link in renamed["connections"]] == [Connection(source="first", target="b")]


RENAMED = [
    ("{{ nodes.old.body }}", "{{ nodes.new.body }}"),
    ("Dear {{ nodes.old.name }}, {{ nodes['old'].x + nodes.older.x }}", "Dear {{ nodes.new.name }}, {{ nodes['new'].x + nodes.older.x }}"),
    ("{% for row in nodes.old %}{{ row.old }}{% endfor %}", "{% for row in nodes.new %}{{ row.old }}{% endfor %}"),
    ("{{ {'a': {'nodes.old': nodes.old}} }}", "{{ {'a': {'nodes.old': nodes.new}} }}"),
    ("see nodes.old", "see nodes.old"),
    ("{{ payload.nodes.old ~ 'nodes.old' }}", "{{ payload.nodes.old ~ 'nodes.old' }}"),
    ("{{ nodes.old", "{{ nodes.new"),
    ({"condition": {"==": [{"var": "nodes.old.n"}, "nodes.old"]}}, {"condition": {"==": [{"var": "nodes.new.n"}, "nodes.old"]}}),
    ({"condition": {"missing": ["nodes.old.n", "nodes.other"]}}, {"condition": {"missing": ["nodes.new.n", "nodes.other"]}}),
    ({"var": "nodes.old"}, {"var": "nodes.old"}),
]


@pytest.mark.parametrize(("before", "after"), RENAMED)
def test_expressions_follow_a_node_that_gets_another_key(js: BrowserModules, before: Any, after: Any) -> None:
    assert renamed(before, "old", "new") == after
    assert js.call("renaming.js", "renamed", before, "old", "new") == after


def test_what_a_node_can_see_is_named_nearest_first(js: BrowserModules) -> None:
    links_ = [("a", "b"), ("b", "c"), ("x", "c"), ("c", "d")]
    graph = {"nodes": [], "connections": [{"source": one, "source_port": "main", "target": two} for one, two in links_]}
    assert js.call("graph.js", "upstream", graph, "d") == ["c", "b", "x", "a"]


def test_the_arrows_go_to_the_nearest_node_that_lies_that_way(js: BrowserModules) -> None:
    places = {"a": (0, 0), "b": (300, -60), "c": (300, 80), "d": (600, 0), "under": (20, 100)}
    graph = {"nodes": [{"key": key, "position": {"x": x, "y": y}} for key, (x, y) in places.items()], "connections": []}

    def way(key: str, dx: int, dy: int) -> str | None:
        found: str | None = js.call("outline.js", "neighbour", graph, key, dx, dy)
        return found

    assert [way("a", 1, 0), way("b", 1, 0), way("d", 1, 0)] == ["b", "d", None]
    assert [way("d", -1, 0), way("b", -1, 0), way("a", -1, 0)] == ["b", "a", None]
    assert [way("a", 0, 1), way("b", 0, 1), way("under", 0, -1), way("d", 0, 1)] == ["under", "c", "a", None]


def test_tab_goes_from_first_to_last_whatever_leads_in_a_circle_or_to_what_is_gone(js: BrowserModules) -> None:
    keys = ["last", "first", "second", "loop", "back"]
    ends = [("first", "second"), ("second", "last"), ("second", "gone"), ("loop", "back"), ("back", "loop")]
    nodes = [{"key": key, "position": {"x": 300 * at, "y": 0}} for at, key in enumerate(keys)]
    graph = {"nodes": nodes, "connections": [{"source": source, "source_port": "main", "target": target} for source, target in ends]}
    assert [node["key"] for node in js.call("outline.js", "inOrder", graph)] == ["first", "second", "last", "loop", "back"]


def test_a_new_note_lies_where_no_card_hides_it(js: BrowserModules) -> None:
    view = {"left": -500, "top": -400, "right": 500, "bottom": 400}
    middle = {"x": -120, "y": -80}
    assert js.call("places.js", "uncovered", [], middle, view) == middle
    cards: list[dict[str, Any]] = [{"key": "a", "type": "set", "position": {"x": -100, "y": -32}}]
    place = js.call("places.js", "uncovered", cards, middle, view)
    assert place["y"] + 160 <= -32 or place["y"] >= 32 or place["x"] + 240 <= -100 or place["x"] >= 124
    # No room at all: in the middle.
    cards = [{"key": f"c{x}{y}", "type": "set", "position": {"x": x, "y": y}} for x in range(-600, 600, 220) for y in range(-400, 400, 60)]
    assert js.call("places.js", "uncovered", cards, middle, view) == middle
