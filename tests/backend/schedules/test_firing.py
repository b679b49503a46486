"""Schedules fire once, on time, and make up for missed times as their policy says."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from backend.schedules import firing, tidying
from backend.schedules.scheduler import Scheduler
from backend.schedules.times import parse
from tests.backend.schedules.kit import schedule, scheduler, trigger_of

NOW = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
MINUTELY = parse({"cron": "* * * * *"})


@pytest.mark.parametrize(
    ("config", "due_s_ago", "fires_s_ago"),
    [
        ({}, 3, []),  # a time that no schedule names any more
        ({}, 30, [30]),
        ({"misfire": "skip"}, 30, []),
        ({"misfire": "all"}, 30, [30]),
        ({}, 270, [30]),
        ({"misfire": "last"}, 270, [30]),
        ({"misfire": "skip"}, 270, []),
        ({"misfire": "all"}, 270, [270, 210, 150, 90, 30]),
        ({"misfire": "all", "misfire_limit": 2}, 270, [90, 30]),
        ({"misfire": "all"}, 86_430, [30 + 60 * place for place in reversed(range(100))]),
    ],
)
def test_missed_times(config: dict[str, Any], due_s_ago: int, fires_s_ago: list[int]) -> None:
    times = firing.times(MINUTELY, config, NOW - timedelta(seconds=due_s_ago), NOW)
    assert [int((NOW - time).total_seconds()) for time in times] == fires_s_ago


def test_a_little_late_is_not_missed() -> None:
    every_second = parse({"every_s": 1})
    assert len(firing.times(every_second, {"misfire": "skip"}, NOW - timedelta(seconds=4), NOW)) == 5
    assert firing.times(every_second, {"misfire": "skip"}, NOW - timedelta(seconds=6), NOW) == []


async def test_a_firing_is_an_execution(pool: "asyncpg.Pool[asyncpg.Record]", one: Scheduler) -> None:
    (trigger,) = await schedule(pool, every_s=1)
    before = await pool.fetchrow("select * from triggers where id = $1", trigger)
    assert before is not None
    assert await one.fire() == 1
    row = await pool.fetchrow("select * from executions order by id")  # the next second may have come meanwhile
    assert row is not None
    at = before["due_at"].isoformat().replace("+00:00", "Z")
    told = trigger_of(row)
    assert (told["kind"], told["node"], told["fire_at"]) == ("schedule", "clock", at)
    assert told["fired_at"] >= at[:19]
    assert (row["kind"], row["status"], row["version"], row["input"]) == ("run", "queued", 1, f'{{"fire_at":"{at}"}}')
    fired = await pool.fetchrow("select * from firings order by fire_at")
    assert fired is not None
    assert (fired["fire_at"], fired["execution_id"]) == (before["due_at"], row["id"])
    after = await pool.fetchrow("select * from triggers where id = $1", trigger)
    assert after is not None
    assert after["due_at"] > before["due_at"]
    assert after["last_fired_at"] is not None


async def test_a_firing_that_was_there_makes_no_second_execution(pool: "asyncpg.Pool[asyncpg.Record]", one: Scheduler) -> None:
    await schedule(pool, every_s=3600, due_in_s=0)
    due = await pool.fetchval("update triggers set due_at = to_timestamp(floor(extract(epoch from now()) / 3600) * 3600) returning due_at")
    await one.fire()
    await pool.execute("update triggers set due_at = $1", due)
    assert await one.fire() == 1
    assert await pool.fetchval("select count(*) from executions") == 1
    await pool.execute("update triggers set due_at = $1", due)
    await pool.execute("delete from executions")  # retention is sooner than a firing's memory
    assert await one.fire() == 1
    assert await pool.fetchval("select count(*) from executions") == 0


async def test_only_enabled_workflows_fire(pool: "asyncpg.Pool[asyncpg.Record]", one: Scheduler) -> None:
    await schedule(pool, every_s=1)
    await pool.execute("update workflows set enabled = false")
    await one.fire()
    assert await pool.fetchval("select count(*) from executions") == 0
    assert await pool.fetchval("select due_at from triggers") is None


async def test_who_edits_a_workflow_holds_up_only_that_one(pool: "asyncpg.Pool[asyncpg.Record]", one: Scheduler) -> None:
    held, _ = await schedule(pool, every_s=1, count=2)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select from workflows where id = (select workflow_id from triggers where id = $1) for update", held)
        assert await asyncio.wait_for(one.fire(), 20) == 1
        assert await one.fire() in (0, 1)
        assert await pool.fetchval("select count(*) from firings f join triggers t using (workflow_id) where t.id = $1", held) == 0
    assert await one.fire() >= 1
    assert await pool.fetchval("select count(*) from firings f join triggers t using (workflow_id) where t.id = $1", held) >= 1


async def test_a_schedule_that_can_not_be_read_holds_up_nobody(pool: "asyncpg.Pool[asyncpg.Record]", one: Scheduler) -> None:
    (broken,) = await schedule(pool, cron="* * * * *", timezone="Mars/Olympus", due_in_s=-1)
    await schedule(pool, every_s=1, due_in_s=-10)  # so late that it fires once, however many seconds have gone by
    assert await one.fire() == 2
    assert await pool.fetchval("select array_agg(status order by status) from executions") == ["failed", "queued"]
    row = await pool.fetchrow("select error, due_at > now() + interval '50 minutes' as later from triggers where id = $1", broken)
    assert row is not None
    assert "Mars/Olympus" in row["error"]
    assert row["later"]


async def test_they_fire_on_time(pool: "asyncpg.Pool[asyncpg.Record]", postgres_url: str, redis_url: str) -> None:
    await schedule(pool, every_s=1, due_in_s=1, count=50)
    async with scheduler(postgres_url, redis_url) as (made, _):
        made.start()
        async with asyncio.timeout(20):
            while await pool.fetchval("select count(*) from firings") < 100:
                await asyncio.sleep(0.05)
        await made.aclose()
    late = await pool.fetchval(
        "select percentile_disc(0.1) within group (order by extract(epoch from e.created_at - f.fire_at))"
        " from firings f join executions e on e.id = f.execution_id"
    )
    assert 0 <= late < 1


async def test_ten_thousand_schedules_due_at_once(pool: "asyncpg.Pool[asyncpg.Record]", one: Scheduler) -> None:
    await schedule(pool, cron="0 0 1 1 *", misfire="last", count=10_000, due_in_s=-86_400 * 400)
    plan = "\n".join(row[0] for row in await pool.fetch("explain select min(due_at) from triggers where due_at is not null"))
    assert "triggers_due" in plan
    rounds = 0
    while await one.fire():
        rounds += 1
    assert rounds == 100
    assert await pool.fetchval("select count(*) from executions") == 10_000


async def test_old_firings_go(pool: "asyncpg.Pool[asyncpg.Record]", one: Scheduler) -> None:
    await schedule(pool, every_s=1, due_in_s=-10)
    await one.fire()
    await pool.execute(
        "insert into firings (workflow_id, node, fire_at, created_at)"
        " select workflow_id, node, fire_at - make_interval(days => d), now() - make_interval(days => d)"
        " from firings, generate_series(1, 40) d"
    )
    await tidying.tidy(pool)
    assert await pool.fetchval("select count(*) from firings") == 30
    await pool.execute("update firings set created_at = now() - interval '40 days'")
    await tidying.tidy(pool)
    assert await pool.fetchval("select count(*) from firings") == 1
