"""Conditions: expressions and JSONLogic."""

from typing import Any

import pytest

from trestle.language import LanguageError, Scope, compile_condition, compile_logic

SCOPE = Scope(payload={"score": 85, "name": "Ada", "big": 2**70, "tags": ["a"]}, trigger={}, input=None, nodes={"n": {"ok": True}}, vars={})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (True, True),
        (False, False),
        ("true", True),
        (" False ", False),
        ("{{ payload.score >= 80 }}", True),
        ("{{ payload.score < 80 }}", False),
        ("{{ payload.tags }}", True),
        ("{{ input }}", False),
        ("{{ 'false' }}", False),
        ({">=": [{"var": "payload.score"}, 80]}, True),
        ({"==": [{"var": "payload.missing"}, None]}, True),
        ({"and": [{"var": "nodes.n.ok"}, {"in": ["a", {"var": "payload.tags"}]}]}, True),
        ({">": [{"var": "payload.big"}, 5]}, True),
        ({"if": [{"var": "input"}, True, False]}, False),
        ({"some": [{"var": "payload.tags"}, {"==": [{"var": ""}, "a"]}]}, True),
        ({"!!": [{"var": ""}]}, True),
    ],
)
def test_holds(condition: Any, holds: bool) -> None:
    assert compile_condition(condition).holds(SCOPE) is holds


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("payload.score >= 80", "braces"),
        ("x {{ payload.score }}", "braces"),
        ("{{ nope }}", "not a name"),
        ({"nope": [1]}, "unknown operator `nope`"),
        ({"and": [{"==": [1, 1]}, {"zz": []}]}, "/and/1"),
        ({"a": 1, "b": 2}, "2 keys"),
        ({"throw": "x"}, "unknown operator"),
        ({"zeros": [[100000, 100000]]}, "unknown operator"),
        ({}, "empty"),
        (3, "A condition is"),
    ],
)
def test_refused_when_compiled(condition: Any, word: str) -> None:
    with pytest.raises(LanguageError) as caught:
        compile_condition(condition)
    assert word in str(caught.value)


@pytest.mark.parametrize("condition", ["{{ payload.name }}", {">": [{"var": "payload.name"}, 5]}])
def test_fails_on_data(condition: Any) -> None:
    with pytest.raises(LanguageError):
        compile_condition(condition).holds(SCOPE)


def test_names() -> None:
    assert compile_condition("{{ nodes.n.ok and payload.x }}").names() == {"nodes.n", "payload"}
    assert compile_condition({"==": [{"var": "nodes.n.ok"}, {"var": "vars.A"}]}).names() == {"nodes.n", "vars"}


def test_event_data() -> None:
    rule = compile_logic({"==": [{"var": "kind"}, "order"]})
    assert rule.holds_for({"kind": "order"})
    assert not rule.holds_for({"kind": "{{ 'order' }}"})
    assert not rule.holds_for("order")


def test_work_is_bounded() -> None:
    rule = {"!!": [{"map": [{"var": "payload.list"}, {"+": [{"var": ""}, 1]}]}]}
    assert compile_condition(rule).holds(Scope(payload={"list": list(range(100))}))
    with pytest.raises(LanguageError, match="too many steps"):
        compile_condition(rule).holds(Scope(payload={"list": list(range(200_000))}))
