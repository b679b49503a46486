"""JSONLogic means the same after its data went under `payload`: by examples, and by whatever hypothesis makes up."""

from typing import Any

import datalogic_py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.importing.logic import under_payload


@pytest.mark.parametrize(
    ("rule", "rewritten"),
    [
        ({"var": "score"}, {"var": "payload.score"}),
        ({"var": "payload.score"}, {"var": "payload.score"}),
        ({"var": "payload"}, {"var": "payload"}),
        ({"var": "payloads"}, {"var": "payload.payloads"}),
        ({"var": ""}, {"var": "payload"}),
        ({"var": []}, {"var": "payload"}),
        ({"var": None}, {"var": "payload"}),
        ({"var": 1}, {"var": "payload.1"}),
        ({"var": ["a.b", {"var": "c"}]}, {"var": ["payload.a.b", {"var": "payload.c"}]}),
        ({"var": {"cat": ["a", {"var": "n"}]}}, {"var": {"cat": ["payload.", {"cat": ["a", {"var": "payload.n"}]}]}}),
        ({"missing": ["a", "payload.b"]}, {"missing": ["payload.a", "payload.b"]}),
        ({"missing": "a"}, {"missing": "payload.a"}),
        ({"missing_some": [1, ["a", "b"]]}, {"missing_some": [1, ["payload.a", "payload.b"]]}),
        (
            {"map": [{"var": "items"}, {"*": [{"var": ""}, 2]}]},
            {"map": [{"var": "payload.items"}, {"*": [{"var": ""}, 2]}]},
        ),
        (
            {"reduce": [{"var": "items"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, {"var": "start"}]},
            {"reduce": [{"var": "payload.items"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, {"var": "payload.start"}]},
        ),
        (
            {"all": [{"filter": [{"var": "xs"}, {"var": "ok"}]}, {"missing": ["id"]}]},
            {"all": [{"filter": [{"var": "payload.xs"}, {"var": "ok"}]}, {"missing": ["id"]}]},
        ),
        ({"in": ["var", ["var", {"var": "x"}]]}, {"in": ["var", ["var", {"var": "payload.x"}]]}),
        ({"==": [{"a": 1, "var": "x"}, 1]}, {"==": [{"a": 1, "var": "x"}, 1]}),
    ],
)
def test_paths_go_under_payload(rule: Any, rewritten: Any) -> None:
    assert under_payload(rule) == rewritten


NAMES = st.sampled_from(["a", "b", "c", "list", "a.b", "list.0", "nothing"])
LEAVES = st.one_of(st.integers(-9, 9), st.booleans(), st.sampled_from(["", "x", "payload", "var"]))
ELEMENT = st.recursive(
    st.one_of(LEAVES, st.just({"var": ""}), st.just({"var": "a"})),
    lambda inner: st.one_of(st.builds(lambda a, b: {"==": [a, b]}, inner, inner), st.builds(lambda a: {"!": [a]}, inner)),
    max_leaves=4,
)


def _over(rules: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    two = st.builds(lambda op, a, b: {op: [a, b]}, st.sampled_from(["==", "===", "!=", "and", "or"]), rules, rules)
    return st.one_of(
        two,
        st.builds(lambda a, b, c: {"if": [a, b, c]}, rules, rules, rules),
        st.builds(lambda name, other: {"var": [name, other]}, NAMES, rules),
        st.builds(lambda op, body: {op: [{"var": "list"}, body]}, st.sampled_from(["map", "filter", "all", "some", "none"]), ELEMENT),
        st.builds(
            lambda start: {"reduce": [{"var": "list"}, {"cat": [{"var": "accumulator"}, {"var": "current"}]}, start]},
            rules.filter(lambda rule: not isinstance(rule, bool)),
        ),
        st.builds(lambda names: {"!": [{"missing": names}]}, st.lists(NAMES, max_size=3)),
        st.builds(lambda names: {"!": [{"missing_some": [1, names]}]}, st.lists(NAMES, min_size=1, max_size=3)),
    )


RULES = st.recursive(st.one_of(LEAVES, st.builds(lambda name: {"var": name}, NAMES), st.just({"var": ""})), _over, max_leaves=8)
VALUES = st.one_of(LEAVES, st.none(), st.fixed_dictionaries({"b": LEAVES}))
DATA = st.fixed_dictionaries(
    {"list": st.lists(st.one_of(LEAVES, st.fixed_dictionaries({"a": LEAVES})), max_size=3)},
    optional={"a": VALUES, "b": VALUES, "c": VALUES},
)


def _result(rule: Any, data: Any) -> Any:
    try:
        return datalogic_py.Engine().compile(rule).evaluate(data)
    except datalogic_py.DataLogicError as error:
        return type(error)


@given(RULES, DATA)
def test_the_same_rule_over_the_same_data_gives_the_same(rule: Any, data: Any) -> None:
    assert _result(under_payload(rule), {"payload": data, "a": "other", "list": [1]}) == _result(rule, data)


@given(RULES)
def test_once_is_enough(rule: Any) -> None:
    assert under_payload(under_payload(rule)) == under_payload(rule)
