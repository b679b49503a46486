"""The audit: everything that was done is there, by whom and from where, in the transaction that did it, and no secret with it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from backend.retention.policies import Caps
from backend.retention.pruning import Pruner, Records
from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK
from tests.backend.people import PASSWORD, Person, sign_in, sign_up

CANARY = "canary-7f3a9c-secret"


@pytest.fixture
async def owner(ada: Person, services: Services) -> AsyncIterator[Person]:
    """Ada, who owns the instance."""
    await services.database.hot.execute("update users set role = 'owner' where id = $1", ada.id)
    yield ada
    await services.database.hot.execute("update users set role = 'member' where id = $1", ada.id)


async def actions(owner: Person, **filters: Any) -> list[str]:
    """What was done, oldest first."""
    items = (await owner.get("/audit", params={"user_id": owner.id, "limit": 200, **filters}))["items"]
    return [entry["action"] for entry in reversed(items)]


async def test_whatever_is_done_is_there(owner: Person, bob: Person, services: Services) -> None:
    await register(services.database)
    flow = await owner.post("/workflows", json={"name": "Leads", "nodes": [HOOK]})
    path = f"/workflows/{flow['id']}"
    await owner.patch(path, json={"enabled": True})
    await owner.patch(path, json={"name": "Hot leads", "enabled": False})
    await owner.patch(path, json={"name": "Hot leads"})  # nothing changed
    await owner.post(f"{path}/versions/1/restore", expect=200)
    run = (await owner.post(f"{path}/execute", expect=202, json={}))["execution_id"]
    await owner.post(f"/executions/{run}/cancel", expect=202)
    await owner.post(f"/executions/{run}/cancel", expect=409)
    again = (await owner.post(f"/executions/{run}/retry", expect=202, headers={"Idempotency-Key": run}))["execution_id"]
    await owner.post(f"/executions/{run}/retry", expect=202, headers={"Idempotency-Key": run})
    await owner.post(f"/executions/{run}/replay", expect=202)
    await owner.delete(f"/executions/{run}")
    await owner.post("/executions/delete", expect=200, json={"filter": {"workflow_id": flow["id"]}})
    await owner.delete(path)
    secret = {"name": "Chat", "type": "bearer", "data": {"token": CANARY}}
    credential = await owner.post("/credentials", json=secret)
    await owner.patch(f"/credentials/{credential['id']}", json={"data": {"token": CANARY + "2"}})
    await owner.delete(f"/credentials/{credential['id']}")
    variable = await owner.post("/variables", json={"name": "A", "value": CANARY})
    await owner.patch(f"/variables/{variable['id']}", json={"name": "B", "value": CANARY})
    await owner.delete(f"/variables/{variable['id']}")
    key = await owner.post("/api-keys", json={"name": "CI", "scopes": ["workflows:read"]})
    await owner.delete(f"/api-keys/{key['id']}")
    project = await owner.post("/projects", json={"name": "Team"})
    await owner.patch(f"/projects/{project['id']}", json={"name": "Sales"})
    await owner.call("PUT", f"/projects/{project['id']}/members/{bob.id}", json={"role": "viewer"})
    await owner.delete(f"/projects/{project['id']}/members/{bob.id}")
    await owner.delete(f"/projects/{project['id']}")
    invitation = await owner.post("/users/invitations", json={"email": "eve@example.com"})
    await owner.patch(f"/users/{bob.id}", json={"role": "admin"})
    await owner.patch("/users/me", json={"name": "Ada"})
    kept = owner.tokens["refresh_token"]
    await owner.post("/users/me/password", expect=204, json={"current_password": PASSWORD, "new_password": CANARY, "refresh_token": kept})
    assert await actions(owner) == [
        "user.registered",
        "session.signed_in",
        "workflow.created",
        "workflow.published",
        "workflow.enabled",
        "workflow.changed",
        "workflow.disabled",
        "workflow.restored",
        "execution.cancelled",
        "execution.retried",
        "execution.replayed",
        "execution.deleted",
        "execution.deleted",
        "workflow.deletion_begun",
        "workflow.deleted",
        "credential.created",
        "credential.changed",
        "credential.deleted",
        "variable.created",
        "variable.changed",
        "variable.deleted",
        "api_key.created",
        "api_key.deleted",
        "project.created",
        "project.changed",
        "member.set",
        "member.removed",
        "project.deleted",
        "user.invited",
        "user.changed",
        "user.changed",
        "session.password_changed",
    ]
    entries = (await owner.get("/audit", params={"user_id": owner.id, "limit": 200}))["items"]
    assert {entry["who"] for entry in entries} == {owner.email}
    assert all(entry["address"] for entry in entries)
    told = {entry["action"]: entry for entry in entries}
    assert (told["workflow.published"]["subject"], told["workflow.published"]["details"]) == ("Leads", {"version": 1})
    assert told["workflow.changed"]["details"] == {"fields": ["name"]}
    assert told["execution.retried"]["details"] == {"workflow_id": flow["id"], "execution_id": again}
    assert told["credential.changed"]["details"] == {"fields": ["data"]}
    assert told["member.set"]["details"] == {"project": "Sales", "role": "viewer", "labels": []}
    rows = repr(await services.database.hot.fetch("select * from audit"))
    for hidden in (CANARY, key["key"], invitation["token"], PASSWORD):
        assert hidden not in rows


async def test_it_is_filtered_and_paged(owner: Person) -> None:
    made = [await owner.post("/variables", json={"name": f"V{n}", "value": n}) for n in range(3)]
    assert await actions(owner, action="variable") == ["variable.created"] * 3
    assert await actions(owner, action="variable.deleted") == []
    assert await actions(owner, action="vari") == []
    assert await actions(owner, subject_id=made[1]["id"]) == ["variable.created"]
    page = await owner.get("/audit", params={"limit": 2, "action": "variable"})
    rest = await owner.get("/audit", params={"limit": 2, "action": "variable", "cursor": page["next_cursor"]})
    names = [entry["subject"] for entry in [*page["items"], *rest["items"]]]
    assert names[:3] == ["V2", "V1", "V0"]


async def test_it_is_for_owners_and_admins(ada: Person, services: Services) -> None:
    await ada.get("/audit", expect=403)
    await services.database.hot.execute("update users set role = 'admin' where id = $1", ada.id)
    await ada.get("/audit")
    await services.database.hot.execute("update users set role = 'member' where id = $1", ada.id)


async def test_what_fails_is_not_there_and_failed_sign_ins_are(owner: Person, client: httpx.AsyncClient, services: Services) -> None:
    before = await actions(owner)
    await owner.delete(f"/projects/{(await owner.get('/projects'))['items'][0]['id']}", expect=409)
    assert await actions(owner) == before
    await sign_in(client, owner.email, "a wrong one")
    await sign_in(client, "my-passw0rd@example.com", "a wrong one")
    failed = (await owner.get("/audit", params={"action": "session.failed", "limit": 2}))["items"]
    assert [(entry["user_id"], entry["who"], entry["subject"]) for entry in failed] == [(None, "", ""), (None, "", owner.email)]
    assert "my-passw0rd" not in repr(await services.database.hot.fetch("select * from audit"))


async def test_from_where_is_what_a_trusted_proxy_says(owner: Person, client: httpx.AsyncClient) -> None:
    eve = await sign_up(client)
    [entry] = (await owner.get("/audit", params={"user_id": eve.id, "action": "session.signed_in"}))["items"]
    assert entry["address"] == "127.0.0.1"


async def test_it_is_kept_for_so_long(owner: Person, services: Services) -> None:
    hot = services.database.hot
    await hot.execute("update audit set at = now() - interval '399 days' where action = 'user.registered'")
    await hot.execute("update audit set at = now() - interval '401 days' where action = 'session.signed_in' and user_id = $1", owner.id)
    await Pruner(hot, Caps()).prune()
    assert await actions(owner) == ["user.registered"]
    await Pruner(hot, Caps(), Records(audit_days=30)).prune()
    assert await actions(owner) == []
