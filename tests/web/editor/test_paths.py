"""Paths into data: what is being typed, what there is, and how a path is written, so that the language reads it as meant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.editor.browser_modules import BrowserModules
from trestle.language import Scope, compile_config
from trestle.language.filters import FILTERS

DATA: dict[str, Any] = {
    "payload": {"name": "Ada", "orders": [{"id": 1}, {"id": 2}], "first name": "A"},
    "nodes": {"fetch": {"status": 200, "body": None}},
}


@pytest.mark.parametrize(
    ("text", "path", "typed"),
    [
        ("{{ pay", [], "pay"),
        ("{{ payload.", ["payload"], ""),
        ("Dear {{ payload.na", ["payload"], "na"),
        ("{{ payload.orders[0].", ["payload", "orders", 0], ""),
        ('{{ nodes["fetch"].st', ["nodes", "fetch"], "st"),
        ("{{ 1 + payload.sc", ["payload"], "sc"),
        ("{{ (payload.sc", ["payload"], "sc"),
        ("{{ a.b }} and {{ nodes.fe", ["nodes"], "fe"),
        ("{{ ", [], ""),
    ],
)
def test_what_is_being_typed(js: BrowserModules, text: str, path: list[Any], typed: str) -> None:
    found = js.call("paths.js", "typing", text, len(text))
    assert (found["path"], found["typed"], found["from"]) == (path, typed, len(text) - len(typed))


@pytest.mark.parametrize("text", ["payload.", "{{ payload }} x.", '{{ "payload.', "{{ 'it.", "{{ payload.orders[0]", "{{ 3.", "{{ ."])
def test_where_nothing_is_being_typed(js: BrowserModules, text: str) -> None:
    assert js.call("paths.js", "typing", text, len(text)) is None


@pytest.mark.parametrize(
    ("path", "typed", "names"),
    [
        ([], "", ["payload", "nodes"]),
        ([], "no", ["nodes"]),
        (["payload"], "na", ["name", "first name"]),  # what begins so comes first
        (["payload", "orders"], "", ["0", "1"]),
        (["payload", "name"], "", []),
        (["nodes", "fetch"], "bo", ["body"]),
        (["nodes", "gone"], "", []),
    ],
)
def test_what_may_stand_next(js: BrowserModules, path: list[Any], typed: str, names: list[str]) -> None:
    assert [found["name"] for found in js.call("paths.js", "completions", DATA, {"path": path, "typed": typed})] == names


@pytest.mark.parametrize(
    ("text", "choice", "after"),
    [
        ("{{ payload.na", ["payload", "name"], "{{ payload.name"),
        ("{{ payload.fi", ["payload", "first name"], '{{ payload["first name"]'),
        ("{{ payload.orders.", ["payload", "orders", 0], "{{ payload.orders[0]"),
        ("{{ no", ["nodes"], "{{ nodes"),
    ],
)
def test_a_completion_takes_the_place_of_what_was_typed(js: BrowserModules, text: str, choice: list[Any], after: str) -> None:
    at = js.call("paths.js", "typing", text, len(text))
    change = js.call("paths.js", "completed", text, len(text), at, {"path": choice})
    assert text[: change["from"]] + change["insert"] == after


KEYS = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\"'\\{}%#"), min_size=1, max_size=8)


@given(KEYS, KEYS, st.integers(0, 2))
def test_a_written_path_is_what_the_language_reads(js: BrowserModules, first: str, second: str, index: int) -> None:
    path = ["payload", first, index, second]
    value = {first: [{second: f"found {place}"} for place in range(3)]}
    written = js.call("paths.js", "written", path)
    assert compile_config({"x": "{{ " + written + " }}"}).render(Scope(payload=value))["x"] == f"found {index}"
    assert js.call("paths.js", "steps", written) == path


def filters(js: BrowserModules, text: str) -> list[str]:
    found = js.call("filters.js", "piping", text, len(text))
    return [] if found is None else [one["name"] for one in js.call("filters.js", "filtersFor", DATA, found)]


def test_filters_are_offered_after_a_bar_and_those_first_that_fit(js: BrowserModules) -> None:
    assert set(js.call("filters.js", "names")) == {*FILTERS, "default"} - {"count", "e"}
    assert filters(js, "Dear {{ payload.name | up") == ["upper", "groupby"]
    assert filters(js, "{{ payload.orders|")[:3] == ["length", "first", "last"]
    assert filters(js, "{{ payload.orders | l")[0] == "length"  # not `lower`, which would fail on a list
    assert filters(js, "{{ payload.name | l")[0] == "lower"
    assert filters(js, "{{ payload.orders | map(attribute='id') | s")[:3] == ["selectattr", "select", "sort"]
    for text in ("payload.name | up", "{{ 'a | b", "{{ payload.name || ", "{{ | ", "{{ payload.name }} | ", "{{ payload.name.up"):
        assert filters(js, text) == []


@pytest.mark.parametrize(
    ("call", "typed_over"),
    [("join(', ')", ", "), ("map(attribute='name')", "name"), ("round(2)", "2"), ("default('-')", "-"), ("upper", "")],
)
def test_the_argument_of_a_filter_is_ready_to_be_typed_over(js: BrowserModules, call: str, typed_over: str) -> None:
    start, end = js.call("filters.js", "argumentIn", call) or (0, 0)
    assert call[start:end] == typed_over
