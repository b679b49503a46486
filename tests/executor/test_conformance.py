"""What holds for every node that comes with Trestle."""

import pytest
from jsonschema import Draft202012Validator

from executor.registry import Entry, discover
from executor.testing import rule_breaks, template_of

REGISTRY = discover(installed=False)
EVERY_NODE = pytest.mark.parametrize("entry", list(REGISTRY), ids=lambda entry: entry.type.type)


@EVERY_NODE
def test_keeps_the_rules(entry: Entry) -> None:
    assert entry.node is not None
    assert rule_breaks(entry.node) == []


@EVERY_NODE
def test_schema_is_json_schema_and_takes_the_example(entry: Entry) -> None:
    Draft202012Validator.check_schema(entry.type.config_schema)
    Draft202012Validator(entry.type.config_schema).validate(entry.type.example)


@EVERY_NODE
def test_icon_is_a_lucide_icon(entry: Entry) -> None:
    from reflex_components_lucide.icon import LUCIDE_ICON_LIST  # type: ignore[import-untyped]  # the package has no types

    assert entry.type.icon.replace("-", "_") in LUCIDE_ICON_LIST


@EVERY_NODE
def test_description_is_a_sentence(entry: Entry) -> None:
    assert entry.type.description.endswith(".")
    assert 20 <= len(entry.type.description) <= 200


@EVERY_NODE
def test_upgrade_leaves_a_config_of_this_version_as_it_is(entry: Entry) -> None:
    assert entry.node is not None
    assert entry.node.upgrade(entry.type.example) == entry.type.example
    template_of(entry.node, entry.type.example)


def test_types_are_unique_and_sorted() -> None:
    types = [listed.type for listed in REGISTRY.catalogue()]
    assert types == sorted(set(types))
