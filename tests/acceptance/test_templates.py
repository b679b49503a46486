"""Every template does what its card promises, with real processes: those that call other services call a stand-in here."""

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.acceptance.api import Api
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack

TASKS = [
    {"title": "Old", "status": "closed", "priority": 9},
    {"title": "Leak", "status": "open", "priority": 3},
    {"title": "Squeak", "status": "open", "priority": 1},
]
OUTPUTS: dict[str, Any] = {
    "route-orders": {"order": 1024, "carrier": "Courier", "days": 1},
    "sum-up-a-table": [
        {"group": "Ada", "orders": 2, "total": 160.0},
        {"group": "Edsger", "orders": 1, "total": 95.0},
        {"group": "Grace", "orders": 1, "total": 80.0},
    ],
    "a-shared-step": {"net": 100, "gross": 120.0},
    "call-a-workflow": {"net": 120, "gross": 144.0},
    "every-page-of-a-list": {"items": [1, 10, 2, 20, 3, 30]},
    "approve-refunds": {"refunded": 240},
    "wait-for-a-call": {"job": "Render the film", "result": {"frames": 24}},
}
TOLD = {
    "check-a-form": "Do you ship to Oslo?",
    "github-pushes": "Turn the wheels\nOil the wheels",
    "remind-later": "Call Grace back",
    "each-event-once": "The door squeaks",
    "score-with-python": "Ada scored 80",
    "alarm-when-something-fails": "The chat did not answer.",
    "watch-a-website": "answered 503",
    "sync-gently": "1 others were.",
}


class Services(Peer):
    """The services that templates call, by path."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, Any] = {}

    async def answer(self, request: web.Request) -> web.Response:
        """A list of tasks, pages, records, of which one is refused; a site that is down; a chat."""
        body = await request.json() if request.can_read_body else None
        match request.path:
            case "/daily-digest/fetch":
                return web.json_response(TASKS)
            case "/every-page-of-a-list/first_page" | "/every-page-of-a-list/each_page":
                page = int(request.query["page"])
                return web.json_response({"pages": 3, "items": [page, 10 * page]})
            case "/sync-gently/fetch":
                return web.json_response([{"id": 1}, {"id": 2}])
            case "/sync-gently/send" if body == {"id": 2}:
                return web.json_response({}, status=400)
            case "/watch-a-website/call":
                return web.json_response({}, status=503)
        self.said[request.path] = body
        return web.json_response({})


async def answered(api: Api, execution_id: str) -> None:
    """Approve, or call, what an execution waits for."""
    async with asyncio.timeout(20):
        while not (waits := [step["wait"] for step in await api.steps(execution_id) if step["wait"]]):
            await asyncio.sleep(0.1)
    [wait] = waits
    if "approve_url" in wait:
        token = wait["approve_url"].rsplit("/approvals/", 1)[1].partition("?")[0]
        await api.raw("POST", f"/approvals/{token}", json={"decision": "approved"})
    else:
        await api.raw("POST", "/resume/" + wait["resume_url"].rsplit("/resume/", 1)[1], json={"frames": 24})


async def test_every_template_does_what_it_promises(stack: Stack) -> None:
    async with Api(stack.backend_url) as api, peer(services := Services()):
        await api.sign_up()
        templates = (await api.call("GET", "/templates"))["items"]
        running: dict[str, str] = {}
        shared = ""
        for template in templates:
            name, document = template["name"], template["document"]
            for need in template["fill_in"]:
                # As a person would who follows the card.
                [node] = [one for one in document["nodes"] if one["key"] == need["node"]]
                if node["type"] == "http.request":
                    node["config"]["url"] = f"{services.url}/{name}/{node['key']}"
                    node["retry"] = {"max_attempts": 1}
                elif need["credential"]:
                    secret = {"name": name, "type": need["credential"], "data": {"secret": "a shared secret"}}
                    node["config"]["auth"]["credential"] = (await api.call("POST", "/credentials", json=secret))["id"]
                elif node["type"] == "workflow.call":
                    node["config"]["workflow_id"] = shared
            made = await api.call("POST", "/workflows/import", json=document)
            assert made["problems"] == [], (name, made["problems"])
            ident = made["workflow"]["id"]
            await api.call("POST", f"/workflows/{ident}/publish")
            shared = ident if name == "a-shared-step" else shared
            body = {"input": template["sample"]}
            running[name] = (await api.call("POST", f"/workflows/{ident}/execute", json=body))["execution_id"]
        await asyncio.gather(answered(api, running["approve-refunds"]), answered(api, running["wait-for-a-call"]))
        for name, execution_id in running.items():
            execution = await api.finished(execution_id)
            assert execution["status"] == "succeeded", (name, execution["error"])
            assert execution["output"] == OUTPUTS.get(name, execution["output"]), name
        told = json.dumps([note["message"] for note in (await api.call("GET", "/notifications?limit=200"))["items"]])
        assert [name for name, text in TOLD.items() if json.dumps(text)[1:-1] not in told] == [], told
        said = services.said
        assert said["/hot-leads-to-chat/chat"] == {"content": "Ada Lovelace (ada@example.com) scored 91"}
        assert said["/daily-digest/chat"] == {"content": "2 to do:\nLeak\nSqueak"}
        assert said["/sync-gently/send"] == {"id": 1}
