"""What has finished goes when its workflow's policy says so, what is under way never."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.retention.policies import Caps
from backend.retention.pruning import Pruner
from tests.backend.executions.world import World


async def settings(world: World, **values: Any) -> None:
    """Give the workflow these settings, now."""
    await world.pool.execute("update workflows set settings = $2 where id = $1", world.workflow_id, json.dumps(values))


async def made(world: World, status: str = "succeeded", *, days: float = 0, **columns: Any) -> UUID:
    """An execution that ended so many days ago; None ended it never has."""
    finished = status in ("succeeded", "failed", "cancelled", "quarantined")
    at = datetime.now(UTC) - timedelta(days=days)
    values = {
        "project_id": world.project_id,
        "workflow_id": world.workflow_id,
        "snapshot_id": await world.pool.fetchval("select id from snapshots limit 1"),
        "status": status,
        "trigger": "{}",
        "input": "1",
        "seed": b"x",
        "created_at": at,
        "finished_at": at if finished else None,
        "settled": finished,
        **columns,
    }
    names, places = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
    ident: UUID = await world.pool.fetchval(f"insert into executions ({names}) values ({places}) returning id", *values.values())
    return ident


async def left(world: World) -> list[UUID]:
    """The executions that are there, oldest first."""
    return [row["id"] for row in await world.pool.fetch("select id from executions order by id")]


async def prune(world: World, **caps: int) -> int:
    """One round."""
    return await Pruner(world.pool, Caps(**caps)).prune()


async def test_by_age_failures_twice_as_long_and_never_what_is_under_way(world: World) -> None:
    await settings(world, keep_days=10)
    kept = [
        await made(world, days=9),
        await made(world, "failed", days=19),
        await made(world, "quarantined", days=19),
        *[await made(world, status, days=400) for status in ("queued", "running", "waiting", "paused")],
    ]
    for status, days in (("succeeded", 11), ("cancelled", 11), ("failed", 21), ("quarantined", 21)):
        await made(world, status, days=days)
    assert await prune(world) == 4
    assert await left(world) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {"succeeded": 29, "failed": 59}),
        ({"keep_days": None}, {"succeeded": 1000, "failed": 1000}),
        ({"keep_days": None, "keep_failed_days": 5}, {"succeeded": 1000, "failed": 4}),
        ({"keep_days": 7, "keep_failed_days": 3}, {"succeeded": 6, "failed": 2}),
    ],
)
async def test_how_long_settings_keep(world: World, given: dict[str, Any], kept: dict[str, int]) -> None:
    await settings(world, **given)
    for status, days in kept.items():
        await made(world, status, days=days)
        if days < 1000:
            await made(world, status, days=days + 2)
    await prune(world)
    assert len(await left(world)) == 2


async def test_the_instance_caps_every_age(world: World) -> None:
    await settings(world, keep_days=None)
    kept = [await made(world, days=4), await made(world, "failed", days=9)]
    await made(world, days=6)
    await made(world, "failed", days=11)
    assert await prune(world, days=5) == 2
    assert await left(world) == kept


async def test_executions_of_a_deleted_workflow_go_by_the_default_age(world: World) -> None:
    kept = [await made(world, days=29, workflow_id=None), await made(world, "failed", days=59, workflow_id=None)]
    await made(world, days=31, workflow_id=None)
    await made(world, "failed", days=61, workflow_id=None)
    assert await prune(world) == 2
    assert await left(world) == kept


async def test_by_number_and_failures_last(world: World) -> None:
    await settings(world, keep_count=10)
    now = datetime.now(UTC)
    together = [await made(world, finished_at=now) for _ in range(30)]
    failed = [await made(world, "failed", days=2) for _ in range(3)]
    waiting = await made(world, "waiting", days=9)
    assert await prune(world) == 23, "however many ended in the same moment"
    assert await left(world) == [*together[-7:], *failed, waiting]
    newer = [await made(world, "failed") for _ in range(40)]
    await prune(world)
    assert await left(world) == [*together[-5:], waiting, *newer[-5:]], "neither drives the other out of its half"
    assert await prune(world) == 0


async def test_by_size(world: World) -> None:
    await settings(world, keep_bytes=1000)
    for days in range(9, 0, -1):
        await made(world, days=days, bytes=300)
    large = await made(world, "failed", bytes=450)
    assert await prune(world) == 8
    assert len(await left(world)) == 2
    assert large in await left(world)
    await settings(world, keep_bytes=100)
    await prune(world)
    assert await left(world) == []


async def test_the_instance_keeps_no_more_than_its_caps(world: World) -> None:
    await settings(world, keep_days=None)
    running = await made(world, "running", days=50)
    ids = [await made(world, days=50 - n, bytes=10) for n in range(20)]
    assert await prune(world, count=5) == 15
    assert await left(world) == [running, *ids[15:]]
    assert await prune(world, bytes=25) == 3
    assert await left(world) == [running, *ids[18:]]


async def test_what_somebody_still_builds_on_stays(world: World) -> None:
    await settings(world, keep_days=1, keep_count=1)
    parent = await made(world, "waiting", days=90)
    child = await made(world, days=80, parent_id=parent)
    untold = await made(world, "failed", days=80, settled=False)
    untold_child = await made(world, days=80, settled=False, parent_id=uuid4(), parent_waits=True)
    today = await made(world, dedupe_key="delivery", days=0.5)
    await made(world, dedupe_key="old", days=1.5)
    newest = await made(world)
    assert await prune(world) == 1
    assert await left(world) == [parent, child, untold, untold_child, today, newest]


async def test_polls_and_checks_are_nobodys_history(world: World) -> None:
    await settings(world, keep_days=None)
    kept = [await made(world, days=0.02, kind="poll"), await made(world, "failed", days=0.9, kind="poll"), await made(world, days=9)]
    await made(world, days=0.1, kind="poll")
    await made(world, days=0.1, kind="check", workflow_id=None)
    await made(world, "failed", days=1.1, kind="poll")
    assert await prune(world) == 3
    assert await left(world) == kept


async def test_all_that_belongs_to_it_goes_along(world: World) -> None:
    old, new = [await made(world, days=days) for days in (31, 1)]
    for ident in (old, new):
        await _belongings(world, ident)
    assert await prune(world) == 1
    for table in ("steps", "resolutions", "execution_logs", "webhook_answers", "blob_uses"):
        assert [row[0] for row in await world.pool.fetch(f"select execution_id from {table}")] == [new], table


async def _belongings(world: World, ident: UUID) -> None:
    pool = world.pool
    await pool.execute(
        "insert into steps (execution_id, node, type, attempt, status, epoch, event_seq) values ($1, 'a', 'set', 1, 'succeeded', 1, 1)",
        ident,
    )
    await pool.execute("insert into resolutions (execution_id, node, kind, answer) values ($1, 'a', 'webhook', '1')", ident)
    await pool.execute(
        "insert into execution_logs (execution_id, node, level, message, at) values ($1, 'a', 'info', '', now())",
        ident,
    )
    await pool.execute("insert into webhook_answers (execution_id, status, headers) values ($1, 200, '{}')", ident)
    blob = await pool.fetchval("insert into blobs (project_id, media_type) values ($1, 'text/plain') returning id", world.project_id)
    await pool.execute("insert into blob_uses (blob_id, execution_id) values ($1, $2)", blob, ident)


async def test_graphs_that_nobody_runs_any_more_go(world: World) -> None:
    await made(world)
    age = datetime.now(UTC) - timedelta(days=2)
    await world.pool.execute("update snapshots set created_at = $1", age)
    for name, created_at in (("unused", age), ("young", datetime.now(UTC)), ("published", age)):
        await world.pool.execute("insert into snapshots (id, graph, created_at) values ($1, '{}', $2)", name, created_at)
    await world.pool.execute("insert into versions (workflow_id, number, snapshot_id) values ($1, 1, 'published')", world.workflow_id)
    await prune(world)
    assert await world.pool.fetchval("select count(*) from snapshots") == 3
    assert await world.pool.fetchval("select count(*) from snapshots where id = 'unused'") == 0


async def test_many_go_in_batches_and_one_backend_at_a_time(world: World) -> None:
    await settings(world, keep_days=1)
    one = await made(world, days=3)
    columns = "project_id, workflow_id, snapshot_id, status, trigger, input, seed, created_at, finished_at, settled"
    await world.pool.execute(
        f"insert into executions ({columns}) select {columns} from executions, generate_series(1, 1200) where id = $1", one
    )
    async with world.pool.acquire() as other, other.transaction():
        await other.execute("select pg_advisory_xact_lock($1)", 0x6B656570)
        assert await prune(world) == 0
    async with world.pool.acquire() as other, other.transaction():
        await other.execute("select from executions where id = $1 for update", one)
        assert await prune(world) == 1200, "what somebody holds is left alone, and nobody waits"
    assert await prune(world) == 1


async def test_nobody_waits_for_pruning(world: World) -> None:
    await settings(world, keep_days=1)
    one = await made(world, days=3)
    kept = await made(world, "queued")
    columns = "project_id, workflow_id, snapshot_id, status, trigger, input, seed, created_at, finished_at, settled"
    copied = f"insert into executions ({columns}) select {columns} from executions, generate_series(1, $2) where id = $1"
    await world.pool.execute(copied, one, 1200)
    await world.pool.execute(
        "insert into steps (execution_id, node, type, attempt, status, epoch, event_seq)"
        " select id, 's' || n, 'set', 1, 'succeeded', 1, 1 from executions, generate_series(1, 3) n where finished_at is not null"
    )
    pruning = asyncio.create_task(prune(world))
    rounds = 0
    async with world.pool.acquire() as other:
        await other.execute("set lock_timeout = '20ms'")  # of waiting for a lock, however busy the machine is
        try:
            while not pruning.done():
                await other.execute(copied, kept, 10)
                await other.execute("update executions set status = 'running', epoch = epoch + 1 where status = 'queued'")
                await other.execute(
                    "insert into steps (execution_id, node, type, attempt, status, epoch, event_seq)"
                    " select id, gen_random_uuid()::text, 'set', 1, 'succeeded', 1, 1 from executions where status = 'running' limit 20"
                )
                await other.execute("update executions set status = 'queued' where status = 'running'")
                await other.fetch("select from workflows where id = $1 for no key update", world.workflow_id)
                rounds += 1
        finally:
            await other.execute("reset lock_timeout")
    assert await pruning == 1201
    assert rounds >= 3
