"""n8n's nodes in all their versions: what becomes of their parameters, and what is told. Nothing stays red that no remark names."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.errors import Unprocessable
from backend.importing import n8n
from backend.importing.n8n.counterparts import COUNTERPARTS
from tests.backend.importing.n8n_kit import Converted, document, node
from trestle.contracts.graph import impossible

START = node("Start", "webhook", {"path": "x", "httpMethod": "POST"}, 2)


def _one(kind: str, parameters: dict[str, Any], version: float = 1, **others: Any) -> Converted:
    """The node behind a Set that gives `{a: …}`."""
    before = node("Before", "set", {"values": {"string": [{"name": "a", "value": "1"}]}, "keepOnlySet": True}, 1)
    begins = kind in ("cron", "interval") or kind.endswith("Trigger")
    ways = ["Start > Before", *([] if begins else ["Before > It"])]
    return Converted(document([START, before, node("It", kind, parameters, version, **others)], *ways))


def _told(converted: Converted) -> set[str]:
    return {path.removeprefix("nodes.2.").removeprefix("parameters.") for path in converted.told}


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
    it = _one("if", {"conditions": conditions, **({"combineOperation": "any"} if word == "any" else {})})
    assert it.configs["it"] == ["branch", {"cases": [{"label": "true", **({"condition": said} if said else {})}]}]
    kept = _one("filter", {"conditions": conditions, **({"combineConditions": "OR"} if word == "any" else {})})
    assert kept.configs["it"] == ["filter", {"condition": said} if said else {}]
    assert _told(it) == _told(kept) == (set() if said else {"conditions"})


def test_case_is_ignored_where_it_was() -> None:
    compared = {"leftValue": "={{ $json.a }}", "rightValue": "Yes", "operator": {"type": "string", "operation": "equals"}}
    conditions = {"options": {"caseSensitive": False, "version": 2}, "combinator": "and", "conditions": [compared]}
    it = _one("if", {"conditions": conditions, "looseTypeValidation": True, "options": {"ignoreCase": True}}, 2.2)
    assert it.configs["it"][1]["cases"][0]["condition"] == "{{ input.a|lower == 'Yes'|lower }}"
    assert _told(it) == {"looseTypeValidation"}


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
    it = _one("set", parameters, version)
    assert it.configs["it"] == ["set", config]
    assert _told(it) == told


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
    it = _one("set", {"assignments": {"assignments": [{"name": "x", "value": f"={{{{ {there} }}}}"}]}, "options": {}}, 3.4)
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
    it = _one("httpRequest", parameters, version)
    assert it.configs["it"] == ["http.request", config]
    assert _told(it) == told


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


@pytest.mark.parametrize(
    ("kind", "parameters", "version", "type_", "config", "told"),
    [
        (
            "cron",
            {"triggerTimes": {"item": [{"mode": "everyWeek", "hour": 7, "weekday": "2"}]}},
            1,
            "trigger.schedule",
            {"cron": "0 7 * * 2"},
            set(),
        ),
        (
            "cron",
            {"triggerTimes": {"item": [{"mode": "everyX", "value": 10, "unit": "minutes"}]}},
            1,
            "trigger.schedule",
            {"every_s": 600},
            set(),
        ),
        (
            "cron",
            {"triggerTimes": {"item": [{"mode": "custom", "cronExpression": "0 0 9 * * 1-5"}]}},
            1,
            "trigger.schedule",
            {"cron": "0 0 9 * * 1-5"},
            set(),
        ),
        ("cron", {"triggerTimes": {"item": [{}, {"hour": 3}]}}, 1, "trigger.schedule", {}, {"triggerTimes"}),
        ("interval", {"interval": 3, "unit": "hours"}, 1, "trigger.schedule", {"every_s": 10_800}, set()),
        ("scheduleTrigger", {}, 1.2, "trigger.schedule", {"cron": "0 0 * * *"}, set()),
        ("executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1, "trigger.workflow", {}, set()),
        ("errorTrigger", {}, 1, "trigger.error", {}, set()),
        ("wait", {"amount": 2, "unit": "minutes"}, 1.1, "delay", {"duration_s": 120}, set()),
        ("wait", {}, 1.1, "delay", {"duration_s": 5}, set()),
        ("wait", {}, 1, "delay", {"duration_s": 3600}, set()),
        ("wait", {"amount": "={{ $json.a }}", "unit": "hours"}, 1.1, "delay", {"duration_s": "{{ input.a * 3600 }}"}, set()),
        ("wait", {"resume": "specificTime", "dateTime": "={{ $json.at }}"}, 1.1, "delay", {"until": "{{ input.at }}"}, set()),
        ("wait", {"resume": "specificTime", "dateTime": "2030-01-01T00:00:00"}, 1.1, "delay", {}, {"dateTime"}),
        ("wait", {"resume": "webhook", "options": {}}, 1.1, "wait.webhook", {"timeout_s": 31_622_400}, set()),
        ("noOp", {}, 1, "merge", {"mode": "first"}, set()),
        ("executeWorkflow", {"workflowId": {"value": "x", "mode": "id"}, "options": {}}, 1.2, "workflow.call", {}, {"workflowId"}),
        (
            "executeWorkflow",
            {"workflowId": "7", "workflowInputs": {"value": {"id": "={{ $json.a }}"}}, "options": {"waitForSubWorkflow": False}},
            1.2,
            "workflow.call",
            {"input": {"id": "{{ input.a }}"}, "wait": False},
            {"workflowId"},
        ),
        ("stopAndError", {"errorMessage": "=No {{ $json.a }}"}, 1, "stop", {"status": "failed", "message": "No {{ input.a }}"}, set()),
        (
            "respondToWebhook",
            {"respondWith": "json", "responseBody": '={"id": {{ $json.a }}}', "options": {"responseCode": 201}},
            1.1,
            "webhook.respond",
            {"status": 201, "body": {"id": "{{ input.a }}"}},
            set(),
        ),
        (
            "respondToWebhook",
            {"respondWith": "redirect", "redirectURL": "https://example.com/{{ $json.a }}", "options": {}},
            1.1,
            "webhook.respond",
            {"status": 307, "headers": {"Location": "https://example.com/{{ '{{' }} $json.a }}"}},
            set(),
        ),
        ("respondToWebhook", {"respondWith": "allIncomingItems", "options": {}}, 1.1, "webhook.respond", {"body": "{{ [input] }}"}, set()),
        ("respondToWebhook", {"respondWith": "binary"}, 1.1, "webhook.respond", {}, {"respondWith"}),
    ],
)
def test_other_nodes(kind: str, parameters: dict[str, Any], version: float, type_: str, config: dict[str, Any], told: set[str]) -> None:
    it = _one(kind, parameters, version)
    assert it.configs["it"] == [type_, config]
    assert _told(it) == told


def test_the_time_zone_of_the_workflow_is_the_schedules() -> None:
    nodes = [node("At", "scheduleTrigger", {"rule": {"interval": [{"triggerAtHour": 9}]}}, 1.2)]
    assert Converted(document(nodes, settings={"timezone": "Europe/Berlin"})).configs["at"][1] == {
        "cron": "0 9 * * *",
        "timezone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("kind", "parameters", "version", "type_", "config", "told"),
    [
        ("limit", {"maxItems": 5, "keep": "lastItems"}, 1, "list.limit", {"items": "{{ input.body }}", "count": 5, "keep": "last"}, set()),
        ("sort", {"type": "random"}, 1, "list.sort", {"items": "{{ input.body }}"}, {"type"}),
        (
            "sort",
            {"sortFieldsUi": {"sortField": [{"fieldName": "a.b"}, {"fieldName": "c"}]}, "options": {}},
            1,
            "list.sort",
            {"items": "{{ input.body }}", "by": "a.b"},
            {"sortFieldsUi"},
        ),
        ("removeDuplicates", {"options": {}}, 1, "list.dedupe", {"items": "{{ input.body }}"}, set()),
        (
            "removeDuplicates",
            {"compare": "selectedFields", "fieldsToCompare": "id, name", "options": {}},
            1.1,
            "list.dedupe",
            {"items": "{{ input.body }}", "by": "{{ [item.id|default(none), item.name|default(none)] }}"},
            set(),
        ),
        (
            "removeDuplicates",
            {"operation": "removeItemsSeenInPreviousExecutions", "dedupeValue": "={{ $json.id }}", "options": {}},
            2,
            "list.dedupe",
            {"items": "{{ input.body }}", "against": "earlier", "by": "{{ item.id }}"},
            set(),
        ),
        (
            "summarize",
            {"fieldsToSummarize": {"values": [{"aggregation": "sum", "field": "price"}]}, "fieldsToSplitBy": "city", "options": {}},
            1.1,
            "list.aggregate",
            {
                "items": "{{ input.body }}",
                "functions": [
                    {"name": "city", "function": "first", "field": "city"},
                    {"name": "sum_price", "function": "sum", "field": "price"},
                ],
                "group_by": "city",
            },
            set(),
        ),
        (
            "aggregate",
            {
                "fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "a.b", "renameField": True, "outputFieldName": "all"}]},
                "options": {"mergeLists": True},
            },
            1,
            "list.aggregate",
            {"items": "{{ input.body }}", "functions": [{"name": "all", "function": "list", "field": "a.b"}]},
            {"options.mergeLists"},
        ),
        (
            "itemLists",
            {"operation": "limit", "maxItems": 2},
            3,
            "list.limit",
            {"items": "{{ input.body }}", "count": 2},
            set(),
        ),
        (
            "itemLists",
            {"fieldToSplitOut": "rows", "include": "allOtherFields", "options": {}},
            1,
            "code.python",
            {
                "code": "[{**{name: value for name, value in input['body'].items() if name != 'rows'}, 'rows': one} "
                "for one in input['body']['rows']]"
            },
            set(),
        ),
        ("splitOut", {"fieldToSplitOut": "a, b"}, 1, "code.python", {"code": "input"}, {"fieldToSplitOut"}),
    ],
)
def test_nodes_of_lists_behind_a_request(
    kind: str, parameters: dict[str, Any], version: float, type_: str, config: dict[str, Any], told: set[str]
) -> None:
    nodes = [
        START,
        node("Before", "httpRequest", {"url": "https://example.com", "options": {}}, 4.2),
        node("It", kind, parameters, version),
    ]
    it = Converted(document(nodes, "Start > Before", "Before > It"))
    assert it.configs["it"] == [type_, config]
    assert _told(it) == told


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("n8n-nodes-base.telegram", "sendMessage"),
        ("n8n-nodes-base.gmail", "Notify"),
        (
            "n8n-nodes-base.emailSend",
            "Notify tells members of the project. For all others: use an HTTP request to your mail service's API.",
        ),
        ("n8n-nodes-base.postgres", "databases"),
        ("n8n-nodes-base.rssFeedRead", "fetches the feed"),
        ("n8n-nodes-base.dateTime", "date and shift"),
        ("@n8n/n8n-nodes-langchain.openAi", "chat/completions"),
        ("n8n-nodes-base.someTrigger", "Schedule"),
        ("n8n-nodes-base.hubspot", "HTTP request"),
        ("n8n-nodes-someone.thing", "Put another node there"),
    ],
)
def test_what_has_no_counterpart_says_what_to_use_instead(kind: str, hint: str) -> None:
    it = Converted(document([START, {**node("It", "x"), "type": kind}], "Start > It"))
    assert it.configs["it"] == [kind, {}]
    assert hint in it.told["nodes.1.type"]


def test_what_cannot_stand_here_is_told() -> None:
    """A note that is connected, a webhook that nobody answers, a text that is too long for expressions, and a circle."""
    nodes = [
        node("Hook", "webhook", {"path": "x", "multipleMethods": True, "responseMode": "responseNode"}, 2),
        node("Note", "stickyNote", {"content": "!"}),
        node("Long", "set", {"values": {"string": [{"name": "a", "value": "={{ $json.body.a }}" + "x" * 9000}]}}, 1),
        node("Again", "set", {"values": {"string": [{"name": "a", "value": "={{ $node['Twice'].json.a }}"}]}}, 1),
        node("Twice", "noOp"),
    ]
    given = Converted(document(nodes, "Hook > Note", "Hook > Long", "Hook:1 > Again", "Again > Twice", "Twice > Again"))
    assert given.configs["hook"][1]["methods"] == ["GET", "POST"]
    assert given.wires == {"hook:main>long", "hook:main>again", "again:main>twice"}
    assert set(given.told) == {
        "connections.Hook.main.0",
        "nodes.0.parameters.multipleMethods",
        "nodes.0.parameters.responseMode",
        "nodes.2.parameters.values.string.0.value",
        "nodes.3.parameters.values.string.0.value",
        "connections.Twice.main.0",
    }


def test_a_document_with_too_many_nodes_is_refused() -> None:
    with pytest.raises(Unprocessable, match="501 nodes"):
        n8n.drawn(document([node(f"N{number}", "noOp") for number in range(501)]), "W")


# fmt: off
_NAMES = [
    "mode", "value1", "value2", "dataType", "rules", "rule", "conditions", "options", "output", "operation", "fields", "values",
    "assignments", "url", "method", "requestMethod", "jsonParameters", "sendBody", "sendHeaders", "headerParameters", "jsonBody",
    "specifyBody", "contentType", "responseMode", "httpMethod", "path", "unit", "amount", "interval", "triggerTimes", "resume",
    "fieldToSplitOut", "include", "fieldsToAggregate", "aggregate", "sortFieldsUi", "maxItems", "compare", "fieldsToCompare",
    "fieldsToSummarize", "fieldsToSplitBy", "fieldsToMatchString", "mergeByFields", "joinMode", "combineBy", "clashHandling",
    "respondWith", "responseBody", "workflowInputs", "jsCode", "jsonOutput",
]
_INNER = [
    "name", "value", "values", "rules", "conditions", "string", "number", "boolean", "dateTime", "parameters", "parameter", "item",
    "field", "type", "operation", "operator", "leftValue", "rightValue", "value1", "value2", "combinator", "options", "assignments",
    "fieldToAggregate", "sortField", "fieldName", "interval", "output", "outputKey", "aggregation", "field1", "field2",
    "fallbackOutput", "timeout", "response", "redirect", "clashHandling", "resolveClash", "triggerAtDay", "unit",
]
# fmt: on
_TEXTS = st.sampled_from(
    ["", "a", "a.b", "a, b", "it's", "={{ $json.a }}", "={{ $('Before').item.json.a }}", "={{ x( }}", "all", "any", "2", "{}", "={"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 100) | st.floats(0, 5) | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_INNER), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _nodes(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([*(name.removeprefix("n8n-nodes-base.") for name in COUNTERPARTS), "splitInBatches", "googleSheets"]))
    parameters = draw(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=6))
    version = draw(st.sampled_from([0, 1, 2, 2.2, 3, 3.4, 4.2]))
    return node(draw(st.sampled_from("ABCDEF")), kind, parameters, version, executeOnce=draw(st.booleans()))


def test_models_and_tools_of_an_agent_are_told_once() -> None:
    agent, model = ({**node(name, "x"), "type": f"@n8n/n8n-nodes-langchain.{name}"} for name in ("agent", "lmChatOpenAi"))
    given = document([START, agent, model], "Start > agent")
    given["connections"]["lmChatOpenAi"] = {"ai_languageModel": [[{"node": "agent", "type": "ai_languageModel", "index": 0}]]}
    assert list(Converted(given).told) == ["nodes.1.type", "nodes.2.type"]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    nodes=st.lists(_nodes(), min_size=1, max_size=6),
    ways=st.lists(st.tuples(*[st.sampled_from("ABCDEF")] * 2, *[st.integers(0, 2)] * 2), max_size=8),
)
def test_whatever_stands_in_a_document_it_is_drawn(nodes: list[dict[str, Any]], ways: list[tuple[str, str, int, int]]) -> None:
    given_ways = [f"{source}:{output} > {target}:{place}" for source, target, output, place in ways]
    sheet = n8n.drawn(document(nodes, *given_ways), "W")
    assert impossible(sheet.nodes, sheet.connections()) == []
