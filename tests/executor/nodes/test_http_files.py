"""`http.request` and files: what is fetched as a blob, and sent on, without being held."""

import gzip
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from executor.errors import NodeError
from executor.nodes.network.http_request import MAX_HELD, HttpRequest
from executor.testing import RecordingContext, run_node
from trestle.language import Reference
from trestle.outbound import OutboundClient, Policy

FILE = os.urandom(400_000)
LONG = b'["' + b"x" * MAX_HELD + b'"]'


class Server:
    """Serves files, and keeps what it is sent."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def get(self, request: web.Request) -> web.Response:
        body, kind = {
            "file": (FILE, "application/zip"),
            "small": (FILE[:100], "application/zip"),
            "long": (LONG, "application/json; charset=utf-8"),
            "empty": (b"", "application/zip"),
            "packed": (gzip.compress(bytes(3_000_000)), "application/octet-stream"),
        }[request.match_info["name"]]
        headers = {"Content-Type": kind}
        if request.match_info["name"] == "packed":
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers, status=int(request.query.get("status", "200")))

    async def post(self, request: web.Request) -> web.Response:
        if request.query.get("again"):
            await request.read()
            raise web.HTTPTemporaryRedirect("/")
        self.seen.append((dict(request.headers), await request.read()))
        return web.json_response({"got": len(self.seen[-1][1])})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """On a free port."""
    made = Server()
    app = web.Application(client_max_size=2**26)
    app.router.add_get("/{name}", made.get)
    app.router.add_post("/", made.post)
    async with TestServer(app) as started:
        made.url = str(started.make_url("")).rstrip("/")
        yield made


@pytest.fixture
async def ctx() -> AsyncIterator[RecordingContext]:
    """A context whose client may reach this machine."""
    async with OutboundClient(Policy.parse("127.0.0.0/8")) as client:
        yield RecordingContext(client=client)


async def send(ctx: RecordingContext, config: dict[str, Any], **names: Any) -> Any:
    """Runs the node."""
    return await run_node(HttpRequest(), config, ctx=ctx, **names)


@pytest.mark.parametrize(
    ("path", "response", "stored"),
    [
        ("file", "blob", (FILE, "application/zip")),
        ("file", "auto", (FILE, "application/zip")),
        ("small", "blob", (FILE[:100], "application/zip")),
        ("long", "blob", (LONG, "application/json; charset=utf-8")),
        ("long", "auto", (LONG, "application/json; charset=utf-8")),
        ("packed", "auto", (bytes(3_000_000), "application/octet-stream")),
    ],
)
async def test_what_is_large_or_asked_for_becomes_a_blob(
    server: Server, ctx: RecordingContext, path: str, response: str, stored: tuple[bytes, str]
) -> None:
    output = await send(ctx, {"url": f"{server.url}/{path}", "response": response})
    body = output["body"]
    assert isinstance(body, Reference)
    assert (ctx.stored[body.id], body.media_type, output["status"]) == (*stored, 200)


async def test_small_binary_answers_and_empty_ones_stay_values(server: Server, ctx: RecordingContext) -> None:
    assert (await send(ctx, {"url": f"{server.url}/small"}))["body"]["content_type"] == "application/zip"
    assert (await send(ctx, {"url": f"{server.url}/empty", "response": "blob"}))["body"] is None
    with pytest.raises(NodeError, match=r"larger than|more than"):
        await send(ctx, {"url": f"{server.url}/long", "response": "json"})


async def test_an_answer_that_fails_the_step_is_not_stored(server: Server, ctx: RecordingContext) -> None:
    with pytest.raises(NodeError, match="answered 503"):
        await send(ctx, {"url": f"{server.url}/file?status=503", "response": "blob"})
    assert ctx.stored == {}
    await send(ctx, {"url": f"{server.url}/file?status=503", "response": "blob", "success": ["503"]})
    assert len(ctx.stored) == 1


@pytest.mark.parametrize("query", ["", "?again=1"])
async def test_a_file_is_sent_on_as_it_came(server: Server, ctx: RecordingContext, query: str) -> None:
    file = Reference(uuid4(), len(FILE), "application/zip")
    ctx.stored[file.id] = FILE
    names = {"nodes": {"fetch": {"body": file}}, "references": True}
    config = {"method": "POST", "url": server.url + "/" + query, "body_format": "raw", "body": "{{ nodes.fetch.body }}"}
    await send(ctx, config, **names)
    headers, body = server.seen[-1]
    assert body == FILE
    assert (headers["Content-Type"], headers["Content-Length"]) == ("application/zip", str(len(FILE)))
    parts = {"note": "hi", "file": {"filename": "a.zip", "content": "{{ nodes.fetch.body }}"}, "same": "{{ nodes.fetch.body }}"}
    await send(ctx, {**config, "body_format": "multipart", "body": parts}, **names)
    headers, body = server.seen[-1]
    assert body.count(FILE) == 2
    assert b'filename="a.zip"' in body
    assert int(headers["Content-Length"]) == len(body)


async def test_a_json_body_holds_what_a_reference_stands_for(server: Server, ctx: RecordingContext) -> None:
    value = Reference(uuid4(), 3, "application/json")
    ctx.stored[value.id] = b"[1]"
    config = {"method": "POST", "url": server.url + "/", "body": {"list": "{{ payload }}"}}
    await send(ctx, config, payload=value, references=True)
    assert server.seen[-1][1] == b'{"list":[1]}'
