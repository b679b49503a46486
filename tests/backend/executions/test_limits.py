"""Workflows that limit how many of their executions run at once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.internal import limits
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report
from trestle.contracts.jobs import BLOB_CHUNK_BYTES


async def limited(world: World, **concurrency: Any) -> None:
    """Give the workflow's snapshot this limit, and a text that PostgreSQL's JSON operators don't take."""
    graph = json.loads(await world.pool.fetchval("select graph from snapshots"))
    graph["nodes"][1]["config"] = {"fields": {"a": "\0 \\u0000"}}
    graph["settings"] = {"concurrency": {"key": None, **concurrency}}
    await world.pool.execute("update snapshots set limited = true, graph = $1", json.dumps(graph))


async def states(world: World) -> dict[str, int]:
    """How many executions are in which state; `blocked` are queued ones that wait their turn."""
    query = "select case when blocked_on is null then status else 'blocked' end as state, count(*) from executions group by 1"
    return {row["state"]: row["count"] for row in await world.pool.fetch(query)}


async def test_no_more_run_at_once_than_the_limit_whoever_claims(backend: Backend, world: World) -> None:
    await limited(world, limit=3)
    ids = [await backend.post() for _ in range(12)]
    rivals = [await FakeExecutor.register(backend) for _ in range(3)]
    claimed = await asyncio.gather(*(rival.claim(*ids) for rival in rivals), *(rival.claim() for rival in rivals))
    assert sum(len(answer["jobs"]) for answer in claimed) == 3
    assert await states(world) == {"running": 3, "blocked": 9}
    assert "at most 3" in await world.pool.fetchval("select reason from executions where blocked_on is not null limit 1")


async def test_an_end_lets_the_next_oldest_go(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1)
    ids = [await backend.post() for _ in range(3)]
    [job] = (await executor.claim(*ids))["jobs"]
    for expected in ids:
        assert job["execution_id"] == expected
        assert await executor.verdict(report(job, 1, ending=DONE)) == "continue"
        jobs = (await executor.claim())["jobs"]
        job = jobs[0] if jobs else None
    assert await states(world) == {"succeeded": 3}


async def test_each_value_of_the_key_has_its_own_places(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1, key="{{ payload.customer }}")
    ids = [await backend.post(body={"customer": customer}) for customer in ("a", "a", "b")]
    assert {job["execution_id"] for job in (await executor.claim(*ids))["jobs"]} == {ids[0], ids[2]}


async def test_a_large_input_has_its_keys_place(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """It lies beside the execution; the key is looked up there."""
    await limited(world, limit=1, key="{{ payload.customer }}")
    ids = [await backend.post(body={"customer": customer}) for customer in ("a", "b", "a")]
    for execution_id in ids[:2]:
        await beside(world, execution_id)
    [first, second] = (await executor.claim(*ids))["jobs"]
    assert {first["execution_id"], second["execution_id"]} == {ids[0], ids[1]}
    await executor.report(report(first, 1, ending=DONE))
    assert [job["execution_id"] for job in (await executor.claim())["jobs"]] == [ids[2]]


async def test_long_keys(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """They count by all of what they are, in little room, also where they begin alike; and one that is itself a large value as well."""
    await limited(world, limit=1, key="{{ payload.customer }}")
    long = "x" * 5000
    ids = [await backend.post(body={"customer": long + end}) for end in ("a", "b", "a")]
    assert ids_of(await executor.claim(*ids)) == ids[:2]
    assert await world.pool.fetchval("select max(length(slot)) from executions") < 200
    await world.pool.execute("delete from executions")
    ids = [await backend.post(body={"customer": None}) for _ in range(4)]
    for execution_id, customer in zip(ids, ("a", "b", "a"), strict=False):
        await beside(world, execution_id, '"' + customer * 20_000_000 + '"', "/customer", '{"customer": null}')
    assert ids_of(await executor.claim(*ids)) == [ids[0], ids[1], ids[3]]
    assert "of its kind" in (await world.execution(ids[2]))["reason"]


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("{{ payload.n * payload.n * payload.n }}", b'{"n": 9223372036854775807}'),
        ("{{ payload.n }}", b'{"n": "\\ud800"}'),
        ("{{ payload.n }}", b'{"n": 1e999}'),
        ("{{ payload.n / 0 }}", b'{"n": 1}'),
        ("{{ payload", b'{"n": 1}'),
    ],
)
async def test_an_odd_key_holds_up_nobody(backend: Backend, world: World, executor: FakeExecutor, key: str, body: bytes) -> None:
    await limited(world, limit=1, key=key)
    ids = [await backend.post() for _ in range(2)]
    odd = await world.pool.fetchval("update executions set input = $2 where id = $1 returning id", UUID(ids[0]), body.decode())
    assert str(odd) in ids_of(await executor.claim(*ids)) + ids_of(await executor.claim())


async def test_a_key_that_would_load_too_much_says_so(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1, key="{{ payload.customer.id }}")
    ids = [await backend.post() for _ in range(3)]
    for execution_id, size in zip(ids, (17_000_000, 17_000_000, 300_000), strict=True):
        await beside(world, execution_id, json.dumps({"id": size, "filler": "x" * size}), "/customer", '{"customer": null}')
    assert ids_of(await executor.claim(*ids)) == [ids[0], ids[2]]
    reason = (await world.execution(ids[1]))["reason"]
    assert reason == "Waits its turn: at most 1 of those whose concurrency key has no value, or can't be told, run at once."


async def beside(world: World, execution_id: str, value: str | None = None, at: str = "", rest: str = "null") -> None:
    """Puts an execution's input, or a part of it, where large ones lie."""
    data = (value or (await world.execution(execution_id))["input"]).encode()
    query = "insert into blobs (project_id, size, media_type, complete) values ($1, $2, 'application/json', true) returning id"
    blob_id = await world.pool.fetchval(query, world.project_id, len(data))
    chunks = [data[start : start + BLOB_CHUNK_BYTES] for start in range(0, len(data), BLOB_CHUNK_BYTES)]
    rows = [(blob_id, place, chunk) for place, chunk in enumerate(chunks)]
    await world.pool.executemany("insert into blob_chunks (blob_id, place, data) values ($1, $2, $3)", rows)
    refs = {at: {"id": str(blob_id), "size": len(data), "media_type": "application/json"}}
    query = "update executions set input = $3, input_refs = $2 where id = $1"
    await world.pool.execute(query, UUID(execution_id), json.dumps(refs), rest)
    await world.pool.execute("insert into blob_uses (blob_id, execution_id) values ($1, $2)", blob_id, UUID(execution_id))


async def test_the_sweep_repairs_a_place_that_was_freed_unheard(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1)
    ids = [await backend.post() for _ in range(2)]
    [job] = (await executor.claim(*ids))["jobs"]
    await world.pool.execute("update executions set lease_until = now() - interval '1 s' where status = 'running'")
    async with asyncio.timeout(20):
        while await states(world) != {"queued": 1, "blocked": 1}:
            await asyncio.sleep(0.05)
    [again] = (await executor.claim(*ids))["jobs"]
    assert again["execution_id"] == job["execution_id"], "it keeps its place"
    await world.pool.execute("update executions set status = 'cancelled', finished_at = now() where status = 'running'")
    async with asyncio.timeout(20):
        while await states(world) != {"queued": 1, "cancelled": 1}:
            await asyncio.sleep(0.05)
    assert ids_of(await executor.claim()) == ids[1:]


async def test_the_same_claim_of_a_limited_workflow_again(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=5)
    execution_id, claim_id = await backend.post(), uuid4()
    first = await executor.claim(execution_id, claim_id=claim_id)
    assert first["jobs"] == (await executor.claim(execution_id, claim_id=claim_id))["jobs"] != []


async def version(world: World, **concurrency: Any) -> None:
    """Publish another version, with another limit (None: no limit)."""
    graph = json.loads(await world.pool.fetchval("select graph from snapshots limit 1"))
    graph["settings"] = {"concurrency": {"key": None, **concurrency} if concurrency else None}
    types = await world.pool.fetchval("select types from snapshots limit 1")
    ident = uuid4().hex
    insert = "insert into snapshots (id, graph, types, limited) values ($1, $2, $3, $4)"
    await world.pool.execute(insert, ident, json.dumps(graph), types, bool(concurrency))
    await world.pool.execute("update triggers set snapshot_id = $1", ident)


async def end(executor: FakeExecutor, job: dict[str, Any]) -> None:
    """The job is done."""
    assert await executor.verdict(report(job, 1, ending=DONE)) == "continue"


def ids_of(claimed: dict[str, Any]) -> list[str]:
    """What was claimed."""
    return [job["execution_id"] for job in claimed["jobs"]]


async def test_nobody_overtakes_one_that_waits(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1)
    first, second, third = [await backend.post() for _ in range(3)]
    [job] = (await executor.claim(first, second))["jobs"]
    assert (await executor.claim(third))["jobs"] == [], "second came before"
    await end(executor, job)
    fourth = await backend.post()
    assert (await executor.claim(fourth, third))["jobs"] == [], "the free place is second's, which was called"
    for expected in (second, third, fourth):
        [job] = (await executor.claim())["jobs"]
        assert job["execution_id"] == expected
        await end(executor, job)


async def test_as_many_are_called_as_there_are_places(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=2)
    ids = [await backend.post() for _ in range(8)]
    jobs = (await executor.claim(*ids))["jobs"]
    for job in jobs:
        await end(executor, job)
    for _ in range(3):
        await limits.free(world.pool)
    assert await states(world) == {"succeeded": 2, "queued": 2, "blocked": 4}, "and not more with every sweep"


async def test_one_that_nobody_can_run_keeps_no_place(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1)
    ids = [await backend.post() for _ in range(3)]
    [job] = (await executor.claim(*ids))["jobs"]
    await end(executor, job)
    await world.pool.execute("update executions set reason = 'No executor offers x.' where id = $1", ids[1])
    async with asyncio.timeout(20):
        while (await states(world)).get("blocked", 0):
            await asyncio.sleep(0.05)
    assert ids_of(await executor.claim(ids[2])) == [ids[2]]


async def test_versions_with_other_limits_take_turns(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1)
    old = [await backend.post() for _ in range(3)]
    [job] = (await executor.claim(*old))["jobs"]
    await version(world, limit=5)
    new = [await backend.post() for _ in range(4)]
    assert (await executor.claim(*new))["jobs"] == [], "those with the higher limit don't keep the older ones out for ever"
    for expected in old[1:]:
        await end(executor, job)
        [job] = (await executor.claim())["jobs"]
        assert job["execution_id"] == expected
    await end(executor, job)
    assert ids_of(await executor.claim()) == new
    await version(world)
    free = [await backend.post() for _ in range(3)]
    assert ids_of(await executor.claim(*free)) == free, "without a limit they run, whoever else does"


async def test_waiting_holds_no_place(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1)
    first, second = [await backend.post() for _ in range(2)]
    [job] = (await executor.claim(first, second))["jobs"]
    due_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await executor.verdict(report(job, 1, ending={"status": "waiting", "due_at": due_at})) == "continue"
    assert ids_of(await executor.claim()) == [second]
    await world.pool.execute("update executions set wake_at = now() where id = $1", UUID(first))
    async with asyncio.timeout(20):
        while (await world.execution(first))["status"] != "queued":
            await asyncio.sleep(0.05)
    assert (await executor.claim(first))["jobs"] == [], "its place was given away"


async def test_keys_that_cant_be_told_share_a_slot(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1, key="{{ payload.customer.id }}")
    bodies: list[Any] = [{"customer": 7}, {"x": 1}, [], {"customer": {"id": None}}, {"customer": {"id": 1}}]
    ids = [await backend.post(body=body) for body in bodies]
    assert ids_of(await executor.claim(*ids)) == [ids[0], ids[4]]
