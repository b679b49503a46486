"""Callers who wait: for a respond node, or for the end. What an author wrote can't harm who looks at it."""

import asyncio
import json
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from backend.blobs import uses
from tests.backend.executions.hooks import configured
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report
from trestle.contracts.jobs import BlobRef

pytestmark = pytest.mark.usefixtures("eager")

ANSWER = "insert into webhook_answers (execution_id, status, headers, body, refs) values ($1, $2, $3, $4, $5)"


async def waiting(world: World) -> UUID:
    """The execution that the call started."""
    async with asyncio.timeout(20):
        while not (found := await world.pool.fetchval("select id from executions where status = 'queued'")):
            await asyncio.sleep(0.01)
    ident: UUID = found
    return ident


async def answered(
    backend: Backend, world: World, status: int = 200, headers: Any = None, body: Any = None, refs: Any = None
) -> tuple[aiohttp.ClientResponse, bytes]:
    """What a caller gets where the respond node gave this."""
    await world.pool.execute("delete from executions")
    await configured(world, respond="node", response_timeout_s=60)

    async def node() -> None:
        execution_id = await waiting(world)
        await uses.note(world.pool, [(execution_id, BlobRef.model_validate(ref)) for ref in (refs or {}).values()])
        values = json.dumps(headers or {}), None if body is None else json.dumps(body), refs and json.dumps(refs)
        await world.pool.execute(ANSWER, execution_id, status, *values)

    calling = backend.session.post(f"{backend.url}/webhooks/go", json={}, allow_redirects=False)
    response, _ = await asyncio.gather(calling, node())
    async with response:
        return response, await response.read()


@pytest.mark.parametrize(
    ("headers", "body", "content_type", "sent"),
    [
        ({}, {"a": [1, 2.50]}, "application/json", b'{"a": [1, 2.5]}'),
        ({}, "Grüße\n", "text/plain; charset=utf-8", "Grüße\n".encode()),
        ({"Content-Type": "text/html"}, "<p>Thanks</p>", "text/html", b"<p>Thanks</p>"),
        ({"content-type": "application/xml"}, "<a/>", "application/xml", b"<a/>"),
        ({}, 0, "application/json", b"0"),
        ({}, None, "application/octet-stream", b""),
    ],
)
async def test_a_respond_node_answers(
    backend: Backend, world: World, headers: dict[str, str], body: Any, content_type: str, sent: bytes
) -> None:
    response, got = await answered(backend, world, 201, {**headers, "X-Mine": "yes"}, body)
    assert (response.status, got, response.headers["X-Mine"]) == (201, sent, "yes")
    assert response.headers.get("Content-Type", "application/octet-stream") == content_type


async def test_other_statuses(backend: Backend, world: World) -> None:
    response, body = await answered(backend, world, 302, {"Location": "https://example.com/thanks"})
    assert (response.status, response.headers["Location"], body) == (302, "https://example.com/thanks", b"")
    response, body = await answered(backend, world, 204, {}, {"not": "sent"})
    assert (response.status, body) == (204, b"")
    response, body = await answered(backend, world, 418, {}, "short")
    assert (response.status, body) == (418, b"short")


async def test_an_author_can_not_harm_who_looks(backend: Backend, world: World) -> None:
    hostile = {
        "Content-Type": "text/html",
        "Set-Cookie": "session=stolen",
        "set-cookie2": "x",
        "Content-Security-Policy": "default-src *",
        "X-Content-Type-Options": "no",
        "X-Frame-Options": "ALLOWALL",
        "Clear-Site-Data": '"*"',
        "Service-Worker-Allowed": "/",
        "X-Accel-Redirect": "/etc/passwd",
        "X-Sendfile": "/etc/passwd",
        "Content-Length": "3",
        "Content-Encoding": "gzip",
        "Transfer-Encoding": "chunked",
        "Connection": "close, X-Fine",
        "X-Split": "a\r\nSet-Cookie: session=stolen",
        "X-Nul": "a\x00b",
        "Bad Name": "x",
        "X\r\nSet-Cookie": "x",
        "": "x",
        "X-Far": "☃",
        "X-Fine": 7,
        "x-fine": "again",
        "X-Nothing": None,
    }
    response, body = await answered(backend, world, 200, hostile, "<script>alert(document.domain)</script>")
    assert body == b"<script>alert(document.domain)</script>"
    sent = {name.lower(): response.headers.getall(name) for name in response.headers}
    assert sent.pop("content-security-policy") == ["sandbox; frame-ancestors 'none'"]
    assert sent.pop("x-content-type-options") == ["nosniff"]
    assert sent.pop("x-frame-options") == ["DENY"]
    assert sent.pop("x-fine") == ["7"]
    assert sent.keys() - {"content-type", "content-length", "date", "server", "referrer-policy", "cache-control"} == set()


async def test_an_answer_may_lie_in_a_blob(backend: Backend, world: World) -> None:
    async def blob(data: bytes, kind: str) -> dict[str, Any]:
        kept = await backend.app.state.services.blobs.keep(world.project_id, data, kind)
        return dict(kept.model_dump(mode="json"))

    picture = bytes(range(256)) * 8000
    response, body = await answered(backend, world, 200, {}, None, {"": await blob(picture, "image/png")})
    assert (body == picture, response.headers["Content-Type"]) == (True, "image/png")
    response, body = await answered(backend, world, 200, {}, None, {"": await blob(b'"long text"', "application/json")})
    assert (body, response.headers["Content-Type"]) == (b"long text", "text/plain; charset=utf-8")
    inner = {"/a/0": await blob(b"[1, 2]", "application/json"), "/b": await blob(b"raw", "image/png")}
    response, body = await answered(backend, world, 200, {}, {"a": [None], "b": None}, inner)
    assert json.loads(body) == {"a": [[1, 2]], "b": None}


async def test_a_reference_to_what_is_not_ours_gives_nothing(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """Another project's value, and what only looks like a reference; in an answer and in an output."""
    stranger = await World.create(world.pool, "theirs")
    kept = await backend.app.state.services.blobs.keep(stranger.project_id, b'"their secret"', "application/json")
    ref = kept.model_dump(mode="json")
    assert (await answered(backend, world, 200, {}, None, {"": ref}))[1] == b""
    assert json.loads((await answered(backend, world, 200, {}, {"a": None}, {"/a": ref}))[1]) == {"a": None}
    assert json.loads((await answered(backend, world, 200, {}, {"a": ref, "refs": {"/a": ref}}))[1]) == {"a": ref, "refs": {"/a": ref}}

    await world.pool.execute("delete from executions")
    await configured(world, respond="when_finished", response_timeout_s=60)

    async def work(**ending: Any) -> None:
        job = await executor.take(str(await waiting(world)))
        await executor.report(report(job, 1, ending={"status": "succeeded", **ending}))

    for ending in ({"output": "null", "refs": {"": ref}}, {"output": '{"a": null}', "refs": {"/a": ref}}):
        (status, answer), _ = await asyncio.gather(backend.call("POST", "/webhooks/go", json={}), work(**ending))
        assert (status, answer) == (200, json.loads(str(ending["output"])))


async def test_without_an_answer(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await configured(world, respond="node", response_timeout_s=60)

    async def work(ending: dict[str, Any]) -> str:
        while not (jobs := (await executor.claim())["jobs"]):
            await asyncio.sleep(0.02)
        await executor.report(report(jobs[0], 1, ending=ending))
        return str(jobs[0]["execution_id"])

    (status, answer), ident = await asyncio.gather(backend.call("POST", "/webhooks/go", json={}), work(DONE))
    assert (status, answer) == (200, {"execution_id": ident}), "ended without"
    failed = {"status": "failed", "error": {"type": "Boom", "message": "internals", "hint": ""}}
    (status, answer), ident = await asyncio.gather(backend.call("POST", "/webhooks/go", json={}), work(failed))
    assert (status, answer) == (500, {"execution_id": ident}), "failed before"
    await configured(world, respond="node", response_timeout_s=0.2)
    status, answer = await backend.call("POST", "/webhooks/go", json={})
    assert (status, set(answer)) == (202, {"execution_id"}), "takes too long"


async def test_who_hangs_up_cancels_nothing_and_gives_the_place_free(backend: Backend, world: World) -> None:
    await configured(world, respond="node", response_timeout_s=60)
    answers = backend.app.state.services.webhooks._answers
    calls = [asyncio.create_task(backend.call("POST", "/webhooks/go", json={"n": n})) for n in range(3)]
    async with asyncio.timeout(20):
        while answers._waiting < 3:
            await asyncio.sleep(0.01)
        for call in calls:
            call.cancel()
        while answers._waiting:
            await asyncio.sleep(0.01)
    assert await world.pool.fetchval("select count(*) from executions where status = 'queued'") == 3


async def test_only_so_many_wait(backend: Backend, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.triggers.answers._MAX_WAITING", 1)
    await configured(world, respond="when_finished", response_timeout_s=60)
    first = asyncio.create_task(backend.call("POST", "/webhooks/go", json={}))
    await waiting(world)
    async with backend.session.post(f"{backend.url}/webhooks/go", json={}) as refused:
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert await world.pool.fetchval("select count(*) from executions") == 1
    first.cancel()


async def test_only_so_many_wait_that_come_at_once(
    backend: Backend, world: World, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.triggers.answers._MAX_WAITING", 2)
    await configured(world, respond="when_finished", response_timeout_s=60)
    calls = [asyncio.create_task(backend.call("POST", "/webhooks/go", json={"n": n})) for n in range(12)]
    async with asyncio.timeout(20):
        while sum(call.done() for call in calls) < 10 or await world.pool.fetchval("select count(*) from executions") < 2:
            await asyncio.sleep(0.02)
    assert [call.result()[0] for call in calls if call.done()] == [429] * 10
    for job in (await executor.claim())["jobs"]:
        await executor.report(report(job, 1, ending=DONE))
    assert sorted([status for status, _ in await asyncio.gather(*calls)]) == [200] * 2 + [429] * 10
    assert await world.pool.fetchval("select count(*) from executions") == 2
