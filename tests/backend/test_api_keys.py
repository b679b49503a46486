"""API keys: shown once, good for one project and for what their scopes allow. Deny by default, over every route there is."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from backend.api_keys.scopes import NEEDED
from backend.security import EXECUTORS, digest
from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK
from tests.backend.people import Person
from tests.backend.test_tenants import Route, belongings, example, personal
from trestle.contracts.api_keys import ApiScope

API = "/api/v1"


def caller(person: Person, key: str) -> Person:
    """Whoever sends this key."""
    return Person(person.client, person.id, person.email, {"access_token": key})


async def with_key(person: Person, *scopes: str, **more: Any) -> Person:
    """A program with a new key of this person's."""
    made = await person.post("/api-keys", json={"name": "CI", "scopes": scopes, **more})
    return caller(person, made["key"])


async def test_a_key_is_shown_once_and_kept_as_its_hash(ada: Person, services: Services) -> None:
    made = await ada.post("/api-keys", json={"name": "CI", "scopes": ["workflows:read", "workflows:read"]})
    assert made["key"].startswith("trk_")
    assert (made["scopes"], made["expires_at"], made["last_used_at"], made["ending"]) == (["workflows:read"], None, None, made["key"][-4:])
    [listed] = (await ada.get("/api-keys"))["items"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    row = await services.database.hot.fetchrow("select * from api_keys where id = $1", made["id"])
    assert row is not None
    assert row["key_hash"] == digest(made["key"])
    assert made["key"] not in repr(row)


async def test_what_can_not_be_made(ada: Person, bob: Person) -> None:
    good = {"name": "CI", "scopes": ["workflows:read"]}
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    wrong: tuple[dict[str, Any], ...] = (
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires_at": past},
        {"expires_at": "2030-01-01T00:00:00"},
        {"key": "x"},
    )
    for bad in wrong:
        await ada.post("/api-keys", expect=422, json={**good, **bad})
    team = await ada.post("/projects", json={"name": "Team"})
    await ada.call("PUT", f"/projects/{team['id']}/members/{bob.id}", json={"role": "editor"})
    await bob.post("/api-keys", expect=403, json={"name": "CI", "scopes": ["admin"], "project_id": team["id"]})
    await bob.post("/api-keys", json={**good, "project_id": team["id"]})


async def test_it_is_good_until_it_expires_or_is_deleted_or_its_maker_is_gone(
    ada: Person, bob: Person, client: httpx.AsyncClient, services: Services
) -> None:
    key = await with_key(ada, "workflows:read", expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    await key.get("/workflows")
    await services.database.hot.execute("update api_keys set expires_at = now() where user_id = $1", ada.id)
    await key.get("/workflows", expect=401)
    made = await ada.post("/api-keys", json={"name": "CI", "scopes": ["workflows:read"]})
    used = caller(ada, made["key"])
    await used.get("/workflows")
    async with asyncio.timeout(10):  # written down once a second
        while (await ada.get("/api-keys"))["items"][0]["last_used_at"] is None:
            await asyncio.sleep(0.1)
    await ada.delete(f"/api-keys/{made['id']}")
    await used.get("/workflows", expect=401)
    await caller(ada, "trk_nonsense").get("/workflows", expect=401)

    team = await ada.post("/projects", json={"name": "Team"})
    await ada.call("PUT", f"/projects/{team['id']}/members/{bob.id}", json={"role": "editor"})
    bobs = await with_key(bob, "workflows:read", "workflows:write", project_id=team["id"])
    flow = await bobs.post("/workflows", json={"name": "W"})
    await ada.call("PUT", f"/projects/{team['id']}/members/{bob.id}", json={"role": "viewer"})
    await bobs.patch(f"/workflows/{flow['id']}", expect=403, json={"name": "X"})
    await ada.delete(f"/projects/{team['id']}/members/{bob.id}")
    await bobs.get(f"/workflows/{flow['id']}", expect=404)
    await services.database.hot.execute("update users set active = false where id = $1", bob.id)
    await bobs.get("/workflows", expect=401)


async def test_it_sees_its_project_and_nothing_else(ada: Person, services: Services) -> None:
    await register(services.database)
    team = await ada.post("/projects", json={"name": "Team"})
    mine = await ada.post("/workflows", json={"name": "Mine", "nodes": [HOOK]})
    ours = await ada.post("/workflows", json={"name": "Ours", "project_id": team["id"]})
    key = await with_key(ada, "admin", project_id=team["id"])
    assert [flow["id"] for flow in (await key.get("/workflows"))["items"]] == [ours["id"]]
    await key.get(f"/workflows/{mine['id']}", expect=404)
    await key.delete(f"/workflows/{mine['id']}", expect=404)
    assert (await key.post("/workflows", json={"name": "New"}))["project_id"] == team["id"]
    await key.post("/workflows", expect=404, json={"name": "New", "project_id": mine["project_id"]})
    assert (await key.post("/variables", json={"name": "A", "value": 1}))["project_id"] == team["id"]
    assert [project["id"] for project in (await key.get("/projects"))["items"]] == [team["id"]]
    run = await ada.post(f"/workflows/{mine['id']}/execute", expect=202, json={})
    await key.get(f"/executions/{run['execution_id']}", expect=404)
    await services.database.hot.execute("update executions set status = 'failed', finished_at = now() where id = $1", run["execution_id"])
    gone = await key.post("/executions/delete", expect=200, json={"filter": {"status": ["failed"]}})
    assert gone["deleted"] == 0


async def test_keys_of_others_are_seen_and_ended_by_admins_of_the_project(ada: Person, bob: Person) -> None:
    team = await ada.post("/projects", json={"name": "Team"})
    await ada.call("PUT", f"/projects/{team['id']}/members/{bob.id}", json={"role": "editor"})
    adas = await ada.post("/api-keys", json={"name": "Ada's", "scopes": ["workflows:read"], "project_id": team["id"]})
    bobs = await bob.post("/api-keys", json={"name": "Bob's", "scopes": ["workflows:read"], "project_id": team["id"]})
    of_team = {"project_id": team["id"]}
    assert [key["name"] for key in (await bob.get("/api-keys", params=of_team))["items"]] == ["Bob's"]
    assert [key["name"] for key in (await ada.get("/api-keys", params=of_team))["items"]] == ["Bob's", "Ada's"]
    await bob.delete(f"/api-keys/{adas['id']}", expect=403)
    await ada.delete(f"/api-keys/{bobs['id']}")


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    """Every personal route."""
    return personal(app)


def test_what_is_listed_exists(routes: list[Route]) -> None:
    there = {f"{method} {path.removeprefix(API)}" for method, path, _ in routes}
    assert NEEDED.keys() - there == set()


async def test_every_route_asks_for_its_scope(app: FastAPI, ada: Person, services: Services, routes: list[Route]) -> None:
    ids = await belongings(ada, services)
    definitions = app.openapi()["components"]["schemas"]
    keys = {scope: await with_key(ada, scope, project_id=ids["project_id"]) for scope in ApiScope}
    wrong = []
    for method, path, schema in routes:
        needed = NEEDED.get(f"{method} {path.removeprefix(API)}")
        address = path.format(**ids).removeprefix(API)
        body = None if schema is None else example(schema, definitions)
        for scope, key in keys.items():
            if needed is not None and scope in (needed, ApiScope.ADMIN):
                continue
            answer = await key.send(method, address, json=body)
            if answer.status_code != 403:
                wrong.append((method, path, scope, answer.status_code))
        if needed is not None and method == "GET" and not path.endswith(("/events", "/authorize")):  # the last needs an oauth2 one
            for scope in (needed, ApiScope.ADMIN):
                answer = await keys[scope].send(method, address)
                if answer.status_code >= 400:
                    wrong.append((method, path, scope, answer.status_code))
    assert wrong == []
    assert len(NEEDED) > 50


async def test_what_is_let_through_does_its_work(ada: Person, services: Services) -> None:
    await register(services.database)
    writer = await with_key(ada, "workflows:write", "workflows:read")
    flow = await writer.post("/workflows", json={"name": "W", "nodes": [HOOK]})
    runner = await with_key(ada, "executions:run")
    run = await runner.post(f"/workflows/{flow['id']}/execute", expect=202, json={})
    await runner.post(f"/executions/{run['execution_id']}/cancel", expect=202)
    await (await with_key(ada, "executions:read")).get(f"/executions/{run['execution_id']}/steps")
    await (await with_key(ada, "events:write")).post("/events", expect=202, json={"a": 1})
    secret = {"name": "C", "type": "bearer", "data": {"token": "x"}}
    await (await with_key(ada, "credentials:write")).post("/credentials", json=secret)
    [entry] = [e for e in await _audit(services) if e["action"] == "execution.cancelled"]
    assert (entry["who"], entry["api_key"]) == (ada.email, "CI")


async def _audit(services: Services) -> list[dict[str, Any]]:
    return [dict(row) for row in await services.database.hot.fetch("select * from audit order by id")]


async def test_neither_executors_nor_keys_cross_over(ada: Person, client: httpx.AsyncClient, services: Services) -> None:
    key = await with_key(ada, "admin")
    bearer = {"Authorization": f"Bearer {key.tokens['access_token']}"}
    for name in ("register", "claim", "reports", "heartbeat", "release", "secrets", "start", "died"):
        assert (await client.post(f"/internal/v1/{name}", json={}, headers=bearer)).status_code == 401, name
    executor = services.tokens.issue(ada.id, EXECUTORS, 60)
    for token in (executor, services.settings.executor_key.get_secret_value()):
        await caller(ada, token).get("/workflows", expect=401)
