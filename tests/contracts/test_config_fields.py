"""Marked fields: found wherever a schema can put them."""

from typing import Any

import pytest

from trestle.contracts.config_fields import marked_fields

STATIC = {"type": "string", "x-static": True}
NESTED = {"properties": {"b": STATIC}}
UNION = {
    "properties": {
        "auth": {
            "oneOf": [
                {"properties": {"kind": {"const": "key"}, "value": {"type": "string", "x-credential": ["header"], "x-static": True}}},
                {"properties": {"kind": {"const": "text"}, "value": {"type": "string"}}},
            ]
        }
    }
}


@pytest.mark.parametrize(
    ("schema", "config", "found"),
    [
        ({"properties": {"a": STATIC, "b": {"type": "string"}}}, {"a": "1", "b": "2"}, ["/a"]),
        ({"properties": {"a": STATIC}}, {}, []),
        ({"properties": {"a": {"anyOf": [STATIC, {"type": "null"}]}}}, {"a": "1"}, ["/a"]),
        ({"properties": {"a": {"anyOf": [STATIC, {"type": "null"}], "x-static": True}}}, {"a": "1"}, ["/a"]),
        (
            {"properties": {"a": {"items": NESTED}}},
            {"a": [{"b": "1"}, {"c": 1}, 5, {"b": "2"}]},
            ["/a/0/b", "/a/3/b"],
        ),
        ({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": NESTED}}, {"a": {"b": "1"}}, ["/a/b"]),
        (
            {"properties": {"a": {"$ref": "#/$defs/A", "x-static": True}}, "$defs": {"A": NESTED}},
            {"a": {"b": 1}},
            ["/a"],
        ),
        ({"additionalProperties": STATIC}, {"a/b": "1", "c~d": "2"}, ["/a~1b", "/c~0d"]),
        ({"properties": {"a": {"type": "object", "additionalProperties": True}}}, {"a": {"b": {"c": 1}}}, []),
        (UNION, {"auth": {"kind": "key", "value": "id"}}, ["/auth/value"]),
        (UNION, {"auth": {"kind": "text", "value": "{{ payload.x }}"}}, []),
    ],
)
def test_pointers_of_marked_fields(schema: dict[str, Any], config: dict[str, Any], found: list[str]) -> None:
    assert [field.pointer for field in marked_fields(schema, config)] == found


def test_an_empty_credential_names_none() -> None:
    schema = {"properties": {"a": {"type": "string", "x-credential": ["bearer"]}}}
    assert [field.kind for field in marked_fields(schema, {"a": ""})] == ["static"]
    (named,) = marked_fields(schema, {"a": "id"})
    assert (named.kind, named.credential_types, named.path) == ("credential", ("bearer",), ("a",))
