"""Workflows that limit how many of their executions run at once."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report


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


async def test_the_sweep_repairs_a_place_that_was_freed_unheard(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=1)
    ids = [await backend.post() for _ in range(2)]
    [job] = (await executor.claim(*ids))["jobs"]
    await world.pool.execute("update executions set lease_until = now() - interval '1 s' where status = 'running'")
    async with asyncio.timeout(5):
        while await states(world) != {"queued": 2}:
            await asyncio.sleep(0.05)
    [again] = (await executor.claim(*ids))["jobs"]
    assert again["execution_id"] == job["execution_id"], "the oldest first"


async def test_the_same_claim_of_a_limited_workflow_again(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await limited(world, limit=5)
    execution_id, claim_id = await backend.post(), uuid4()
    first = await executor.claim(execution_id, claim_id=claim_id)
    assert first["jobs"] == (await executor.claim(execution_id, claim_id=claim_id))["jobs"] != []
