"""Server-sent events: what changed, once, in order, from where the caller left off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio as redis

from backend import stream as module
from backend.executions import changes
from backend.queue import DOORBELL
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, serving, step
from trestle.contracts.states import FAILED_ITEMS

Frame = tuple[str, str, dict[str, Any]]


class Listener:
    """Reads a stream."""

    def __init__(self, content: Any) -> None:
        self._content = content

    async def next(self) -> Frame | None:
        """Name, id and data of the next event; None at the stream's end. Comments are passed over."""
        fields: dict[str, str] = {}
        async for line in self._content:
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                continue
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif fields:
                return fields["event"], fields["id"], json.loads(fields["data"])
        return None

    async def rest(self) -> list[Frame]:
        """Everything up to the end."""
        found = []
        while (frame := await self.next()) is not None:
            found.append(frame)
        return found

    async def until(self, name: str, status: str) -> Frame:
        """The first event of this name and status."""
        while True:
            frame = await self.next()
            assert frame is not None, "the stream ended before"
            if frame[0] == name and frame[2]["status"] == status:
                return frame


@pytest.fixture
async def signed_in(backend: Backend, world: World) -> dict[str, str]:
    """Headers of a user who is a member of the world's project."""
    person = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}
    status, user = await backend.call("POST", "/api/v1/users/register", json=person)
    assert status == 201, user
    _, token = await backend.call("POST", "/api/v1/users/login", data={"username": person["email"], "password": person["password"]})
    await world.pool.execute("insert into memberships (project_id, user_id, role) values ($1, $2, 'editor')", world.project_id, user["id"])
    return {"Authorization": f"Bearer {token['access_token']}"}


@asynccontextmanager
async def listening(backend: Backend, path: str, headers: dict[str, str], last: str | None = None) -> AsyncIterator[Listener]:
    """A stream of the API, for as long as the block lasts, which is not long."""
    sent = headers if last is None else {**headers, "Last-Event-ID": last}
    async with asyncio.timeout(30), backend.session.get(f"{backend.url}/api/v1{path}", headers=sent) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Listener(answer.content)


async def test_an_execution_from_queued_to_its_end(
    backend: Backend, world: World, executor: FakeExecutor, signed_in: dict[str, str]
) -> None:
    execution_id = await backend.post()
    async with listening(backend, f"/executions/{execution_id}/events", signed_in) as stream:
        name, _, data = await stream.next() or ("", "", {})
        assert (name, data["status"], data["workflow_id"]) == ("execution", "queued", str(world.workflow_id))
        job = await executor.take(execution_id)
        assert (await stream.until("execution", "running"))[2]["execution_id"] == execution_id
        await executor.report(report(job, 1, step("hook"), step("name", "running")))
        assert (await stream.until("step", "running"))[2]["node"] == "name"
        line = {"node": "name", "level": "info", "message": "hello", "at": "2026-01-01T00:00:00Z"}
        await executor.report(report(job, 2, step("name", output=[1, 2, 3], duration_ms=4.5), ending=DONE, logs=[line]))
        frames = await stream.rest()
    succeeded = next(data for name, _, data in frames if name == "step" and data["status"] == "succeeded")
    assert (succeeded["items"], succeeded["duration_ms"], succeeded["port"]) == (3, 4.5, "main")
    assert "output" not in succeeded
    assert [data["message"] for name, _, data in frames if name == "log"] == ["hello"]
    assert (frames[-1][0], frames[-1][2]["status"]) == ("execution", "succeeded")


async def test_a_broken_stream_goes_on_where_it_broke(
    backend: Backend, world: World, executor: FakeExecutor, signed_in: dict[str, str]
) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("hook")))
    await executor.report(report(job, 2, step("a")))
    await executor.report(report(job, 3, step("b"), step("c"), ending=DONE))
    path = f"/executions/{execution_id}/events"
    async with listening(backend, path, signed_in) as stream:
        whole = await stream.rest()
    assert [data.get("node") for _, _, data in whole] == ["hook", "a", "b", "c", None]
    for place, (_, ident, _) in enumerate(whole):
        async with listening(backend, path, signed_in, last=ident) as stream:
            assert await stream.rest() == whole[place + 1 :]
    async with listening(backend, path, signed_in, last="nonsense") as stream:
        assert await stream.rest() == whole


async def test_a_workflow_s_stream_tells_of_all_its_executions(
    backend: Backend, world: World, executor: FakeExecutor, signed_in: dict[str, str]
) -> None:
    other = await World.workflow(world.pool, world.project_id, "other", ["trigger.webhook", "set"])
    path = f"/workflows/{world.workflow_id}/events"
    async with listening(backend, path, signed_in) as stream:
        await asyncio.sleep(0.1)
        foreign = await backend.post("other")
        first = await backend.post()
        assert (await stream.until("execution", "queued"))[2]["execution_id"] == first
        job = await executor.take(first)
        await executor.report(report(job, 1, step("name"), ending=DONE))
        _, ident, data = await stream.until("execution", "succeeded")
        assert data["execution_id"] == first
    second = await backend.post()
    await executor.report(report(await executor.take(second), 1, step("name"), ending=DONE))
    async with listening(backend, path, signed_in, last=ident) as stream:
        while (await stream.until("execution", "succeeded"))[2]["execution_id"] != second:
            pass
    assert (await world.execution(foreign))["workflow_id"] == other.workflow_id


async def subscribed(backend: Backend, processes: int) -> None:
    """Returns once so many hear what others ring."""
    async with asyncio.timeout(20), redis.from_url(backend.settings.redis_url) as client:
        while dict(await client.pubsub_numsub(DOORBELL)) != {DOORBELL.encode(): processes}:
            await asyncio.sleep(0.02)


async def test_another_process_rings(
    backend: Backend, world: World, executor: FakeExecutor, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience in ("_LOOK_AWAY_S", "_LOOK_ANYWAY_S"):
        monkeypatch.setattr(module, patience, 3600)
    execution_id = await backend.post()
    await subscribed(backend, 1)
    async with serving(backend.settings) as second, listening(second, f"/executions/{execution_id}/events", signed_in) as stream:
        await stream.until("execution", "queued")
        await subscribed(backend, 2)
        await executor.take(execution_id)
        await stream.until("execution", "running")


async def test_without_redis_rows_are_read_each_second(
    backend: Backend, world: World, executor: FakeExecutor, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_ANYWAY_S", 3600)
    execution_id = await backend.post()
    away = backend.settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with serving(away) as deaf, listening(deaf, f"/executions/{execution_id}/events", signed_in) as stream:
        await stream.until("execution", "queued")
        await executor.take(execution_id)
        await stream.until("execution", "running")


async def test_streams_are_for_members_only(backend: Backend, world: World, signed_in: dict[str, str]) -> None:
    execution_id = await backend.post()
    await world.pool.execute("delete from memberships where project_id = $1", world.project_id)
    for path in (f"/executions/{execution_id}/events", f"/workflows/{world.workflow_id}/events"):
        assert (await backend.call("GET", f"/api/v1{path}", headers=signed_in))[0] == 404
        assert (await backend.call("GET", f"/api/v1{path}"))[0] == 401


@pytest.mark.parametrize("end", ["session", "membership"])
async def test_a_stream_ends_with_the_session_and_the_membership_that_it_was_opened_by(
    backend: Backend, world: World, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(module, "_KEEP_ALIVE_S", 0.1)
    monkeypatch.setattr(module, "_LOOK_ANYWAY_S", 0.1)
    execution_id = await backend.post()
    paths = (f"/executions/{execution_id}/events", f"/workflows/{world.workflow_id}/events")
    async with listening(backend, paths[0], signed_in) as one, listening(backend, paths[1], signed_in) as other:
        ends = [asyncio.create_task(stream.rest()) for stream in (one, other)]
        done, _ = await asyncio.wait(ends, timeout=0.8)
        assert not done, "as long as both last"
        if end == "session":
            await world.pool.execute("update refresh_tokens set revoked_at = now()")
        else:
            await world.pool.execute("delete from memberships where project_id = $1", world.project_id)
        async with asyncio.timeout(20):
            await asyncio.gather(*ends)


async def test_why_a_step_waits_or_what_it_passed_over_is_told_whatever_it_holds(
    backend: Backend, world: World, executor: FakeExecutor
) -> None:
    """PostgreSQL looks into no JSON that holds a NUL."""
    job = await executor.take(await backend.post())
    odd = step("name", "waiting", wait={"reason": "rate limited", "state": "\0"}, due_at="2099-01-01T00:00:00Z")
    passed_over = step("each", output=[1, 2, 3], wait={FAILED_ITEMS: 2, "state": "\0"})
    assert await executor.verdict(report(job, 1, odd, passed_over)) == "continue"
    told = [json.loads(event.data) for event in await changes.since(world.pool, {UUID(job["execution_id"]): 0}) if event.name == "step"]
    waiting, went_on = sorted(told, key=lambda one: one["node"], reverse=True)
    assert (waiting["status"], waiting["reason"], waiting["due_at"][:4]) == ("waiting", "rate limited", "2099")
    assert (waiting["failed_items"], went_on["items"], went_on["failed_items"]) == (None, 3, 2)
