"""n8n's smaller nodes, and whatever may stand in a whole document: it is drawn, or told."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.errors import Unprocessable
from backend.importing import n8n
from backend.importing.n8n.counterparts import COUNTERPARTS
from tests.backend.importing.n8n_kit import START, Converted, behind, document, node, told_of
from trestle.contracts.graph import impossible


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
    it = behind(kind, parameters, version)
    assert it.configs["it"] == [type_, config]
    assert told_of(it) == told


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
    assert told_of(it) == told


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
