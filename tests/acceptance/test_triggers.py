"""Webhooks and events through the whole of it: real calls, a real executor, answers on the wire."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import aiohttp

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack

HOSTILE = {"Content-Type": "text/html", "Set-Cookie": "session=stolen", "X-Order": "{{ payload.id }}"}


def hook(path: str, **config: Any) -> dict[str, Any]:
    """A webhook."""
    return {"key": "hook", "type": "trigger.webhook", "config": {"path": path, **config}}


def step(key: str, kind: str, **config: Any) -> dict[str, Any]:
    """A node."""
    return {"key": key, "type": kind, "config": config}


async def test_webhooks_and_events(stack: Stack) -> None:
    async with Api(stack.backend_url) as api:
        await api.sign_up()
        caller = Api(api.url)
        async with caller:
            await a_node_answers(api, caller)
            await files_and_large_bodies(api, caller)
            await a_signed_delivery_counts_once(api, caller)
            await a_test_event(api, caller)
            await an_event(api)


async def a_node_answers(api: Api, caller: Api) -> None:
    """By a respond node; the workflow goes on after it."""
    page = "<h1>Thanks, {{ payload.name }}</h1><script>document.title = 'harmed'</script>"
    nodes = [
        hook("order", respond="node"),
        step("which", "branch", cases=[{"label": "page", "condition": "{{ payload.page }}"}]),
        step("page", "webhook.respond", status=201, headers=HOSTILE, body=page),
        step("data", "webhook.respond", body={"id": "{{ payload.id }}"}),
        step("fail", "set", fields={"x": "{{ 1 / 0 }}"}),
    ]
    await api.workflow(nodes, [("hook", "which"), ("which", "page", "page"), ("which", "else", "data"), ("data", "fail")])
    status, body, headers = await caller.raw("POST", "/webhooks/order", json={"page": True, "name": "Ada", "id": 7})
    assert (status, body[:20], headers["X-Order"]) == (201, "<h1>Thanks, Ada</h1>", "7")
    assert (headers["Content-Security-Policy"], headers["X-Content-Type-Options"]) == ("sandbox; frame-ancestors 'none'", "nosniff")
    assert "Set-Cookie" not in headers
    status, body, _ = await caller.raw("POST", "/webhooks/order", json={"page": False, "id": 8})
    assert (status, body) == (200, {"id": 8}), "the answer counts, whatever comes after it"


async def files_and_large_bodies(api: Api, caller: Api) -> None:
    """Files and what is over 256 KB lie in blobs; expressions see them all the same."""
    fields = {"name": "{{ payload.doc.filename }}", "size": "{{ payload.doc.size }}", "note": "{{ payload.note }}"}
    await api.workflow([hook("upload", respond="when_finished"), step("keep", "set", fields=fields)], [("hook", "keep")])
    form = aiohttp.FormData()
    form.add_field("note", "see there")
    form.add_field("doc", bytes(range(256)) * 2000, filename="a.bin", content_type="application/octet-stream")
    status, body, _ = await caller.raw("POST", "/webhooks/upload", data=form)
    assert (status, body) == (200, {"name": "a.bin", "size": 512_000, "note": "see there"})

    measured = step("keep", "set", fields={"length": "{{ payload.text|length }}", "first": "{{ payload.list[0] }}"})
    await api.workflow([hook("large", respond="when_finished"), measured], [("hook", "keep")])
    status, body, _ = await caller.raw("POST", "/webhooks/large", json={"text": "x" * 400_000, "list": [7]})
    assert (status, body) == (200, {"length": 400_000, "first": 7})


async def a_signed_delivery_counts_once(api: Api, caller: Api) -> None:
    """As GitHub sends."""
    secret = await api.call("POST", "/credentials", json={"name": "GitHub", "type": "hmac", "data": {"secret": "s3cret"}})
    auth = {"kind": "github", "credential": secret["id"]}
    await api.workflow([hook("push", auth=auth), step("keep", "set", fields={})], [("hook", "keep")])
    body = json.dumps({"ref": "main"}).encode()
    signature = "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature, "X-GitHub-Delivery": "d1"}
    answers = [await caller.raw("POST", "/webhooks/push", data=body, headers=headers) for _ in range(2)]
    assert [answer[0] for answer in answers] == [202, 202]
    assert answers[0][1] == answers[1][1]
    assert (await caller.raw("POST", "/webhooks/push", data=body + b" ", headers=headers))[0] == 401


async def a_test_event(api: Api, caller: Api) -> None:
    """The draft answers one call."""
    nodes = [hook("drafted", respond="node"), step("answer", "webhook.respond", body="draft {{ payload.n }} {{ trigger.test }}")]
    draft = await api.workflow(nodes, [("hook", "answer")], live=False)
    path = (await api.call("POST", f"/workflows/{draft['id']}/listen"))["test_url"].removeprefix(api.url)
    assert path == "/webhooks-test/drafted"
    status, body, _ = await caller.raw("POST", path, json={"n": 1})
    assert (status, body) == (200, "draft 1 true")
    assert (await caller.raw("POST", path, json={"n": 2}))[0] == 404


async def an_event(api: Api) -> None:
    """Starts what it meets; a condition that fails starts the workflow's error workflow."""
    lead = step("on", "trigger.event", condition={"==": [{"var": "type"}, "lead"]})
    first = await api.workflow([lead, step("keep", "set", fields={"type": "{{ payload.type }}"})], [("on", "keep")])
    odd = step("on", "trigger.event", condition={">": [{"var": "type"}, 1]})
    second = await api.workflow([odd, step("keep", "set", fields={})], [("on", "keep")])
    told_of = step("keep", "set", fields={"why": "{{ payload.execution.error.message }}"})
    watch = [step("on", "trigger.error", workflows=[second["id"]]), told_of]
    errors = await api.workflow(watch, [("on", "keep")])
    answer = await api.call("POST", "/events", json={"type": "lead"})
    (started,) = answer["executions"]
    assert started["workflow_id"] == first["id"]
    assert (await api.finished(started["execution_id"]))["output"] == {"type": "lead"}
    assert [problem["workflow_id"] for problem in answer["problems"]] == [second["id"]]
    told: list[Any] = []
    async with asyncio.timeout(20):
        while not told:
            await asyncio.sleep(0.05)
            told = (await api.call("GET", f"/workflows/{errors['id']}/executions"))["items"]
    assert "condition" in (await api.finished(told[0]["id"]))["output"]["why"]
