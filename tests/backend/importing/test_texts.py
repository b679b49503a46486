"""Templates and conditions of other formats read the same here."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.importing.conditions import condition
from backend.importing.sheet import Sheet
from backend.importing.texts import carried, text
from trestle.language import Scope, compile_condition, compile_config


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("Hello {{payload.name}}", "Hello {{payload.name}}"),
        ("{{ payload.user.name }}!", "{{ payload.user.name }}!"),
        ("{{payload}}", "{{payload}}"),
        ("{{payload.first-name}}", "{{ payload['first-name'] }}"),
        ("{{payload.a.0.b}} {{payload.007}}", "{{payload.a.0.b}} {{ payload['007'] }}"),
        ("100 {% off {# {{payload.x}}", "100 {{ '{%' }} off {{ '{#' }} {{payload.x}}"),
        ("{{ something else }}", "{{ something else }}"),
        ("{{payload.x}", "{{payload.x}"),
    ],
)
def test_templates(there: str, here: str) -> None:
    assert text(there) == here


FIELD = st.text(st.characters(codec="utf-8", exclude_characters=".{}()[]'\"|", exclude_categories=["Z", "C"]), min_size=1, max_size=8)
FIELD = FIELD.filter(lambda name: not name.isdecimal())  # that is a place in a list
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12).map(lambda t: t.replace("{{", "").replace("}}", ""))


@given(PLAIN, FIELD, FIELD, PLAIN)
def test_a_template_gives_what_the_path_leads_to(before: str, outer: str, inner: str, after: str) -> None:
    before, after = before.rstrip("{"), after.lstrip("}")
    template = carried({"a": [f"{before}{{{{payload.{outer}.{inner}}}}}{after}"]})
    found = compile_config(template).render(Scope(payload={outer: {inner: "«value»"}}))
    assert found == {"a": [f"{before}«value»{after}"]} or (not before.strip() and not after.strip() and found == {"a": ["«value»"]})


PAYLOAD = {"score": 80, "name": "Ada", "open": True, "tags": ["a", "b"], "user": {"age": 36}, "none": None, "odd-name": 1}


@pytest.mark.parametrize(
    ("there", "holds"),
    [
        (True, True),
        ({">": [{"var": "score"}, 50]}, True),
        ({"==": [{"var": "payload.name"}, "Bob"]}, False),
        ("{{ payload.score > 50 }}", True),
        ("{{payload.score}} > 50", True),
        ("{{ payload.name }} == 'Bob'", False),
        ("payload.score > 50", True),
        ("payload['score'] >= 80 and payload[\"open\"]", True),
        ("payload.score >= 80 && payload.name === 'Bob' || !payload.open", False),
        ("50 < payload.score < 90", True),
        ("payload.get('score', 0) > 10", True),
        ("payload.get('nothing', 5) < 3", False),
        ("payload.get('nothing') is None", True),
        ("payload.none is not None", False),
        ("payload.none == null", True),
        ("'a' in payload.tags", True),
        ("payload.name not in ['Bob', 'Eve']", True),
        ("len(payload.tags) == 2", True),
        ("payload.tags", True),
        ("payload.name", True),
        ("not payload.user.age", False),
        ("(payload.score + 20) % 100 == 0", True),
        ("payload.score * 2 > 100 or payload.nothing", True),
        ("payload['odd-name'] == 1", True),
        ("payload.name == 'it\\'s && {x}'", False),
        ("True", True),
        ("false", False),
    ],
)
def test_conditions_of_a_step_list(there: Any, holds: bool) -> None:
    sheet = Sheet("x")
    here = condition(sheet, "c", there)
    assert sheet.unmapped == []
    assert compile_condition(here).holds(Scope(payload=PAYLOAD)) is holds


@pytest.mark.parametrize(
    "there",
    [
        "score > 50",
        "payload.score >",
        "__import__('os').system('x')",
        "payload.name.upper() == 'ADA'",
        "[x for x in payload.tags]",
        "lambda: 1",
        "payload.score is 80",
        "'{{ payload.name }}' == 'Ada'",
        "payload.x if payload.y else 2",
        "{{ nonsense > 3 }}",
        "b'x' == 1",
        "payload.score ** 999999 > 1",
        "(" * 500,
        "payload" + ".a" * 5000,
        "",
        None,
        7,
        [],
        {},
    ],
)
def test_what_cant_be_said_is_told_and_stays(there: Any) -> None:
    sheet = Sheet("x")
    assert condition(sheet, "c", there) == there
    assert [loss.path for loss in sheet.unmapped] == ["c"]
    assert sheet.unmapped[0].reason
