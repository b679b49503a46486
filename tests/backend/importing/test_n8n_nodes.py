"""n8n's nodes in all their versions: what becomes of their parameters, and what is told. Nothing stays red that no remark names."""

from typing import Any

import pytest

from tests.backend.importing.n8n_kit import START, Converted, behind, document, node, told_of


@pytest.mark.parametrize(
    ("conditions", "word", "said"),
    [
        ({"string": [{"value1": "={{ $json.a }}", "value2": "x"}]}, "all", "{{ input.a == 'x' }}"),
        ({"number": [{"value1": "={{$json.n}}", "operation": "largerEqual", "value2": 5}]}, "all", "{{ input.n >= 5 }}"),
        ({"number": [{"value1": "={{$json.n}}"}]}, "all", "{{ input.n < 0 }}"),
        ({"boolean": [{"value1": "={{$json.b}}", "value2": True}]}, "all", "{{ input.b == true }}"),
        (
            {"string": [{"value1": "={{$json.a}}", "operation": "isEmpty"}], "number": [{"value1": 1, "operation": "equal", "value2": 1}]},
            "any",
            "{{ (input.a is not defined or input.a is empty) or (1 == 1) }}",
        ),
        ({"string": [{"value1": '={{$json["a"]}}', "operation": "notContains", "value2": "x"}]}, "all", "{{ 'x' not in input[\"a\"] }}"),
        ({"dateTime": [{"value1": "={{ $json.at }}", "value2": "={{ $now }}"}]}, "all", "{{ input.at|timestamp > now|timestamp }}"),
        ({"string": [{"value1": "={{ $json.a }}", "operation": "regex", "value2": "/x/"}]}, "all", None),
        ({"string": [{"value1": "={{ $json.a.slice(2) }}", "value2": "x"}]}, "all", None),
        ({}, "all", None),
    ],
)
def test_conditions_of_the_first_version(conditions: dict[str, Any], word: str, said: str | None) -> None:
    it = behind("if", {"conditions": conditions, **({"combineOperation": "any"} if word == "any" else {})})
    assert it.configs["it"] == ["branch", {"cases": [{"label": "true", **({"condition": said} if said else {})}]}]
    kept = behind("filter", {"conditions": conditions, **({"combineConditions": "OR"} if word == "any" else {})})
    assert kept.configs["it"] == ["filter", {"condition": said} if said else {}]
    assert told_of(it) == told_of(kept) == (set() if said else {"conditions"})


def test_case_is_ignored_where_it_was() -> None:
    compared = {"leftValue": "={{ $json.a }}", "rightValue": "Yes", "operator": {"type": "string", "operation": "equals"}}
    conditions = {"options": {"caseSensitive": False, "version": 2}, "combinator": "and", "conditions": [compared]}
    it = behind("if", {"conditions": conditions, "looseTypeValidation": True, "options": {"ignoreCase": True}}, 2.2)
    assert it.configs["it"][1]["cases"][0]["condition"] == "{{ input.a|lower == 'Yes'|lower }}"
    assert told_of(it) == {"looseTypeValidation"}


@pytest.mark.parametrize(
    ("parameters", "version", "config", "told"),
    [
        (
            {
                "values": {
                    "string": [{"name": "a", "value": "=Dear {{ $json.a }}"}, {"name": "b", "value": "plain {{ text }}"}],
                    "number": [{"name": "n", "value": "={{ $json.a }}"}, {"name": "zero"}],
                    "boolean": [{"name": "ok", "value": True}],
                },
                "options": {},
            },
            2,
            {
                "fields": {"a": "Dear {{ input.a }}", "b": "plain {{ '{{' }} text }}", "n": "{{ input.a }}", "zero": 0, "ok": True},
                "keep_input": True,
            },
            set(),
        ),
        (
            {"keepOnlySet": True, "values": {"string": [{"name": "to.name", "value": "x"}, {"name": "to.id", "value": "y"}]}},
            1,
            {"fields": {"to": {"name": "x", "id": "y"}}},
            set(),
        ),
        (
            {"values": {"string": [{"name": "to.name", "value": "x"}]}, "options": {"dotNotation": False}},
            1,
            {"fields": {"to.name": "x"}, "keep_input": True},
            set(),
        ),
        (
            {"values": {"string": [{"name": "to.name", "value": "x"}]}},
            1,
            {"fields": {"to": {"name": "x"}}, "keep_input": True},
            {"to.name"},
        ),
        (
            {
                "fields": {"values": [{"name": "n", "type": "numberValue", "numberValue": "3"}, {"name": "s", "stringValue": "x"}]},
                "include": "none",
            },
            3.2,
            {"fields": {"n": 3, "s": "x"}},
            set(),
        ),
        (
            {
                "mode": "raw",
                "jsonOutput": '={"id": {{ $json.a }}, "note": "from {{ $json.a }}", "list": {{ JSON.stringify($json.a) }}}',
                "options": {},
            },
            3.4,
            {"fields": {"id": "{{ input.a }}", "note": "from {{ input.a }}", "list": "{{ input.a }}"}},
            set(),
        ),
        ({"mode": "raw", "jsonOutput": "={{ $json.a }}", "options": {}}, 3.4, {"fields": {}}, {"jsonOutput"}),
        (
            {
                "assignments": {"assignments": [{"name": "n", "value": "5", "type": "number"}]},
                "includeOtherFields": True,
                "include": "selected",
                "includeFields": "a",
            },
            3.4,
            {"fields": {"n": 5}, "keep_input": True},
            {"include"},
        ),
    ],
)
def test_set(parameters: dict[str, Any], version: float, config: dict[str, Any], told: set[str]) -> None:
    it = behind("set", parameters, version)
    assert it.configs["it"] == ["set", config]
    assert told_of(it) == told


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("$json.a", "input.a"),
        ("$json.a.trim().toLowerCase()", "input.a|trim|lower"),
        ("$json?.a?.b", "input.a.b|default(none)"),
        ("$json.a || 'none'", "input.a|default('none', true)"),
        ("$json.a ?? 0", "(input.a if input.a|default(none) is not none else 0)"),
        ("JSON.parse($json.a)", "input.a|fromjson"),
        ("$json.a.toJsonString()", "input.a|tojson"),
        ("String($json.a).length", None),
        ("true", "true"),
        ("null", "none"),
        ("-2.5", "-2.5"),
        ("$itemIndex", None),
        ("$json.a || $json.b", None),
        ("$json.a + 1", None),
        ("JSON.parse($json.a) + JSON.parse($json.b)", None),
    ],
)
def test_expressions(there: str, here: str | None) -> None:
    it = behind("set", {"assignments": {"assignments": [{"name": "x", "value": f"={{{{ {there} }}}}"}]}, "options": {}}, 3.4)
    assert it.configs["it"][1]["fields"]["x"] == (f"{{{{ {here} }}}}" if here else f"{{{{ {there} }}}}")
    assert bool(it.told) == (here is None)


def _switch(parameters: dict[str, Any], version: float, *ways: str) -> Converted:
    nodes = [START, node("It", "switch", parameters, version), *(node(name, "noOp") for name in ("A", "B", "C"))]
    return Converted(document(nodes, "Start > It", *ways))


def test_switch_in_its_three_versions() -> None:
    rules = [
        {"operation": "equal", "value2": "paid"},
        {"operation": "startsWith", "value2": "open", "output": 1},
        {"value2": "due", "output": 1},
    ]
    parameters: dict[str, Any] = {"dataType": "string", "value1": "={{ $json.body.state }}", "rules": {"rules": rules}, "fallbackOutput": 3}
    first = _switch(parameters, 1, "It > A", "It:1 > B", "It:3 > C")
    assert first.configs["it"] == [
        "branch",
        {
            "cases": [
                {"label": "paid", "condition": "{{ payload.state == 'paid' }}"},
                {"label": "open", "condition": "{{ payload.state is startingwith 'open' }}"},
                {"label": "due", "condition": "{{ payload.state == 'due' }}"},
            ]
        },
    ]
    assert first.wires == {"start:main>it", "it:paid>a", "it:open>b", "it:due>b", "it:else>c"}
    assert first.told == {}

    numbers = [{"operation": "larger", "value2": 9, "outputKey": "many"}, {"value2": 5}]
    given = {"value1": "={{ $json.body.n }}", "rules": {"rules": numbers}, "options": {"fallbackOutput": "extra"}}
    second = _switch(given, 2, "It > A", "It:1 > B", "It:2 > C")
    assert [case["condition"] for case in second.configs["it"][1]["cases"]] == ["{{ payload.n > 9 }}", "{{ payload.n < 5 }}"]
    assert second.wires == {"start:main>it", "it:many>a", "it:5>b", "it:else>c"}

    def rule(operation: str, right: str, **others: Any) -> dict[str, Any]:
        compared = {"leftValue": "={{ $json.body.x }}", "rightValue": right, "operator": {"type": "string", "operation": operation}}
        return {"conditions": {"combinator": "and", "conditions": [compared], "options": {"caseSensitive": True}}, **others}

    values = [rule("equals", "error"), rule("equals", "y", renameOutput=True, outputKey="Yes"), rule("regex", "^z")]
    third = _switch({"rules": {"values": values}, "options": {"allMatchingOutputs": True}}, 3.2, "It > A", "It:1 > B", "It:2 > C")
    assert [case["label"] for case in third.configs["it"][1]["cases"]] == ["error 2", "Yes", "^z"]
    assert third.wires == {"start:main>it", "it:error 2>a", "it:Yes>b", "it:^z>c"}
    assert set(third.told) == {f"nodes.1.parameters.{name}" for name in ("rules.values.2.conditions", "options.allMatchingOutputs")}

    counted = _switch({"mode": "expression", "numberOutputs": 2, "output": "={{ $json.body.n }}"}, 3, "It > A", "It:1 > B", "It:2 > C")
    assert counted.configs["it"] == [
        "switch",
        {"value": "{{ payload.n }}", "cases": [{"label": "output 0", "equals": 0}, {"label": "output 1", "equals": 1}]},
    ]
    assert list(counted.told) == ["connections.It.main.2"]


@pytest.mark.parametrize(
    ("parameters", "version", "config", "told"),
    [
        (
            {
                "requestMethod": "POST",
                "url": "=https://example.com/{{ $json.a }}",
                "jsonParameters": True,
                "options": {"timeout": 5000, "bodyContentType": "json", "ignoreResponseCode": True},
                "bodyParametersJson": '={"a": "{{ $json.a }}", "n": {{ $json.n }}}',
                "headerParametersJson": '{"X-A": "1"}',
            },
            1,
            {
                "method": "POST",
                "url": "https://example.com/{{ input.a }}",
                "headers": {"X-A": "1"},
                "body": {"a": "{{ input.a }}", "n": "{{ input.n }}"},
                "timeout_s": 5,
                "success": ["1xx", "2xx", "3xx", "4xx", "5xx"],
            },
            set(),
        ),
        (
            {
                "url": "https://example.com",
                "responseFormat": "string",
                "queryParametersUi": {"parameter": [{"name": "q", "value": "={{ $json.a }}"}]},
                "headerParametersUi": {"parameter": [{"name": "X-A", "value": "b"}]},
                "options": {},
            },
            2,
            {"method": "GET", "url": "https://example.com", "query": {"q": "{{ input.a }}"}, "headers": {"X-A": "b"}, "response": "text"},
            set(),
        ),
        (
            {
                "requestMethod": "POST",
                "url": "https://example.com",
                "options": {"bodyContentType": "form-urlencoded"},
                "bodyParametersUi": {"parameter": [{"name": "a", "value": "b"}]},
                "authentication": "headerAuth",
            },
            2,
            {"method": "POST", "url": "https://example.com", "body": {"a": "b"}, "body_format": "form"},
            {"authentication"},
        ),
        (
            {
                "method": "PUT",
                "url": "https://example.com",
                "sendQuery": True,
                "specifyQuery": "json",
                "jsonQuery": '{"q": 1}',
                "sendHeaders": True,
                "specifyHeaders": "json",
                "jsonHeaders": "={{ $json.headers }}",
                "sendBody": True,
                "specifyBody": "json",
                "jsonBody": "={{ JSON.stringify($json) }}",
                "options": {
                    "timeout": 90_000,
                    "redirect": {"redirect": {"followRedirects": False}},
                    "response": {"response": {"neverError": True, "responseFormat": "text"}},
                    "allowUnauthorizedCerts": True,
                    "pagination": {"pagination": {"paginationMode": "off"}},
                },
            },
            4.2,
            {
                "method": "PUT",
                "url": "https://example.com",
                "query": {"q": 1},
                "body": "{{ input }}",
                "timeout_s": 90,
                "follow_redirects": False,
                "success": ["1xx", "2xx", "3xx", "4xx", "5xx"],
                "response": "text",
            },
            {"jsonHeaders", "options.allowUnauthorizedCerts", "options.pagination"},
        ),
        ({"options": {}}, 4.2, {"method": "GET", "url": ""}, {"url"}),
    ],
)
def test_http_request(parameters: dict[str, Any], version: float, config: dict[str, Any], told: set[str]) -> None:
    it = behind("httpRequest", parameters, version)
    assert it.configs["it"] == ["http.request", config]
    assert told_of(it) == told


def test_a_whole_response_and_a_text_are_read_by_their_own_names() -> None:
    full = {"url": "https://example.com", "options": {"response": {"response": {"fullResponse": True}}}}
    text = {"url": "https://example.com", "options": {"response": {"response": {"responseFormat": "text"}}}}

    def used(parameters: dict[str, Any], *values: str) -> list[Any]:
        fields = [{"name": f"f{place}", "value": value} for place, value in enumerate(values)]
        nodes = [START, node("Get", "httpRequest", parameters, 4.2), node("Use", "set", {"assignments": {"assignments": fields}}, 3.4)]
        return list(Converted(document(nodes, "Start > Get", "Get > Use")).configs["use"][1]["fields"].values())

    assert used(full, "={{ $json.statusCode }}", "={{ $json.body.id }}") == ["{{ input.status }}", "{{ input.body.id }}"]
    assert used(text, "={{ $json.data }}", "={{ $('Get').item.json.data }}") == ["{{ input.body }}", "{{ nodes.get.body }}"]
    assert used(text, "={{ $json.data.length }}") == ["{{ input.body|length }}"]
