"""What the dashboard counts is the same before and after it has been tallied, and follows what ends late and what is deleted."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.pool import QueuePool

from backend.executions import deleting
from backend.retention.removal import removing
from backend.services import Services
from backend.stats import tallying
from backend.stats.tallying import tally
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK
from tests.backend.people import Person

_MADE = """
insert into executions
    (id, project_id, workflow_id, snapshot_id, status, trigger, input, seed, created_at, started_at, finished_at, settled)
select uuidv7(-age), $1, $2, snapshot_id, $3, '{}', 'null', '', now() - age, now() - age,
    case when $3 in ('succeeded', 'failed', 'cancelled', 'quarantined') then now() - age + interval '2 s' end, true
from versions cross join (select make_interval(mins => $4) as age) a where workflow_id = $2
returning id
"""


class History:
    """Executions of a workflow of somebody's."""

    def __init__(self, services: Services, workflow: dict[str, Any]) -> None:
        self.pool = services.database.hot
        self._of = UUID(workflow["project_id"]), UUID(workflow["id"])

    async def add(self, status: str, *minutes: int) -> list[UUID]:
        """One in this state for each of these ages."""
        return [await self.pool.fetchval(_MADE, *self._of, status, age) for age in minutes]


async def tallied(services: Services, now: datetime | None = None) -> None:
    """A whole round; the backend's own may be under way."""
    while not await tally(services.database.hot, now):
        await asyncio.sleep(0.1)


async def _seen(person: Person) -> list[Any]:
    """Everything that is counted, for each period that can be chosen."""
    periods = [await person.get(f"/stats?hours={hours}") for hours in (1, 24, 168, 720)]
    return [
        (stats["executions"], stats["success_rate"], [interval for interval in stats["series"] if _some(interval)]) for stats in periods
    ]


def _some(interval: dict[str, Any]) -> bool:
    return any(interval[name] for name in ("succeeded", "failed", "others"))


async def test_tallies_tell_what_counting_would(ada: Person, bob: Person, services: Services) -> None:
    await register(services.database)
    pool = services.database.hot
    await pool.execute("truncate tallied, tallies")
    made = await ada.post("/workflows", json={"name": "W", "nodes": [HOOK]})
    await ada.patch(f"/workflows/{made['id']}", json={"enabled": True})
    history = History(services, made)
    day = 24 * 60
    gone = await history.add("succeeded", 0, 7, 8, 200, 2 * day, 29 * day, 40 * day)
    await history.add("failed", 3, 90, 3 * day)
    await history.add("quarantined", 91)
    await history.add("cancelled", 10 * day)
    [late, *_] = await history.add("waiting", 95, 2 * day)
    await history.add("running", 96)
    await history.add("queued", 1, 97)
    counted = await _seen(ada)
    assert counted[3][0] == {"succeeded": 6, "failed": 3, "quarantined": 1, "cancelled": 1, "waiting": 2, "running": 1, "queued": 2}
    await tallied(services)
    assert await pool.fetchval("select sum(succeeded) from tallies") == 5, "what is not over yet, or long over, is not tallied"
    assert await _seen(ada) == counted
    assert await _seen(bob) == [({}, None, [])] * 4

    await pool.execute("update executions set status = 'succeeded', finished_at = now() where id = $1", late)
    await pool.fetch(removing("e.id = any($1::uuid[])"), [gone[3], gone[4]])
    await tallied(services)
    after = await _seen(ada)
    assert after[3][0] == {"succeeded": 5, "failed": 3, "quarantined": 1, "cancelled": 1, "waiting": 1, "running": 1, "queued": 2}
    await pool.execute("truncate tallied, tallies")
    assert await _seen(ada) == after


async def test_tallies_go_on_where_they_stopped(ada: Person, services: Services) -> None:
    pool = services.database.hot
    await pool.execute("truncate tallied, tallies")
    now = await pool.fetchval("select now()")
    for ago in (timedelta(days=40), timedelta(hours=5), timedelta()):
        await tallied(services, now - ago)
    [reach] = await pool.fetch("select since, until from tallied")
    assert timedelta(minutes=1) <= now - reach["until"] <= timedelta(minutes=6)
    assert now - reach["since"] >= timedelta(days=30)


async def _published(ada: Person, services: Services) -> Any:
    await register(services.database)
    hook = {**HOOK, "config": {**HOOK["config"], "path": uuid4().hex}}
    made = await ada.post("/workflows", json={"name": "W", "nodes": [hook]})
    await ada.patch(f"/workflows/{made['id']}", json={"enabled": True})
    return made


async def test_a_history_that_takes_too_long_is_counted_in_smaller_steps(
    ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = services.database.hot
    made = await _published(ada, services)
    history = History(services, made)
    await history.add("succeeded", *range(30, 18 * 60, 60))
    now = datetime.now(UTC)
    counted, spans = tallying._count, []

    async def count(pool: Any, begin: datetime, end: datetime, reached: Any = None) -> bool:
        spans.append(end - begin)
        if end - begin > timedelta(hours=2):
            await pool.execute("select pg_sleep(20)", timeout=0.05)
        return await counted(pool, begin, end, reached)

    monkeypatch.setattr(tallying, "_count", count)
    await pool.execute("truncate tallied, tallies")
    oldest = tallying.floor(now - tallying.KEPT)
    # All but one day has been counted long ago, as far as anybody knows.
    await pool.execute("insert into tallied (since, until) values ($1, $2)", oldest, tallying.floor(now - timedelta(hours=24)))
    await tallied(services, now)
    told = await pool.fetchval("select sum(succeeded) from tallies where project_id = $1", UUID(made["project_id"]))
    assert told == 18
    assert [span for span in spans if span > timedelta(hours=2)] == [timedelta(hours=hours, minutes=5) for hours in (6, 3)]
    assert sum(span > timedelta(hours=1) for span in spans) > 10

    monkeypatch.setattr(tallying, "INTERVAL", timedelta(hours=6))
    await pool.execute("update tallied set until = $1", tallying.floor(now - timedelta(hours=24)))
    with pytest.raises(TimeoutError):
        await tally(pool, now)


async def test_no_smaller_step_is_taken_for_what_it_would_not_help(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def changed(*_: Any) -> list[datetime]:
        asked.append(1)
        raise TimeoutError

    monkeypatch.setattr(tallying, "_changed", changed)
    with pytest.raises(TimeoutError):
        await tally(services.database.hot)
    assert asked == [1]


async def test_no_connection_is_held_while_many_are_deleted(ada: Person, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await _published(ada, services)
    await History(services, made).add("failed", *range(5, 15))
    held, removed = [], deleting._remove

    async def remove(*arguments: Any) -> int:
        pool = services.database.engine.pool
        assert isinstance(pool, QueuePool)
        held.append(pool.checkedout())
        return await removed(*arguments)

    monkeypatch.setattr(deleting, "_remove", remove)
    answer = await ada.post("/executions/delete", expect=200, json={"filter": {"workflow_id": made["id"]}})
    assert answer == {"deleted": 10, "more": False}
    assert held == [0]
    written = "select subject from audit where action = 'execution.deleted' and user_id = $1"
    assert await services.database.hot.fetchval(written, UUID(ada.id)) == "10 executions"
