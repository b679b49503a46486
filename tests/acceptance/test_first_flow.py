"""The newcomer's first workflow by API alone: draw, publish, enable, call, see it in the history."""

import asyncio
from typing import Any

import aiohttp
import orjson

from tests.acceptance.api import Api
from tests.acceptance.peer import peer
from tests.acceptance.stack import Stack


def hot_lead(chat_url: str) -> tuple[list[dict[str, Any]], list[tuple[str, ...]]]:
    """A webhook, a filter on the score, and a message to a chat."""
    nodes: list[dict[str, Any]] = [
        {"key": "hook", "type": "trigger.webhook", "name": "New lead", "config": {"path": "leads", "methods": ["POST"]}},
        {"key": "hot", "type": "filter", "config": {"condition": "{{ payload.score >= 80 }}"}, "position": {"x": 300, "y": 0}},
        {
            "key": "tell",
            "type": "http.request",
            "config": {"method": "POST", "url": f"{chat_url}/hook", "body": {"content": "{{ payload.name }} scored {{ payload.score }}"}},
            "retry": {"max_attempts": 3, "backoff": "exponential", "delay_s": 1, "max_delay_s": 60},
            "on_error": "stop",
            "timeout_s": 30,
            "position": {"x": 600, "y": 0},
        },
    ]
    return nodes, [("hook", "hot"), ("hot", "tell")]


async def events_of(api: Api, workflow_id: str, ready: asyncio.Event, until: asyncio.Event) -> list[tuple[str, dict[str, Any]]]:
    """Every server-sent event of a workflow until told to stop."""
    seen: list[tuple[str, dict[str, Any]]] = []
    headers = {"Authorization": f"Bearer {api.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{api.url}/api/v1/workflows/{workflow_id}/events", headers=headers) as stream,
    ):
        assert stream.status == 200
        ready.set()
        kind = ""
        while not until.is_set():
            line = (await stream.content.readline()).decode().strip()
            if line.startswith("event:"):
                kind = line[6:].strip()
            elif line.startswith("data:"):
                data = orjson.loads(line[5:])
                seen.append((kind, data))
                if kind == "execution" and data["status"] == "succeeded":
                    until.set()
    return seen


async def test_a_lead_travels_from_the_webhook_to_the_chat_and_into_the_history(stack: Stack) -> None:
    async with peer() as chat, Api(stack.backend_url) as api:
        chat.delay_s = 0.3  # long enough to be seen
        await api.sign_up()
        workflow = await api.workflow(*hot_lead(chat.url), name="Hot lead to chat")
        assert workflow["enabled"]
        assert workflow["published_version"] == 1
        assert workflow["problems"] == []

        ready, done = asyncio.Event(), asyncio.Event()
        watching = asyncio.create_task(events_of(api, workflow["id"], ready, done))
        await asyncio.wait_for(ready.wait(), 20)
        execution_id = await api.post_webhook("leads", {"name": "Ada", "score": 91})
        execution = await api.finished(execution_id)
        events = await asyncio.wait_for(watching, 20)

        assert execution["status"] == "succeeded", execution
        assert execution["version"] == 1
        assert execution["input"] == {"name": "Ada", "score": 91}
        assert execution["trigger"]["kind"] == "webhook"
        assert execution["output"]["status"] == 200
        assert [(call.method, call.path, call.body) for call in chat.calls] == [("POST", "/hook", {"content": "Ada scored 91"})]

        steps = {step["node"]: step for step in await api.steps(execution_id)}
        assert {key: step["status"] for key, step in steps.items()} == {"hook": "succeeded", "hot": "succeeded", "tell": "succeeded"}
        assert (
            steps["hook"]["output"]
            == steps["hot"]["input"]
            == steps["hot"]["output"]
            == steps["tell"]["input"]
            == {"name": "Ada", "score": 91}
        )
        assert steps["tell"]["duration_ms"] > 0

        of_tell = [data["status"] for kind, data in events if kind == "step" and data["node"] == "tell"]
        assert of_tell[-1] == "succeeded"
        assert "running" in of_tell, "a call to the outside shows while it runs"

        cold = await api.finished(await api.post_webhook("leads", {"name": "Bob", "score": 12}))
        assert cold["status"] == "succeeded"
        assert {step["node"]: step["status"] for step in await api.steps(cold["id"])} == {
            "hook": "succeeded",
            "hot": "succeeded",
            "tell": "skipped",
        }
        assert len(chat.calls) == 1

        history = await api.call("GET", f"/workflows/{workflow['id']}/executions")
        assert [row["id"] for row in history["items"]] == [cold["id"], execution_id]


async def test_a_failing_step_is_tried_again_and_then_says_which_why_and_what_to_do(stack: Stack) -> None:
    async with peer() as chat, Api(stack.backend_url) as api:
        await api.sign_up()
        nodes, connections = hot_lead(chat.url)
        nodes[2]["retry"]["delay_s"] = 0.05
        await api.workflow(nodes, connections)

        chat.statuses["/hook"] = [503, 503, 200]
        execution = await api.finished(await api.post_webhook("leads", {"name": "Ada", "score": 91}))
        assert execution["status"] == "succeeded", execution
        attempts = [(step["attempt"], step["status"]) for step in await api.steps(execution["id"]) if step["node"] == "tell"]
        assert attempts == [(1, "failed"), (2, "failed"), (3, "succeeded")]

        chat.statuses["/hook"] = [503, 503, 503]
        execution = await api.finished(await api.post_webhook("leads", {"name": "Ada", "score": 91}))
        assert execution["status"] == "failed"
        assert execution["error"]["node"] == "tell"
        assert "503" in execution["error"]["message"]
        assert execution["error"]["hint"]


async def test_a_long_delay_is_a_row_and_not_a_sleeping_process(stack: Stack) -> None:
    async with Api(stack.backend_url) as api:
        await api.sign_up()
        nodes = [
            {"key": "start", "type": "trigger.webhook", "config": {"path": "later"}},
            {"key": "pause", "type": "delay", "config": {"duration_s": 3}},
            {"key": "after", "type": "set", "config": {"fields": {"seen": "{{ nodes.pause.n + 1 }}"}}},
        ]
        await api.workflow(nodes, [("start", "pause"), ("pause", "after")])
        execution_id = await api.post_webhook("later", {"n": 1})
        async with asyncio.timeout(20):
            while (execution := await api.call("GET", f"/executions/{execution_id}"))["status"] in ("queued", "running"):
                await asyncio.sleep(0.05)
        assert execution["status"] == "waiting"
        assert execution["wake_at"]
        stack.restart("executor")
        execution = await api.finished(execution_id)
        assert execution["status"] == "succeeded", execution
        assert execution["output"] == {"seen": 2}
