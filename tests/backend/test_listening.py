"""Test events: while somebody listens, one real call runs the draft."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.executions.hooks import digest
from tests.backend.graphs import MANUAL, node, wires
from tests.backend.people import Person


@pytest.fixture(autouse=True)
async def _catalogue(services: Services) -> None:
    await register(services.database)


async def drawn(person: Person, *hooks: dict[str, Any]) -> Any:
    """A workflow of these webhooks and a node behind them; not published."""
    nodes = [{"key": f"hook{n}", "type": "trigger.webhook", "config": config} for n, config in enumerate(hooks)]
    ends = [f"hook{n}>a" for n in range(len(hooks))]
    return await person.post("/workflows", json={"name": "W", "nodes": [*nodes, node("a")], "connections": wires(*ends)})


async def call(person: Person, url: str, body: Any = None, method: str = "POST", **arguments: Any) -> httpx.Response:
    """Somebody calls a test URL."""
    assert url.startswith("http://localhost:8000/webhooks-test/")
    return await person.client.request(method, url.removeprefix("http://localhost:8000"), json=body, **arguments)


async def test_one_call_runs_the_draft(ada: Person, services: Services) -> None:
    made = await drawn(ada, {})
    path = f"/workflows/{made['id']}"
    listening = await ada.post(f"{path}/listen", expect=200)
    url = listening["test_url"]
    assert listening["urls"] == [{"node": "hook0", "url": url, "methods": ["POST"]}]
    assert url.rsplit("/", 1)[1] == (await ada.get(path))["nodes"][0]["config"]["path"], "it has a path now"
    answer = await call(ada, url + "?a=1", {"n": 1})
    assert answer.status_code == 202, answer.text
    execution = await ada.get(f"/executions/{answer.json()['execution_id']}")
    assert (execution["version"], execution["status"], execution["input"]) == (None, "queued", {"n": 1})
    trigger = execution["trigger"]
    assert trigger.items() >= {"kind": "webhook", "test": True, "node": "hook0", "query": {"a": "1"}}.items()
    graph = await ada.get(f"/executions/{execution['id']}/graph")
    assert [one["key"] for one in graph["nodes"]] == ["hook0", "a"]
    again = await call(ada, url, {"n": 2})
    assert (again.status_code, "Nobody listens" in again.json()["detail"]) == (404, True)
    await ada.post(f"{path}/listen", expect=200)
    assert (await call(ada, url, {"n": 3})).status_code == 202
    assert (await ada.client.post(f"/webhooks/{url.rsplit('/', 1)[1]}", json={})).status_code == 404, "it is not published"


async def test_what_is_turned_away_does_not_end_it(ada: Person) -> None:
    secret = await ada.post("/credentials", json={"name": "C", "type": "hmac", "data": {"secret": "s3cret"}})
    made = await drawn(ada, {"path": "signed", "methods": ["POST", "PUT"], "auth": {"kind": "hmac", "credential": secret["id"]}})
    url = (await ada.post(f"/workflows/{made['id']}/listen", expect=200))["test_url"]
    assert (await call(ada, url, {})).status_code == 401
    refused = await call(ada, url, method="GET")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST, PUT")
    good = {"X-Signature": digest("s3cret", b"{}").hex(), "Content-Type": "application/json"}
    bad = {"X-Signature": digest("s3cret", b"{").hex(), "Content-Type": "application/json"}
    path = url.removeprefix("http://localhost:8000")
    assert (await ada.client.put(path, content=b"{", headers=bad)).status_code == 400
    assert (await ada.client.put(path, content=b"{}", headers=good)).status_code == 202


async def test_files_come_along(ada: Person, services: Services) -> None:
    made = await drawn(ada, {"path": "files"})
    url = (await ada.post(f"/workflows/{made['id']}/listen", expect=200))["test_url"]
    answer = await ada.client.post(url.removeprefix("http://localhost:8000"), files={"f": ("a.bin", b"\x00\x01", "image/png")})
    row = await services.database.hot.fetchrow("select * from executions where id = $1", UUID(answer.json()["execution_id"]))
    assert row is not None
    (pointer, ref), *_ = json.loads(row["input_refs"]).items()
    assert (pointer, ref["media_type"]) == ("/f/content", "image/png")
    assert await services.database.hot.fetchval("select blob_id from blob_uses where execution_id = $1", row["id"]) == UUID(ref["id"])


async def test_of_two_calls_at_once_one_counts(ada: Person) -> None:
    made = await drawn(ada, {"path": "twice"})
    url = (await ada.post(f"/workflows/{made['id']}/listen", expect=200))["test_url"]
    answers = await asyncio.gather(*(call(ada, url, {"n": n}) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 404, 404, 404]


async def test_listening_ends(ada: Person, services: Services) -> None:
    made = await drawn(ada, {"path": "ending"})
    path = f"/workflows/{made['id']}/listen"
    url = (await ada.post(path, expect=200))["test_url"]
    await ada.delete(path)
    await ada.delete(path)
    assert (await call(ada, url, {})).status_code == 404
    await ada.post(path, expect=200)
    await services.database.hot.execute("update listeners set expires_at = now()")
    assert (await call(ada, url, {})).status_code == 404
    for odd in ("nowhere", "%00", "", "a%2Fb"):
        assert (await ada.client.post(f"/webhooks-test/{odd}", json={})).status_code == 404


async def test_only_a_webhook_that_is_ours_is_listened_to(ada: Person, bob: Person) -> None:
    manual = await ada.post("/workflows", json={"name": "W", "nodes": [MANUAL], "connections": []})
    await ada.post(f"/workflows/{manual['id']}/listen", expect=422)
    live = await drawn(ada, {"path": "ours"})
    await ada.patch(f"/workflows/{live['id']}", json={"enabled": True})
    theirs = await drawn(bob, {"path": "ours"})
    await bob.post(f"/workflows/{theirs['id']}/listen", expect=409)
    await bob.post(f"/workflows/{live['id']}/listen", expect=404)
    await ada.post(f"/workflows/{live['id']}/listen", expect=200)
    first, second = await drawn(ada, {"path": "drafted"}), await drawn(bob, {"path": "drafted"}, {"path": "drafted2"})
    await ada.post(f"/workflows/{first['id']}/listen", expect=200)
    refused = await bob.post(f"/workflows/{second['id']}/listen", expect=409)
    assert "drafted" in refused["detail"]
    await ada.delete(f"/workflows/{first['id']}/listen")
    assert len((await bob.post(f"/workflows/{second['id']}/listen", expect=200))["urls"]) == 2
