"""Schedules through the API: published, enabled, listed, previewed."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import MANUAL, node, wires
from tests.backend.people import Person


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


async def make(ada: Person, settings: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    """A workflow behind a schedule."""
    clock = node("clock", "trigger.schedule", **config)
    body = {"name": "Nightly", "nodes": [clock, node("a")], "connections": wires("clock>a"), "settings": settings or {}}
    made: dict[str, Any] = await ada.post("/workflows", json=body)
    return made


async def triggers(services: Services, workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """The workflow's rows."""
    rows = await services.database.hot.fetch("select * from triggers where workflow_id = $1", workflow["id"])
    return [dict(row) for row in rows]


async def test_enabling_makes_it_due_and_disabling_ends_that(ada: Person, services: Services) -> None:
    made = await make(ada, {"timezone": "Europe/Berlin"}, cron="30 2 * * *")
    path = f"/workflows/{made['id']}"
    await ada.post(f"{path}/publish", json={})
    (row,) = await triggers(services, made)
    assert (row["kind"], row["due_at"]) == ("schedule", None)
    await ada.patch(path, json={"enabled": True})
    (row,) = await triggers(services, made)
    assert row["due_at"] > datetime.now(UTC)

    (listed,) = (await ada.get("/schedules"))["items"]
    assert listed["trigger_id"] == str(row["id"])
    assert (listed["workflow_id"], listed["node"], listed["cron"], listed["every_s"]) == (made["id"], "clock", "30 2 * * *", None)
    assert (listed["timezone"], listed["last"], len(listed["next"])) == ("Europe/Berlin", None, 10)
    assert datetime.fromisoformat(listed["next"][0]) == row["due_at"]
    previewed = await ada.post("/schedules/preview", expect=200, json={"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
    assert previewed == {"next": listed["next"]}

    await ada.patch(path, json={"enabled": False})
    (row,) = await triggers(services, made)
    assert row["due_at"] is None
    (listed,) = (await ada.get("/schedules"))["items"]
    assert (listed["enabled"], listed["next"]) == (False, [])


async def test_publishing_again_keeps_what_is_due(ada: Person, services: Services) -> None:
    made = await make(ada, every_s=86_400)
    path = f"/workflows/{made['id']}"
    await ada.patch(path, json={"enabled": True})
    late = datetime.now(UTC) - timedelta(seconds=1)
    await services.database.hot.execute("update workflows set enabled = true where id = $1", made["id"])
    (before,) = await triggers(services, made)
    soon = late + timedelta(seconds=3600)
    await services.database.hot.execute("update triggers set due_at = $2, last_fired_at = $3 where id = $1", before["id"], soon, late)
    await ada.post(f"{path}/publish", json={})
    (after,) = await triggers(services, made)
    assert after["id"] != before["id"]
    assert (after["due_at"], after["last_fired_at"]) == (soon, late)
    clock = next(n for n in made["nodes"] if n["key"] == "clock")
    await ada.patch(f"/nodes/{clock['id']}", json={"config": {"every_s": 7200}})
    await ada.post(f"{path}/publish", json={})
    (changed,) = await triggers(services, made)
    assert changed["due_at"].timestamp() % 7200 == 0
    assert changed["due_at"] > datetime.now(UTC)


async def test_it_fires_and_says_how_that_went(ada: Person, services: Services) -> None:
    made = await make(ada, every_s=1)
    await ada.patch(f"/workflows/{made['id']}", json={"enabled": True})
    for _ in range(400):
        found = (await ada.get("/executions?trigger=schedule"))["items"]
        if found:
            break
        await asyncio.sleep(0.05)
    (listed,) = (await ada.get("/schedules"))["items"]
    assert listed["last"]["status"] == "queued"
    first = await ada.get(f"/executions/{found[-1]['id']}")
    assert first["trigger"]["kind"] == "schedule"
    assert first["input"] == {"fire_at": first["trigger"]["fire_at"]}


@pytest.mark.parametrize(
    ("config", "field", "says"),
    [
        ({"cron": "61 * * * *"}, "cron", "minute is wrong"),
        ({"cron": "hello"}, "cron", "5 or 6"),
        ({"cron": "{{ payload.x }} * * * *"}, "cron", "cron"),
        ({"cron": "* * * * *", "every_s": 5}, "cron", "one of the two"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "timezone", "Mars/Olympus"),
        ({"every_s": 0}, "every_s", "at least 1"),
        ({"every_s": 5, "misfire": "often"}, "misfire", "must be one of"),
    ],
)
async def test_what_can_not_be_is_not_published(ada: Person, config: dict[str, Any], field: str, says: str) -> None:
    made = await make(ada, **config)
    refused = await ada.post(f"/workflows/{made['id']}/publish", expect=422, json={})
    (error,) = refused["errors"]
    assert (error["node"], error["loc"][:2]) == ("clock", ["config", field])
    assert says in error["message"]


async def test_one_of_the_two_is_demanded(ada: Person) -> None:
    made = await make(ada)
    refused = await ada.post(f"/workflows/{made['id']}/publish", expect=422, json={})
    assert "needs one of cron, every_s" in refused["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"cron": "61 * * * *"},
        {},
        {"cron": "* * * * *", "every_s": 1},
        {"every_s": -1},
        {"cron": "* * * * *", "timezone": "Mars/Olympus"},
        {"cron": "* * * * *", "other": 1},
    ],
)
async def test_a_preview_of_what_can_not_be(ada: Person, body: dict[str, Any]) -> None:
    refused = await ada.post("/schedules/preview", expect=422, json=body)
    assert refused["errors"][0]["loc"][-1] in ("cron", "every_s", "timezone", "other")


async def test_a_preview_of_seconds(ada: Person) -> None:
    found = await ada.post("/schedules/preview", expect=200, json={"every_s": 20})
    cron = await ada.post("/schedules/preview", expect=200, json={"cron": "*/20 * * * * *", "timezone": "UTC"})
    assert len(found["next"]) == 10
    assert set(found["next"]) & set(cron["next"])
    assert found["next"][0].endswith("Z")


async def test_nobody_sees_others_schedules(ada: Person, bob: Person, client: Any) -> None:
    made = await make(ada, every_s=3600)
    await ada.patch(f"/workflows/{made['id']}", json={"enabled": True})
    assert (await bob.get("/schedules"))["items"] == []
    assert (await client.get("/api/v1/schedules")).status_code == 401
    assert (await client.post("/api/v1/schedules/preview", json={"every_s": 5})).status_code == 401


async def test_enabling_still_needs_something_that_fires(ada: Person) -> None:
    made = await ada.post("/workflows", json={"name": "By hand", "nodes": [MANUAL], "connections": []})
    refused = await ada.patch(f"/workflows/{made['id']}", expect=422, json={"enabled": True})
    assert "schedule" in refused["detail"]


async def test_a_poll_keeps_its_cursor_and_says_how_it_goes(ada: Person, services: Services) -> None:
    """Through publishing: what it knew, when it is due, and why it failed last."""
    mail = {
        "type": "trigger.mail",
        "title": "Mail",
        "group": "Triggers",
        "description": "",
        "icon": "mail",
        "config_schema": {},
        "inputs": [],
        "fires_itself": True,
        "poll_every_s": 300,
    }
    pool = services.database.hot
    await pool.execute("insert into executors (name, catalogue, types) values ('m', $1, '{trigger.mail}')", json.dumps([mail]))
    body = {"name": "Mails", "nodes": [node("inbox", "trigger.mail", poll_interval_s=120)], "connections": []}
    made = await ada.post("/workflows", json=body)
    path = f"/workflows/{made['id']}"
    (poll,) = (await ada.patch(path, json={"enabled": True}))["polls"]
    assert (poll["node"], poll["every_s"], poll["failures"], poll["error"]) == ("inbox", 120, 0, None)
    assert datetime.fromisoformat(poll["due_at"]) <= datetime.now(UTC) + timedelta(seconds=30)
    (row,) = await triggers(services, made)
    due = datetime.now(UTC) + timedelta(seconds=77)
    error = json.dumps({"type": "NodeError", "message": "The mailbox is away."})
    await pool.execute("update triggers set state = '7', failures = 2, error = $2, due_at = $3 where id = $1", row["id"], error, due)
    await ada.post(f"{path}/publish", json={})
    (row,) = await triggers(services, made)
    assert (row["state"], row["failures"], row["due_at"]) == ("7", 2, due)
    (poll,) = (await ada.get(path))["polls"]
    assert poll["error"]["message"] == "The mailbox is away."
    await ada.patch(path, json={"enabled": False})
    (row,) = await triggers(services, made)
    assert (row["state"], row["due_at"], row["failures"]) == ("7", None, 0)


async def test_what_became_unreadable_says_so(ada: Person, services: Services) -> None:
    """Also to whoever enables it; and it is a failure in the history."""
    made = await make(ada, every_s=60)
    path = f"/workflows/{made['id']}"
    await ada.post(f"{path}/publish", json={})
    assert (await ada.get("/schedules"))["items"][0]["problem"] is None
    await services.database.hot.execute('update triggers set config = \'{"every_s": 60, "timezone": "Mars/Olympus"}\'')
    assert "Mars/Olympus" in (await ada.get("/schedules"))["items"][0]["problem"]
    await ada.patch(path, json={"enabled": True})
    async with asyncio.timeout(20):
        while not (failed := (await ada.get(f"{path}/executions"))["items"]):
            await asyncio.sleep(0.05)
    assert (failed[0]["status"], failed[0]["trigger"]["kind"], failed[0]["error"]["node"]) == ("failed", "schedule", "clock")
    (listed,) = (await ada.get("/schedules"))["items"]
    assert (listed["problem"], listed["next"]) == (failed[0]["error"]["message"], [])
