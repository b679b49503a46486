"""The public test table of JSONLogic, for the conditions of events and for those of branches."""

import json
from pathlib import Path
from typing import Any

import pytest

from trestle.language import Scope, compile_condition, compile_logic

TABLE = json.loads((Path(__file__).parent / "jsonlogic_table.json").read_text())
CASES = [(rule, data, result) for rule, data, result in (line for line in TABLE if isinstance(line, list)) if isinstance(rule, dict)]
"""A rule that is no object is a constant, which no condition is."""


def truthy(value: Any) -> bool:
    """As JSONLogic has it: empty lists are false, "0" is true."""
    return bool(value)


def test_the_table_is_whole() -> None:
    assert len(CASES) == 270
    assert {next(iter(rule)) for rule, _, _ in CASES} >= {
        "==",
        "===",
        "var",
        "missing",
        "missing_some",
        "if",
        "map",
        "reduce",
        "all",
        "substr",
    }


@pytest.mark.parametrize(("rule", "data", "result"), CASES, ids=[json.dumps(case[0])[:60] for case in CASES])
def test_a_line_of_the_table(rule: Any, data: Any, result: Any) -> None:
    assert compile_logic(rule).holds_for(data) == truthy(result), "of an event: the data is the event itself"
    # The values too, as far as JSONLogic can compare them.
    if not isinstance(result, list | dict):
        assert compile_logic({"===": [rule, result]}).holds_for(data)
    # Of a branch the data is {payload, …}: a list of just the payload gives the rule its scope.
    inside = {"some": [[{"var": "payload"}], rule]}
    assert compile_condition(inside).holds(Scope(payload=data)) == truthy(result)


@pytest.mark.parametrize("other", [7, True, None, [], [1], {"a": 1}, ""])
def test_values_of_two_kinds_differ(other: Any) -> None:
    assert not compile_logic({"==": [{"var": "type"}, "lead"]}).holds_for({"type": other})
    assert compile_logic({"!=": [{"var": "type"}, "lead"]}).holds_for({"type": other})
