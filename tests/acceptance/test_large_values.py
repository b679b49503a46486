"""Files and large values, end to end: fetched, passed on, sent on and downloaded, while processes die and other tenants look."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home

FILE = os.urandom(50 * 2**20)


class Files:
    """A server that gives a file away, and keeps what comes back. `reached` is set when a step waits for `gate`."""

    def __init__(self) -> None:
        self.url = ""
        self.came: list[bytes] = []
        self.served = 0
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()

    async def give(self, request: web.Request) -> web.StreamResponse:
        self.served += 1
        response = web.StreamResponse(headers={"Content-Type": "application/zip", "Content-Length": str(len(FILE))})
        await response.prepare(request)
        for at in range(0, len(FILE), 2**20):
            await response.write(FILE[at : at + 2**20])
        return response

    async def take(self, request: web.Request) -> web.Response:
        self.came.append(await request.read())
        return web.json_response({"got": len(self.came[-1])})

    async def hold(self, request: web.Request) -> web.Response:
        self.reached.set()
        await self.gate.wait()
        return web.json_response({})


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    """On a free port."""
    made = Files()
    app = web.Application(client_max_size=2**27)
    app.router.add_get("/file", made.give)
    app.router.add_post("/file", made.take)
    app.router.add_get("/hold", made.hold)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def node(key: str, type: str, **config: Any) -> dict[str, Any]:
    """A node of a graph."""
    return {"key": key, "type": type, "config": config}


async def download(stack: Stack, api: Api, url: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, bytes and headers."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.token}"}) as session,
        session.get(stack.backend_url + url) as got,
    ):
        return got.status, await got.read(), {name.lower(): value for name, value in got.headers.items()}


async def test_a_file_travels_through_a_workflow_whose_executor_dies(migrated_home: Home, tmp_path: Path, files: Files) -> None:
    with running(migrated_home, tmp_path / "home", env={"TRESTLE_OPEN_REGISTRATION": "true"}) as stack:
        async with Api(stack.backend_url) as api, Api(stack.backend_url) as bob:
            await api.sign_up()
            await bob.sign_up("bob@example.com", name="Bob")
            workflow = await api.workflow(
                [
                    node("hook", "trigger.webhook", path="files"),
                    node("fetch", "http.request", url=files.url + "/file", response="blob"),
                    node("name", "set", fields={"file": "{{ nodes.fetch.body }}", "status": "{{ nodes.fetch.status + 0 }}"}),
                    node("hold", "http.request", url=files.url + "/hold"),
                    node("send", "http.request", method="POST", url=files.url + "/file", body_format="raw", body="{{ nodes.name.file }}"),
                ],
                [("hook", "fetch"), ("fetch", "name"), ("name", "hold"), ("hold", "send")],
            )
            execution_id = await api.post_webhook("files", {"n": 1})
            await asyncio.wait_for(files.reached.wait(), 30)
            await asyncio.to_thread(stack.kill, "executor")
            files.gate.set()
            await asyncio.to_thread(stack.start, "executor")
            await _inputs_and_outputs_of_any_origin(stack, api)
            await _run_out(stack, execution_id)
            done = await api.finished(execution_id, within_s=60)
            assert done["status"] == "succeeded", done
            assert (files.came, files.served) == ([FILE], 1)

            steps = {step["node"]: step for step in await api.steps(execution_id) if step["status"] == "succeeded"}
            assert (steps["name"]["output"], steps["fetch"]["output"]["body"]) == ({"file": None, "status": 200}, None)
            large = steps["name"]["refs"]["/file"]
            assert steps["fetch"]["refs"] == {"/body": large} == steps["name"]["input_refs"]
            assert (large["size"], large["media_type"]) == (len(FILE), "application/zip")
            status, body, headers = await download(stack, api, large["url"])
            assert (status, body) == (200, FILE)
            assert headers["content-disposition"].startswith("attachment")
            assert (headers["x-content-type-options"], headers["content-type"]) == ("nosniff", "application/zip")
            assert "sandbox" in headers["content-security-policy"]
            assert (await download(stack, bob, large["url"]))[0] == 404
            other = await api.post_webhook("files", {"n": 2})
            assert (await download(stack, api, large["url"].replace(execution_id, other)))[0] == 404

            await _previews(api, workflow["id"], execution_id)


async def _run_out(stack: Stack, execution_id: str) -> None:
    """The killed executor's lease is over, half a minute sooner than the clock would have it (test_faults waits for the clock)."""
    database = await asyncpg.connect(stack.database_url)
    try:
        query = "update executions set lease_until = now() where id = $1 and status = 'running' returning id"
        assert await database.fetchval(query, UUID(execution_id)), "the killed executor had it"
    finally:
        await database.close()


async def _previews(api: Api, workflow_id: str, execution_id: str) -> None:
    async def preview(expression: str) -> Any:
        body = {"node": "hold", "expression": expression, "execution_id": execution_id}
        return await api.call("POST", f"/workflows/{workflow_id}/preview", json=body)

    passed_on = await preview("{{ nodes.name.file }}")
    assert (passed_on["value"], passed_on["refs"][""]["size"]) == (None, len(FILE))
    assert "large values" in (await preview("{{ nodes.name.file.base64 }}"))["error"]["message"]
    assert await preview("{{ nodes.name.status }}") == {"value": 200}


async def _inputs_and_outputs_of_any_origin(stack: Stack, api: Api) -> None:
    code = "[{'id': n, 'text': 'x' * 100} for n in range(5000)]"
    workflow = await api.workflow(
        [
            node("start", "trigger.manual"),
            node("make", "code.python", code=code),
            node("pass", "filter", condition="{{ payload.rows[4999].id == 4999 }}"),
            node("count", "set", fields={"n": "{{ nodes.make|length }}", "rows": "{{ payload.rows }}", "made": "{{ input }}"}),
        ],
        [("start", "make"), ("make", "pass"), ("pass", "count")],
        live=False,
    )
    rows = [{"id": n, "text": "y" * 100} for n in range(5000)]
    started = await api.call("POST", f"/workflows/{workflow['id']}/execute", json={"input": {"rows": rows}})
    first = await api.finished(started["execution_id"])
    assert first["status"] == "succeeded", first
    assert (first["input"], list(first["input_refs"])) == (None, [""])
    assert (first["output"], set(first["output_refs"])) == ({"n": 5000, "rows": None, "made": None}, {"/rows", "/made"})
    again = await api.call("POST", f"/executions/{first['id']}/replay", json={})
    second = await api.finished(again["execution_id"])
    assert second["output"]["n"] == 5000
    status, body, _ = await download(stack, api, second["input_refs"][""]["url"])
    assert (status, len(body) > 500_000) == (200, True)
