"""Large values: passing one on never loads it; whatever looks inside of it gets all of it, or says that it is missing."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trestle.language import LanguageError, Reference, Scope, Unloaded, compile_condition, compile_config, compile_expression, whole

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)

LOOKING_INSIDE = [
    "{{ payload.big.a }}",
    "{{ payload.big[0] }}",
    "{{ payload.big|length }}",
    "{{ payload|tojson }}",
    "{{ payload.big|default('x') }}",
    "{{ payload.big == 1 }}",
    "{{ payload.big ~ '' }}",
    "{{ [payload.big] }}",
    "{{ payload.big if true else 1 }}",
    "a text: {{ payload.big }}",
    "a text: {{ payload }}",
    "{{ payload.big.a is defined }}",
    "{{ payload|items }}",
    "{% for one in payload.big %}{{ one }}{% endfor %}",
    "{% set x = payload %}{{ x.big }}",
]
PASSING_ON = ["{{ payload.big }}", " {{ payload['big'] }} ", "{{ payload }}", "{{ payload.small }}", "small: {{ payload.small }}"]
NOT_TOUCHING = ["{{ payload.small + 1 }}", "{{ payload.big is defined }}", "{{ payload.none is defined }}"]


def scope_of(opened: dict[Any, Any], small: Any = 1) -> tuple[Scope, Reference]:
    """`payload` with a small and a large field."""
    big = Reference(uuid4(), 300_000, "application/json", opened)
    return Scope(payload={"small": small, "big": big}, references=True), big


@pytest.mark.parametrize("text", LOOKING_INSIDE)
def test_looking_inside_says_what_is_missing(text: str) -> None:
    scope, big = scope_of({})
    with pytest.raises(Unloaded) as missing:
        compile_expression(text).render(scope)
    assert [reference.id for reference in missing.value.references] == [big.id]


@pytest.mark.parametrize("text", [*PASSING_ON, *NOT_TOUCHING])
def test_passing_on_loads_nothing(text: str) -> None:
    scope, big = scope_of({})
    value = compile_expression(text).render(scope)
    if "big" in text and "defined" not in text:
        assert value is big


@given(content=json_values, text=st.sampled_from(LOOKING_INSIDE))
def test_loaded_it_is_as_if_it_stood_there(content: Any, text: str) -> None:
    opened: dict[Any, Any] = {}
    scope, big = scope_of(opened)
    opened[big.id] = content
    expression = compile_expression(text)

    def outcome(over: Scope) -> Any:
        try:
            return expression.render(over)
        except LanguageError as error:
            return error.kind

    assert outcome(scope) == outcome(Scope(payload={"small": 1, "big": content}))


@given(value=json_values, place=st.lists(st.sampled_from("abc"), max_size=3))
def test_whole_puts_each_value_in_its_place_and_copies_nothing_else(value: Any, place: list[str]) -> None:
    opened: dict[Any, Any] = {}
    big = Reference(uuid4(), 1, "application/json", opened)
    holder: Any = big
    for key in place:
        holder = {key: holder, "list": [value]}
    with pytest.raises(Unloaded):
        whole(holder)
    opened[big.id] = {"inside": value}
    plain: Any = {"inside": value}
    for key in place:
        plain = {key: plain, "list": [value]}
    assert whole(holder) == plain
    assert whole(value) is value


def test_without_the_scopes_word_nothing_leaks_into_an_expression() -> None:
    big = Reference(uuid4(), 1, "application/json")
    scope = Scope(payload={"big": big})
    for text in LOOKING_INSIDE:
        if text == "{{ payload|items }}":
            continue  # nothing looks at the items: the reference comes out as it went in
        with pytest.raises((Unloaded, LanguageError)):
            compile_expression(text).render(scope)


@pytest.mark.parametrize(
    ("rule", "loads"),
    [
        ({"==": [{"var": "payload.small"}, 1]}, False),
        ({"==": [{"var": "payload.big.a"}, 1]}, True),
        ({"!!": [{"var": "payload.big"}]}, True),
        ({"!!": [{"var": "payload"}]}, True),
        ({"some": [{"var": "payload.big"}, {"==": [{"var": "a"}, 1]}]}, True),
        ({"!": [{"missing": ["payload.small"]}]}, False),
        ("{{ payload.small == 1 }}", False),
        ("{{ payload.big }}", True),
    ],
)
def test_conditions_load_what_they_read_and_no_more(rule: Any, *, loads: bool) -> None:
    opened: dict[Any, Any] = {}
    scope, big = scope_of(opened)
    condition = compile_condition(rule)
    if loads:
        with pytest.raises(Unloaded):
            condition.holds(scope)
        opened[big.id] = [{"a": 1}]
        plain = Scope(payload={"small": 1, "big": [{"a": 1}]})
        assert condition.holds(scope) == compile_condition(rule).holds(plain)
    else:
        assert condition.holds(scope)


def test_a_config_is_rendered_around_references_and_items_keep_them() -> None:
    scope, big = scope_of({})
    config = compile_config({"file": "{{ payload.big }}", "n": "{{ item }}", "m": "{{ index + 1 }}"})
    assert config.render(scope.with_item(7, 0)) == {"file": big, "n": 7, "m": 1}
    with pytest.raises(Unloaded):
        compile_config({"n": "{{ item ~ '' }}"}).render(scope.with_item(big, 0))


def test_a_step_too_far_into_a_loaded_value_is_told_as_ever() -> None:
    opened: dict[Any, Any] = {}
    scope, big = scope_of(opened)
    opened[big.id] = {"name": 1}
    with pytest.raises(LanguageError, match=r"`payload\.big\.nmae` does not exist"):
        compile_expression("{{ payload.big.nmae }}").render(scope)
