"""The way in: what is accepted, what is refused, and that accepted means stored."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from backend.errors import TooManyRequests
from backend.executions.accept import Backlog
from backend.settings import Settings
from tests.backend.executions.world import Backend, World, serving

JSON = {"Content-Type": "application/json", "X-Mine": "yes"}


async def test_accepted_means_stored(backend: Backend, world: World) -> None:
    status, answer = await backend.call("POST", "/webhooks/go?a=1&a=2&b=", data=b'{"z":1, "a":[1.0,"\\u0000"]}', headers=JSON)
    assert status == 202
    row = await world.execution(answer["execution_id"])
    assert row["status"] == "queued"
    assert row["input"] == '{"z":1, "a":[1.0,"\\u0000"]}', "stored as it came: order, spelling of numbers, NUL"
    trigger = json.loads(row["trigger"])
    assert (
        trigger.items() >= {"kind": "webhook", "node": "hook", "method": "POST", "path": "go", "query": {"a": ["1", "2"], "b": ""}}.items()
    )
    assert trigger["headers"]["x-mine"] == "yes"
    assert len(row["seed"]) == 16


async def test_what_proves_the_caller_is_not_kept(backend: Backend, world: World) -> None:
    execution_id = await backend.post(headers={"Authorization": "Bearer s3cret", "Cookie": "a=s3cret"})
    assert "s3cret" not in (await world.execution(execution_id))["trigger"]


@pytest.mark.parametrize(
    ("content_type", "body", "stored"),
    [
        ("application/x-www-form-urlencoded", b"name=Ada+L&tag=a&tag=b", {"name": "Ada L", "tag": ["a", "b"]}),
        ("text/plain", "Grüße\x00".encode(), "Grüße\x00"),
        ("application/vnd.api+json; charset=utf-8", b'{"n": 1}', {"n": 1}),
        ("application/json", b"", None),
    ],
)
async def test_kinds_of_body(backend: Backend, world: World, content_type: str, body: bytes, stored: object) -> None:
    status, answer = await backend.call("POST", "/webhooks/go", data=body, headers={"Content-Type": content_type})
    assert status == 202, answer
    assert json.loads((await world.execution(answer["execution_id"]))["input"]) == stored


@pytest.mark.parametrize(
    ("content_type", "body", "status", "said"),
    [
        ("application/json", b"{not json", 400, "not valid JSON"),
        ("application/json", b'{"a": NaN}', 400, "NaN"),
        ("application/json", b"\xff\xfe{}", 400, "not valid JSON"),
        ("application/json", b'{"a": 1, "a": 2}', 422, "key"),
        ("application/json", b"[" * 101 + b"]" * 101, 422, "100 levels"),
        ("text/plain", b"\xff", 400, "UTF-8"),
        ("multipart/form-data", b"x", 400, "no boundary"),
        ("multipart/form-data; boundary=b", b"x", 400, "multipart"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', 400, "cut off"),
        ("application/json", b'"' + b"x" * 100_000 + b'"', 413, "larger than"),
    ],
)
async def test_a_bad_body_is_refused(backend: Backend, world: World, content_type: str, body: bytes, status: int, said: str) -> None:
    got, answer = await backend.call("POST", "/webhooks/go", data=body, headers={"Content-Type": content_type})
    assert (got, answer["status"]) == (status, status)
    assert said in answer["detail"]
    assert await world.pool.fetchval("select count(*) from executions") == 0


async def test_a_body_without_length_is_counted_while_it_streams(backend: Backend, world: World) -> None:
    async def endless() -> object:
        while True:
            yield b" " * 10_000

    status, _ = await backend.call("POST", "/webhooks/go", data=endless(), headers={"Content-Type": "application/json"})
    assert status == 413


async def test_a_caller_who_hangs_up_half_way_starts_nothing(backend: Backend, world: World) -> None:
    address = backend.url.removeprefix("http://").split(":")
    for path in ("/webhooks/go", "/api/v1/users/register", "/internal/v1/register"):
        key = backend.settings.executor_key.get_secret_value()
        lines = f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", "Content-Type: application/json", "Content-Length: 20"
        head = "\r\n".join(lines) + "\r\n\r\n"
        _, writer = await asyncio.open_connection(address[0], int(address[1]))
        writer.write(head.encode() + b"123")  # JSON by itself
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
    await asyncio.sleep(0.2)
    await backend.post()
    assert await world.pool.fetchval("select count(*) from executions") == 1


async def test_what_comes_before_the_body_is_capped(backend: Backend, world: World) -> None:
    large: list[dict[str, Any]] = [{"headers": {f"X{n}": "y" * 7000 for n in range(12)}}, {"params": {"q": "y" * 65_400}}]
    for arguments in large:
        status, answer = await backend.call("POST", "/webhooks/go", json={}, **arguments)
        assert (status, "64 KB" in str(answer)) == (431, True)
    assert await world.pool.fetchval("select count(*) from executions") == 0


async def test_no_such_path_or_method(backend: Backend, world: World) -> None:
    for path in ("nowhere", "%00", "go%00", "go%2F", "%F0%9F%98%80", "%ff", "go/", ""):
        status, answer = await backend.call("POST", f"/webhooks/{path}", json={})
        assert (status, answer["title"]) == (404, "Not found"), path
    async with backend.session.get(f"{backend.url}/webhooks/go") as refused:
        assert (refused.status, refused.headers["Allow"]) == (405, "POST")
    for method in ("HEAD", "OPTIONS", "PUT"):
        async with backend.session.request(method, f"{backend.url}/webhooks/go") as refused:
            assert (refused.status, refused.headers["Allow"]) == (405, "POST")
    assert await world.pool.fetchval("select count(*) from executions") == 0


async def test_a_memory_that_went_stale_starts_nothing(backend: Backend, world: World) -> None:
    await backend.post()
    await world.pool.execute("update workflows set enabled = false")
    assert (await backend.call("POST", "/webhooks/go", json={}))[0] == 404
    await world.pool.execute("update workflows set enabled = true")
    await backend.post()
    await world.pool.execute("delete from triggers")
    assert (await backend.call("POST", "/webhooks/go", json={}))[0] == 404
    other = await World.workflow(world.pool, world.project_id, "go", ["trigger.webhook", "set"])
    execution = await world.execution(await backend.post())
    assert execution["workflow_id"] == other.workflow_id


async def test_calls_at_the_same_time_each_get_their_own_execution(backend: Backend, world: World) -> None:
    ids = await asyncio.gather(*(backend.post(body={"n": n}) for n in range(60)))
    rows = await world.pool.fetch("select id, input from executions")
    assert {str(row["id"]): json.loads(row["input"])["n"] for row in rows} == {i: n for n, i in enumerate(ids)}


async def test_without_redis_calls_are_accepted_all_the_same(settings: Settings, world: World) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with serving(away) as backend:
        execution_id = await backend.post()
        assert (await world.execution(execution_id))["status"] == "queued"


async def test_above_the_cap_callers_are_told_to_come_back(settings: Settings, world: World) -> None:
    async with serving(settings.model_copy(update={"max_queued": 3})) as backend:
        for _ in range(3):
            await backend.post()
        async with backend.session.post(f"{backend.url}/webhooks/go", json={}) as refused:
            assert refused.status == 429
            assert int(refused.headers["Retry-After"]) >= 1
        await world.pool.execute("delete from executions")
        await asyncio.sleep(0.3)
        await backend.post()


async def test_webhooks_keep_a_share_of_the_queue(settings: Settings, world: World) -> None:
    """What the API starts may be tried again by whoever asked; many senders of webhooks never do."""
    async with serving(settings.model_copy(update={"max_queued": 10})) as backend:
        backlog = backend.app.state.services.acceptor.backlog
        for _ in range(9):
            await backend.post()
        with pytest.raises(TooManyRequests, match="9 executions"):
            await backlog.admit()
        await backend.post()
        assert (await backend.call("POST", "/webhooks/go", json={}))[0] == 429


async def test_what_waits_for_its_turn_is_bounded_as_well(backend: Backend, world: World) -> None:
    """It is in nobody's way, so that there may be more of it."""
    backlog = Backlog(world.pool, 2)
    ids = [await backend.post() for _ in range(20)]
    await world.pool.execute("update executions set blocked_on = 'x', slot = 'x' where id <> $1", ids[0])
    await backlog.admit(2)
    await backlog.admit()
    await world.pool.execute("update executions set blocked_on = 'x', slot = 'x'")
    backlog = Backlog(world.pool, 2)
    await backlog.admit(2)
    for _ in range(2):
        with pytest.raises(TooManyRequests, match="concurrency limits"):
            await backlog.admit(webhook=True)
    assert await world.pool.fetchval("select count(*) from executions") == 20


async def test_a_path_takes_so_many_calls_a_second(settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("backend.triggers.calls.time", SimpleNamespace(monotonic=lambda: now))
    async with serving(settings.model_copy(update={"webhook_rate": 5})) as backend:
        other = await World.workflow(world.pool, world.project_id, "other", ["trigger.webhook", "set"])
        for _ in range(5):
            await backend.post()
        async with backend.session.post(f"{backend.url}/webhooks/go", json={}) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        execution = await world.execution(await backend.post("other"))
        assert execution["workflow_id"] == other.workflow_id
        now += 0.3
        await backend.post()


async def test_the_last_call_is_written_down_beside_the_calls(settings: Settings, world: World) -> None:
    last = "select last_fired_at from triggers where id = $1"
    async with serving(settings) as backend:
        await asyncio.gather(*(backend.post() for _ in range(5)))
        async with asyncio.timeout(20):
            while await world.pool.fetchval(last, world.trigger_id) is None:
                await asyncio.sleep(0.05)
        first = await world.pool.fetchval(last, world.trigger_id)
        await backend.post()
    assert await world.pool.fetchval(last, world.trigger_id) > first, "a backend that stops writes what it still knows"
