"""The form: what each field of a JSON Schema becomes, and that text and values are told apart."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tests.web.editor.browser_modules import UNDEFINED, BrowserModules
from trestle.contracts.node_types import CODE, CONDITION, CREDENTIAL, MULTILINE, STATIC


class Case(BaseModel):
    label: str
    condition: Any = Field(json_schema_extra={CONDITION: True})


def fields(js: BrowserModules, properties: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in js.call("schema.js", "fieldsOf", {"properties": properties, **more})}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", MULTILINE: True}, "multiline"),
        ({"type": "string", CODE: "python"}, "code"),
        ({"type": "integer"}, "number"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"type": "boolean"}, "switch"),
        ({"enum": ["a", "b"]}, "choice"),
        ({"anyOf": [{"const": "a"}, {"const": 2}, {"type": "null"}]}, "choice"),
        ({"type": "array", "items": {"type": "string"}}, "list"),
        ({"type": "array", "items": {"enum": ["GET", "POST"]}}, "choices"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "pairs"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "object"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"anyOf": [{"type": "string", CREDENTIAL: ["bearer"]}, {"type": "null"}], CREDENTIAL: ["bearer"]}, "credential"),
        ({"anyOf": [{"type": "string"}, {"type": "object"}], CONDITION: True}, "condition"),
        ({"anyOf": [{"type": "string"}, {"type": "object"}]}, "json"),
        ({}, "json"),
    ],
)
def test_each_schema_has_its_control(js: BrowserModules, schema: dict[str, Any], kind: str) -> None:
    assert fields(js, {"it": schema})["it"]["kind"] == kind


def test_what_a_field_says_of_itself(js: BrowserModules) -> None:
    found = fields(
        js,
        {
            "url": {"type": "string", "title": "URL", "description": "Where to", "examples": ["https://example.com"]},
            "method": {"enum": ["GET"], "default": "GET", STATIC: True},
            "timeout_s": {"anyOf": [{"type": "number", "maximum": 60}, {"type": "null"}], "default": None},
        },
        required=["url"],
    )
    assert (
        found["url"] | {"label": "URL", "help": "Where to", "placeholder": "https://example.com", "required": True, "literal": False}
        == found["url"]
    )
    assert (found["method"]["literal"], found["method"]["default"], found["method"]["required"]) == (True, "GET", False)
    assert (found["timeout_s"]["label"], found["timeout_s"]["max"], found["timeout_s"]["nullable"]) == ("Timeout (s)", 60, True)


def test_references_lists_of_objects_and_unions(js: BrowserModules) -> None:
    case = Case.model_json_schema()
    none, token = {"const": "none"}, {"const": "token"}
    schema = {
        "$defs": {
            "Case": case,
            "Open": {"properties": {"kind": none}},
            "Token": {"properties": {"kind": token, "token": {"type": "string"}}},
        },
        "properties": {
            "cases": {"type": "array", "items": {"$ref": "#/$defs/Case"}},
            "auth": {"oneOf": [{"$ref": "#/$defs/Open"}, {"$ref": "#/$defs/Token"}], "discriminator": {"propertyName": "kind"}},
        },
    }
    cases, auth = js.call("schema.js", "fieldsOf", schema)
    assert [part["kind"] for part in cases["item"]["fields"]] == ["text", "condition"]
    assert (auth["kind"], auth["by"]) == ("union", "kind")
    assert [(variant["value"], [part["name"] for part in variant["fields"]]) for variant in auth["variants"]] == [
        ("none", []),
        ("token", ["token"]),
    ]


json_values = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(value=json_values)
def test_a_value_survives_the_way_through_its_text(js: BrowserModules, value: Any) -> None:
    if isinstance(value, str) and not value.strip():
        return  # an empty field is no value
    assert js.call("schema.js", "parsedJson", js.call("schema.js", "jsonText", value)) == value


def test_text_is_read_as_json_only_where_it_is_some(js: BrowserModules) -> None:
    def read(text: str) -> Any:
        return js.call("schema.js", "parsedJson", text)

    assert read("5") == 5
    assert read('"5"') == "5"
    assert read("{{ payload.score }}") == "{{ payload.score }}"
    assert read('{"a": "{{ payload.score }}"}') == {"a": "{{ payload.score }}"}
    assert read("hello") == "hello"
    assert read("  ") is UNDEFINED
    assert js.call("schema.js", "brokenJson", '{"a": ')
    assert not js.call("schema.js", "brokenJson", "{{ payload }}")


def test_a_problem_is_told_by_titles_and_calmly_where_a_field_is_only_empty_yet(js: BrowserModules) -> None:
    auth = {
        "title": "Who may call",
        "oneOf": [
            {"properties": {"kind": {"const": "none"}}},
            {"properties": {"kind": {"const": "github"}, "credential": {"type": "string", "title": "Secret"}}},
        ],
    }
    case = {"type": "object", "properties": {"label": {"type": "string"}}}
    schema = {"properties": {"url": {"type": "string", "title": "URL"}, "auth": auth, "cases": {"type": "array", "items": case}}}

    def told(path: list[Any], message: str, config: dict[str, Any], *, refused: bool = False) -> tuple[str, bool]:
        problem = {"loc": ["config", *path], "node": "a", "message": message}
        found = js.call("marking.js", "told", problem, {"key": "a", "config": config}, {"config_schema": schema}, refused)
        return found["message"], found["calm"]

    assert told(["url"], "url is missing. Fill it in.", {}) == ("URL is missing. Fill it in.", True)
    either = "The config needs one of url, label. Fill one in."
    assert told([], either, {}) == ("Needs one of “URL”, “label”. Fill one in.", True)
    assert told([], either, {"cases": []}) == ("Needs one of “URL”, “label”. Fill one in.", True)
    assert told([], either, {"cases": []}, refused=True)[1] is False
    assert told(["url"], "url must not be empty.", {"url": ""}) == ("URL must not be empty.", True)
    assert told(["url"], "url is missing. Fill it in.", {}, refused=True) == ("URL is missing. Fill it in.", False)
    assert told(["url"], "url must be a text.", {"url": 5}) == ("URL must be a text.", False)
    github = {"auth": {"kind": "github"}}
    assert told(["auth", "credential"], "auth.credential: It needs one.", github) == ("Who may call › Secret: It needs one.", True)
    cases = {"cases": [{"label": 5}]}
    assert told(["cases", 0, "label"], "cases[0].label must be a text.", cases) == ("Cases › 1 › Label must be a text.", False)
    # Of the node as a whole: while nothing at all is filled in, nothing is wrong yet.
    assert told([], "One of until and duration_s is needed.", {}) == ("One of until and duration_s is needed.", True)
    assert told([], "One of until and duration_s is needed.", {"until": "x"}) == ("One of until and duration_s is needed.", False)


def test_a_problem_stands_at_the_innermost_field_it_is_about(js: BrowserModules) -> None:
    problems = [{"loc": ["config", "auth", "credential"], "message": "It needs one."}, {"loc": ["config", "url"], "message": "Missing."}]
    [outer] = js.call("marking.js", "within", problems, "auth")
    assert outer["rest"] == ["credential"]
    [inner] = js.call("marking.js", "within", [outer], "credential")
    assert inner["rest"] == []
    assert js.call("marking.js", "within", [outer], "kind") == []
