"""docs/expressions.md: every filter is in it, and each example gives what it says."""

from __future__ import annotations

import json
import re

from tests.architecture.sources import PROJECT
from trestle.language import Scope, compile_config
from trestle.language.filters import FILTERS
from trestle.language.functions import TESTS

_PAGE = (PROJECT / "docs" / "expressions.md").read_text()
_ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| .+? \| `(.+)` \| `(.+)` \|$", re.MULTILINE)


def test_every_filter_is_documented_with_an_example_that_holds() -> None:
    named: set[str] = set()
    for names, example, result in _ROW.findall(_PAGE):
        named |= set(re.findall(r"\w+", names))
        expression = example.replace("\\|", "|")
        assert compile_config({"x": "{{ " + expression + " }}"}).render(Scope(payload={}))["x"] == json.loads(result), expression
    assert named == {*FILTERS, "default"}


def test_the_tests_that_are_named_exist() -> None:
    listed = re.findall(r"`([a-z]+)(?: [^`]*)?`", _PAGE.partition("is not` the opposite:")[2].partition("##")[0])
    assert listed
    assert set(listed) <= {*TESTS, "defined"}
