"""n8n's clipboard and workflows: what becomes of them, and what is told. The dry run stores nothing."""

from typing import Any

import pytest

from backend.importing import n8n
from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.importing.test_import import configs, wires
from tests.backend.people import Person

REWRITE = "raise ValueError('Write this anew in Python: the value of the last expression is the output.')"


def fragment() -> dict[str, Any]:
    """What n8n puts into the clipboard: Webhook → If → HTTP Request → Set."""
    assigned = {"id": "a1", "name": "name", "value": "={{ $('Webhook').item.json.body.name }}", "type": "string"}
    return {
        "nodes": [
            {
                "parameters": {"httpMethod": "POST", "path": "leads", "options": {}},
                "type": "n8n-nodes-base.webhook",
                "typeVersion": 2,
                "position": [-100, 0],
                "id": "6f3c",
                "name": "Webhook",
                "webhookId": "b1",
            },
            {
                "parameters": {
                    "conditions": {
                        "options": {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2},
                        "conditions": [
                            _compared("={{ $json.body.score }}", "number", "gte", 80),
                            _compared('={{ $json["body"]["city"] }}', "string", "notEquals", "St. John's"),
                        ],
                        "combinator": "and",
                    },
                    "options": {},
                },
                "type": "n8n-nodes-base.if",
                "typeVersion": 2.2,
                "position": [120, 0],
                "id": "6f3d",
                "name": "Is it hot?",
            },
            {
                "parameters": {
                    "method": "POST",
                    "url": "=https://chat.example/{{ $json.body.room }}",
                    "authentication": "genericCredentialType",
                    "genericAuthType": "httpHeaderAuth",
                    "sendHeaders": True,
                    "headerParameters": {"parameters": [{"name": "X-From", "value": "{{ n8n }}"}]},
                    "sendBody": True,
                    "specifyBody": "json",
                    "jsonBody": '={"text": "{{ $json.body.name.padEnd(9) }}", "score": "{{ $json.body.score }}"}',
                    "options": {},
                },
                "type": "n8n-nodes-base.httpRequest",
                "typeVersion": 4.2,
                "position": [340, -80],
                "id": "6f3e",
                "name": "Tell the chat",
                "retryOnFail": True,
                "maxTries": 4,
                "onError": "continueErrorOutput",
                "credentials": {"httpHeaderAuth": {"id": "x", "name": "Chat"}},
            },
            {
                "parameters": {
                    "assignments": {
                        "assignments": [assigned, {"id": "a2", "name": "message", "value": "={{ $json.id }}", "type": "string"}]
                    },
                    "options": {},
                },
                "type": "n8n-nodes-base.set",
                "typeVersion": 3.4,
                "position": [560, -80],
                "id": "6f3f",
                "name": "Edit Fields",
            },
            {"parameters": {"jsCode": "return items"}, "type": "n8n-nodes-base.code", "position": [560, 120], "id": "c", "name": "Code"},
        ],
        "connections": {
            "Webhook": {"main": [[{"node": "Is it hot?", "type": "main", "index": 0}]]},
            "Is it hot?": {"main": [[_to("Tell the chat")], [_to("Code")]]},
            "Tell the chat": {"main": [[_to("Edit Fields")], [_to("Code")]]},
        },
        "pinData": {},
        "meta": {"instanceId": "0f"},
    }


def _to(node: str) -> dict[str, Any]:
    return {"node": node, "type": "main", "index": 0}


def _compared(left: Any, kind: str, operation: str, right: Any) -> dict[str, Any]:
    return {"id": "c", "leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation}}


@pytest.fixture
async def _catalogue(services: Services) -> None:
    await register(services.database)


@pytest.mark.usefixtures("_catalogue")
async def test_a_fragment_of_n8n_becomes_nodes_and_what_is_lost_is_told(ada: Person) -> None:
    found = await ada.post("/workflows/import?dry_run=true", expect=200, json=fragment())
    assert configs(found) == {
        "webhook": ["trigger.webhook", {"path": "leads", "methods": ["POST"], "respond": "immediately"}],
        "is_it_hot": [
            "branch",
            {"cases": [{"label": "true", "condition": "{{ (payload.score >= 80) and (payload[\"city\"] != 'St. John\\'s') }}"}]},
        ],
        "tell_the_chat": [
            "http.request",
            {
                "method": "POST",
                "url": "https://chat.example/{{ payload.room }}",
                "body": {"text": "{{ $json.body.name.padEnd(9) }}", "score": "{{ payload.score }}"},
                "headers": {"X-From": "{{ '{{' }} n8n }}"},
            },
        ],
        "edit_fields": ["set", {"fields": {"name": "{{ payload.name }}", "message": "{{ input.body.id }}"}}],
        "code": ["code.python", {"code": f"# return items\n{REWRITE}"}],
    }
    assert wires(found) == {
        "webhook:main>is_it_hot",
        "is_it_hot:true>tell_the_chat",
        "is_it_hot:else>code",
        "tell_the_chat:main>edit_fields",
        "tell_the_chat:error>code",
    }
    nodes = {node["key"]: node for node in found["nodes"]}
    assert (nodes["is_it_hot"]["name"], nodes["webhook"]["position"]) == ("Is it hot?", {"x": -140, "y": 0})
    told = {loss["path"]: loss["reason"] for loss in found["unmapped"]}
    assert set(told) == {
        "nodes.2.parameters.authentication",
        "nodes.2.parameters.jsonBody.text",
        "nodes.4.type",
    }
    assert "padEnd" in told["nodes.2.parameters.jsonBody.text"]
    assert nodes["tell_the_chat"]["retry"]["max_attempts"] == 4
    # Nothing was stored; the same document as a new workflow is the same graph.
    assert (await ada.get("/workflows"))["items"] == []
    made = await ada.post("/workflows/import", json=fragment())
    assert (configs(made["workflow"]), wires(made["workflow"])) == (configs(found), wires(found))
    assert made["unmapped"] == found["unmapped"]


@pytest.mark.usefixtures("_catalogue")
async def test_a_dry_run_is_for_who_may_import_there(ada: Person, bob: Person) -> None:
    project = (await ada.post("/projects", json={"name": "Team"}))["id"]
    where = f"/workflows/import?dry_run=true&project_id={project}"
    await bob.post(where, expect=404, json=fragment())
    await ada.call("PUT", f"/projects/{project}/members/{bob.id}", json={"role": "viewer"})
    await bob.post(where, expect=403, json=fragment())
    assert (await ada.post(where, expect=200, json={"trestle": 1, "name": "W", "nodes": []}))["nodes"] == []
    wrong = await ada.post(where, expect=422, json={"some": "thing"})
    assert "n8n" in wrong["detail"]


@pytest.mark.parametrize(
    ("operation", "right", "said"),
    [
        ("contains", "x", "{{ 'x' in input.a }}"),
        ("notExists", None, "{{ input.a is not defined or input.a is none }}"),
        ("notEmpty", None, "{{ input.a|length > 0 }}"),
        ("startsWith", "x", "{{ input.a is startingwith 'x' }}"),
        ("notEndsWith", "x", "{{ input.a is not endingwith 'x' }}"),
        ("regex", "^a", None),
        ("equals", "={{ $json.b + 1 }}", None),
    ],
)
def test_conditions_are_said_exactly_or_told(operation: str, right: Any, said: str | None) -> None:
    conditions = {"conditions": [_compared("={{ $json.a }}", "string", operation, right)], "combinator": "and"}
    node = {"parameters": {"conditions": conditions}, "type": "n8n-nodes-base.filter", "name": "Filter"}
    sheet = n8n.drawn({"nodes": [node], "connections": {}}, "W")
    assert sheet.nodes[0].config.get("condition") == said
    assert bool(sheet.unmapped) == (said is None)


@pytest.mark.parametrize(
    ("rule", "config"),
    [
        ({"field": "cronExpression", "expression": "0 9 * * 1-5"}, {"cron": "0 9 * * 1-5"}),
        ({"field": "minutes", "minutesInterval": 5}, {"every_s": 300}),
        ({"triggerAtHour": 7}, {"cron": "0 7 * * *"}),
        ({"field": "hours", "hoursInterval": 6, "triggerAtMinute": 30}, {"cron": "30 */6 * * *"}),
        ({"field": "weeks", "triggerAtDay": [1, 5], "triggerAtHour": 8}, {"cron": "0 8 * * 1,5"}),
        ({"field": "months", "monthsInterval": 3, "triggerAtDayOfMonth": 2}, {"cron": "0 0 2 */3 *"}),
        ({"field": "minutes"}, {"every_s": 300}),
        ({"field": "hours", "hoursInterval": 5}, {}),
        ({"field": "weeks", "weeksInterval": 2}, {}),
    ],
)
def test_schedules(rule: dict[str, Any], config: dict[str, Any]) -> None:
    node = {"parameters": {"rule": {"interval": [rule]}}, "type": "n8n-nodes-base.scheduleTrigger", "name": "Every day"}
    sheet = n8n.drawn({"nodes": [node], "connections": {}}, "W")
    assert sheet.nodes[0].config == config
    assert bool(sheet.unmapped) == (not config)


def test_data_of_several_nodes_a_loop_or_nobody_is_told() -> None:
    read = {"parameters": {"url": "={{ $json.x }}{{ $('Nobody').item.json.x }}"}, "type": "n8n-nodes-base.httpRequest", "name": "Call"}
    hook = {"parameters": {"authentication": "basicAuth"}, "type": "n8n-nodes-base.webhook", "name": "Hook"}
    noted = {"parameters": {"content": "## Note", "width": 20}, "type": "n8n-nodes-base.stickyNote", "name": "Note", "position": ["?", 0]}
    main = {
        "Hook": {"main": [[_to("Call")]]},
        "Call": {"main": [None, [_to("Call")]], "ai_tool": [[_to("Hook")]]},
        "Gone": {"main": [[_to("Call")]]},
    }
    sheet = n8n.drawn({"nodes": [hook, read, noted, 3, hook], "connections": main, "pinData": {"Hook": []}}, "W")
    assert [node.type for node in sheet.nodes] == ["trigger.webhook", "http.request", "note"]
    assert sheet.nodes[0].config["auth"] == {"kind": "basic"}, "an open one it must not become"
    assert sheet.nodes[1].config["url"] == "{{ $json.x }}{{ $('Nobody').item.json.x }}"
    assert sheet.nodes[2].config == {"text": "## Note", "width": 120}
    paths = [loss.path for loss in sheet.unmapped]
    assert paths.count("nodes.1.parameters.url") == 2
    assert {"nodes.3", "nodes.4", "connections.Gone.main.0", "connections.Call.ai_tool", "connections.Call.main.1", "pinData"} <= set(paths)
