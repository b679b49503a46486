"""Values over 256 KB: taken from their owner chunk by chunk, given to whoever may have them, tidied away."""

import os
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from backend.blobs.service import media_type
from backend.blobs.store import DatabaseStore
from backend.blobs.tidying import tidy
from backend.executions import births
from tests.backend.executions.test_settling import another, resolutions, start
from tests.backend.executions.world import Backend, FakeExecutor, World, report, step
from trestle.contracts.jobs import BLOB_BYTES, BLOB_CHUNK_BYTES

CHUNK = BLOB_CHUNK_BYTES


async def upload(
    executor: FakeExecutor, job: dict[str, Any], data: bytes, *, blob_id: UUID | None = None, kind: str = "application/json", **more: Any
) -> tuple[int, Any]:
    """Sends all chunks; the last answer."""
    blob_id = blob_id or uuid4()
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    answer: tuple[int, Any] = (0, None)
    for place, chunk in enumerate(chunks):
        answer = await send(executor, job, blob_id, place, chunk, last=place == len(chunks) - 1, kind=kind, **more)
    return answer


async def send(
    executor: FakeExecutor, job: dict[str, Any], blob_id: UUID, place: int, chunk: bytes, *, last: bool, kind: str = "text/csv", **more: Any
) -> tuple[int, Any]:
    """One chunk."""
    query = {"execution_id": job["execution_id"], "epoch": job["epoch"], "id": str(blob_id), "place": place, "media_type": kind, **more}
    if last:
        query["last"] = 1
    headers = {"Authorization": f"Bearer {executor.token}"}
    return await executor.backend.call("POST", "/internal/v1/blobs", params=query, data=chunk, headers=headers)


async def fetch(executor: FakeExecutor, job: dict[str, Any], blob_id: str, place: int = 0) -> tuple[int, Any]:
    """One chunk, by the internal way."""
    query = f"execution_id={job['execution_id']}&epoch={job['epoch']}&place={place}"
    return await executor.call(f"blobs/{blob_id}?{query}", None, method="GET")


async def test_what_was_sent_in_chunks_comes_back(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    data = os.urandom(2 * CHUNK + 17)
    status, ref = await upload(executor, job, data, kind="application/pdf")
    assert (status, ref["size"], ref["media_type"]) == (200, len(data), "application/pdf")
    got = b""
    for place in range(3):
        status, chunk = await fetch(executor, job, ref["id"], place)
        assert status == 200
        got += chunk
    assert got == data
    assert (await fetch(executor, job, ref["id"], 3))[0] == 404


async def test_a_repeated_chunk_changes_nothing_and_a_finished_blob_is_immutable(
    backend: Backend, world: World, executor: FakeExecutor
) -> None:
    job, blob_id, first = await executor.take(await backend.post()), uuid4(), os.urandom(CHUNK)
    for _ in range(2):
        assert (await send(executor, job, blob_id, 0, first, last=False))[0] == 200
    assert (await fetch(executor, job, str(blob_id)))[0] == 404, "not complete"
    for _ in range(2):
        status, ref = await send(executor, job, blob_id, 1, b"end", last=True)
        assert (status, ref["size"]) == (200, CHUNK + 3)
    status, ref = await send(executor, job, blob_id, 0, b"other", last=True)
    assert (status, ref["size"]) == (200, CHUNK + 3)
    assert await DatabaseStore(world.pool).get(blob_id, 0) == first


async def test_uploads_are_fenced_and_bounded(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    stale = {**job, "epoch": job["epoch"] + 1}
    assert (await send(executor, stale, uuid4(), 0, b"x", last=True))[0] == 404
    other = await FakeExecutor.register(backend)
    assert (await send(other, job, uuid4(), 0, b"x", last=True))[0] == 404
    await world.pool.execute("update executions set status = 'paused'")
    assert (await send(executor, job, uuid4(), 0, b"x", last=True))[0] == 200, "a step that runs may finish"
    await world.pool.execute("update executions set lease_until = null")
    assert (await send(executor, job, uuid4(), 0, b"x", last=True))[0] == 404, "it was handed back"
    await world.pool.execute("update executions set status = 'running', lease_until = now() + interval '1 minute'")
    assert (await send(executor, job, uuid4(), 0, b"short", last=False))[0] == 422
    assert (await send(executor, job, uuid4(), 1, b"x", last=True))[0] == 404, "its first chunk was never sent"
    blob_id = uuid4()
    await send(executor, job, blob_id, 0, b"x" * CHUNK, last=False)
    assert (await send(executor, job, blob_id, 2, b"x", last=True))[0] == 422, "a chunk is missing"
    status, problem = await send(executor, job, blob_id, 200, b"x" * CHUNK, last=False)
    assert (status, "TRESTLE_MAX_BLOB_BYTES" in problem["detail"]) == (413, True)


async def test_another_projects_blob_can_be_neither_read_nor_used(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    _, ref = await upload(executor, job, b'"secret"')
    theirs = await World.workflow(world.pool, (await World.create(world.pool, "x")).project_id, "theirs", ["trigger.webhook", "set"])
    their_job = await executor.take(await backend.post("theirs"))
    assert (await fetch(executor, their_job, ref["id"]))[0] == 404
    assert (await send(executor, their_job, UUID(ref["id"]), 0, b"x", last=True))[0] == 404
    await executor.report(report(their_job, 1, step("hook", output=None, refs={"": ref})))
    assert await world.pool.fetchval("select count(*) from blob_uses where execution_id = $1", UUID(their_job["execution_id"])) == 0
    birth = births.Birth(theirs.trigger_id, '{"kind": "event", "node": "hook"}', input_refs=orjson.dumps({"": ref}).decode())
    (born,) = await births.insert(world.pool, [birth])
    assert born is not None
    assert await world.pool.fetchval("select count(*) from blob_uses where execution_id = $1", born.execution_id) == 0


async def test_references_go_with_steps_outputs_and_inputs_to_the_next_owner(
    backend: Backend, world: World, executor: FakeExecutor
) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    _, ref = await upload(executor, job, b"[1]")
    done = step("hook", output={"body": None}, refs={"/body": ref})
    assert await executor.verdict(report(job, 1, done)) == "continue"
    await executor.call("release", {"running": [{"execution_id": execution_id, "epoch": job["epoch"]}]})
    job = await executor.take(execution_id)
    assert job["finished"][0]["refs"] == {"/body": ref}
    ending = {"status": "succeeded", "output": "null", "refs": {"": ref}}
    assert await executor.verdict(report(job, 1, ending=ending)) == "continue"
    row = await world.execution(execution_id)
    assert orjson.loads(row["output_refs"]) == {"": ref}
    used = await world.pool.fetch("select blob_id from blob_uses where execution_id = $1", UUID(execution_id))
    assert [str(row["blob_id"]) for row in used] == [ref["id"]]


async def test_a_childs_large_output_is_its_parents_as_well(backend: Backend, world: World, executor: FakeExecutor) -> None:
    called = await another(world, "workflow")
    job = await executor.take(await backend.post())
    child = await executor.take(await start(executor, job, called))
    _, ref = await upload(executor, child, b"[1]")
    await executor.report(report(child, 1, ending={"status": "succeeded", "output": '{"body": null}', "refs": {"/body": ref}}))
    [answered] = await resolutions(world, job["execution_id"])
    assert orjson.loads(answered["refs"]) == {"/output/body": ref}
    [told] = (await executor.heartbeat(job))["resolved"][job["execution_id"]]
    assert told["refs"] == {"/output/body": ref}
    await world.pool.execute("delete from executions where id = $1", UUID(child["execution_id"]))
    used = await world.pool.fetch("select execution_id from blob_uses where blob_id = $1", UUID(ref["id"]))
    assert [str(row["execution_id"]) for row in used] == [job["execution_id"]]


async def test_what_is_kept_for_a_trigger_is_used_by_the_execution_it_makes(backend: Backend, world: World, executor: FakeExecutor) -> None:
    blobs = backend.app.state.services.blobs
    value = orjson.dumps(["x" * BLOB_BYTES]).decode()
    assert await blobs.spill(world.project_id, '"small"') == ('"small"', {})
    stored, refs = await blobs.spill(world.project_id, value)
    assert stored == "null"
    encoded = orjson.dumps({pointer: ref.model_dump(mode="json") for pointer, ref in refs.items()}).decode()
    birth = births.Birth(world.trigger_id, '{"kind": "event", "node": "hook"}', input=stored, input_refs=encoded)
    (born,) = await births.insert(world.pool, [birth])
    assert born is not None
    job = await executor.take(str(born.execution_id))
    assert list(job["input_refs"]) == [""]
    status, chunk = await fetch(executor, job, job["input_refs"][""]["id"])
    assert (status, chunk) == (200, value.encode())


async def test_unused_blobs_and_lost_uploads_are_tidied_away(backend: Backend, world: World, executor: FakeExecutor) -> None:
    pool, store = world.pool, DatabaseStore(world.pool)
    job = await executor.take(await backend.post())
    _, used = await upload(executor, job, b"1")
    blobs = backend.app.state.services.blobs
    unused, fresh = [await blobs.keep(world.project_id, b"2", "text/plain") for _ in range(2)]
    started, lost = uuid4(), uuid4()
    for blob_id in (started, lost):
        await send(executor, job, blob_id, 0, b"x" * CHUNK, last=False)
    old = [UUID(used["id"]), unused.id, lost]
    await pool.execute("update blobs set created_at = now() - interval '3 hours' where id = any($1::uuid[])", old)
    assert await tidy(pool, store, batch=1) == 1
    assert await tidy(pool, store) == 1
    assert await tidy(pool, store) == 0
    left = {row["id"] for row in await pool.fetch("select id from blobs")}
    assert left == {UUID(used["id"]), fresh.id, started}
    assert await store.get(lost, 0) is None
    await pool.execute("delete from executions")
    assert await tidy(pool, store) == 1


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Application/JSON; charset=utf-8", "application/json"),
        ("text/csv; charset=latin-1", "text/csv; charset=latin-1"),
        ("", "application/octet-stream"),
        ("text/html\r\nSet-Cookie: a=b", "application/octet-stream"),
        ("texthtml", "application/octet-stream"),
    ],
)
def test_what_senders_call_their_bytes(said: str, kept: str) -> None:
    assert media_type(said) == kept


async def test_the_pool_is_given_back(database: "asyncpg.Pool[asyncpg.Record]", backend: Backend, world: World) -> None:
    blobs = backend.app.state.services.blobs
    made = await blobs.keep(world.project_id, b"ab" * CHUNK, "text/plain")
    assert [len(chunk) async for chunk in blobs.stream(made.id)] == [CHUNK, CHUNK]
