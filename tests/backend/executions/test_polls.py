"""Polls: asked one at a time, what they found kept with the cursor in one commit, failures put off and shown."""

import asyncio
import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backend.schedules import polls
from tests.backend.executions.test_blobs import upload
from tests.backend.executions.world import Backend, FakeExecutor, World, report

pytestmark = pytest.mark.usefixtures("eager")

DUE_NOW = "update triggers set due_at = clock_timestamp()"


class Poller:
    """A trigger that is polled, and the executor that polls."""

    def __init__(self, world: World, executor: FakeExecutor) -> None:
        self.world = world
        self.executor = executor
        self.pool = world.pool

    async def trigger(self) -> asyncpg.Record:
        """Its row."""
        row = await self.pool.fetchrow("select *, due_at - now() as due_in from triggers where id = $1", self.world.trigger_id)
        assert row is not None
        return row

    async def asked(self) -> dict[str, Any]:
        """The poll's job, once it is there."""
        async with asyncio.timeout(20):
            while True:
                ident = await self.pool.fetchval("select id from executions where kind = 'poll' and status = 'queued'")
                if ident is not None:
                    return await self.executor.take(str(ident))
                await asyncio.sleep(0.02)

    async def found(self, job: dict[str, Any], *ids: str, state: Any = None) -> str:
        """Reports these events; the verdict."""
        events = [{"id": ident, "payload": {"n": ident}} for ident in ids]
        return await self.executor.verdict(report(job, 1, ending={"status": "succeeded", "polled": {"events": events, "state": state}}))

    async def runs(self) -> list[asyncpg.Record]:
        """The executions that polls started, oldest first."""
        return await self.pool.fetch("select * from executions where kind = 'run' order by id")


@pytest.fixture
async def poller(backend: Backend, world: World, executor: FakeExecutor) -> Poller:
    """A poll that is due now, and every minute."""
    await world.pool.execute("update triggers set kind = 'rss', poll_every_s = 60, due_at = clock_timestamp()")
    return Poller(world, executor)


async def test_events_start_executions_once(poller: Poller, backend: Backend) -> None:
    job = await poller.asked()
    assert (job["kind"], job["task"]) == ("poll", {"type": "poll", "node": "hook", "state": None})
    assert await poller.found(job, "a", "b", "a", state={"seen": 2}) == "continue"
    runs = await poller.runs()
    assert [json.loads(run["input"]) for run in runs] == [{"n": "a"}, {"n": "b"}]
    told = json.loads(runs[0]["trigger"])
    assert (told["kind"], told["node"], told["event_id"]) == ("rss", "hook", "a")
    row = await poller.trigger()
    assert (json.loads(row["state"]), row["poll_id"], row["failures"]) == ({"seen": 2}, None, 0)
    assert 50 < row["due_in"].total_seconds() <= 60
    assert await poller.found(job, "c", state={"seen": 3}) == "continue", "a repeat"
    assert len(await poller.runs()) == 2

    await poller.pool.execute(DUE_NOW)
    again = await poller.asked()
    assert again["task"]["state"] == {"seen": 2}
    await poller.found(again, "b", "c" * 5000, "with\0nul", state={"seen": 4})
    assert len(await poller.runs()) == 4


async def test_an_event_in_a_blob_is_its_executions(poller: Poller) -> None:
    """And of nobody else: another project's blob is not given to it."""
    job = await poller.asked()
    status, ref = await upload(poller.executor, job, b'"large"')
    assert status == 200
    event = {"id": "big", "payload": {"n": 1, "file": None}, "refs": {"/file": ref}}
    await poller.executor.verdict(report(job, 1, ending={"status": "succeeded", "polled": {"events": [event]}}))
    [run] = await poller.runs()
    assert (json.loads(run["input"]), json.loads(run["input_refs"])) == ({"n": 1, "file": None}, {"/file": ref})
    used = "select count(*) from blob_uses where execution_id = $1 and blob_id = $2"
    assert await poller.pool.fetchval(used, run["id"], UUID(ref["id"])) == 1


async def test_one_at_a_time(poller: Poller) -> None:
    job = await poller.asked()
    for _ in range(3):
        await poller.pool.execute(DUE_NOW)
        async with asyncio.timeout(20):
            while (await poller.trigger())["due_in"].total_seconds() < 0:
                await asyncio.sleep(0.02)
    assert await poller.pool.fetchval("select count(*) from executions where kind = 'poll'") == 1
    await poller.found(job, "a")
    assert len(await poller.runs()) == 1


async def test_a_failed_poll_is_put_off_further_each_time_and_shown(poller: Poller) -> None:
    for failures, least_s in ((1, 110), (2, 230)):
        job = await poller.asked()
        error = {"type": "NodeError", "message": "The mailbox is away.", "hint": ""}
        await poller.executor.verdict(report(job, 1, ending={"status": "failed", "error": error, "error_node": "hook"}))
        await poller.pool.execute(DUE_NOW)
        async with asyncio.timeout(20):
            while (row := await poller.trigger())["failures"] < failures:
                await asyncio.sleep(0.02)
        assert json.loads(row["error"])["message"].endswith("The mailbox is away.")
        assert row["due_in"].total_seconds() > least_s
        assert row["poll_id"] is None
        await poller.pool.execute(DUE_NOW)
    await poller.found(await poller.asked())
    row = await poller.trigger()
    assert (row["failures"], row["error"]) == (0, None)


@pytest.mark.parametrize("given_up", ["update workflows set enabled = false", "update triggers set poll_id = uuidv7()"])
async def test_what_nobody_waits_for_is_not_kept(poller: Poller, given_up: str) -> None:
    """Of a disabled workflow, or where another poll was asked since."""
    job = await poller.asked()
    await poller.pool.execute(given_up)
    assert await poller.found(job, "a", state=1) == "continue"
    assert await poller.runs() == []
    assert (await poller.trigger())["state"] is None


async def test_an_abandoned_owner_writes_nothing(poller: Poller) -> None:
    job = await poller.asked()
    stale = {**job, "epoch": job["epoch"] - 1}
    assert await poller.found(stale, "a", state=1) == "stale"
    assert await poller.runs() == []
    assert (await poller.trigger())["state"] is None


async def test_polls_are_no_history_and_take_no_place(poller: Poller, world: World) -> None:
    await world.pool.execute(
        "update snapshots set limited = true, graph = (jsonb_set(graph::jsonb, '{settings}', '{\"concurrency\": {\"limit\": 1}}'))::json"
    )
    job = await poller.asked()
    await poller.found(job, "a", "b")
    first, second = await poller.runs()
    await poller.pool.execute(DUE_NOW)
    claimed = await poller.executor.claim(str(first["id"]), str(second["id"]))
    assert len(claimed["jobs"]) == 1
    assert (await poller.asked())["kind"] == "poll", "although the one place is taken"


def test_ids_of_any_kind() -> None:
    assert polls.dedupe_key("n", "a") == "poll:n:a"
    assert len(polls.dedupe_key("n", "a" * 10_000)) < 100
    assert "\0" not in polls.dedupe_key("n", "a\0")
