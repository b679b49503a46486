"""POST /credentials/{id}/test: an executor calls the service, the caller hears what came of it."""

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.credentials import testing
from backend.services import Services
from backend.settings import Settings
from tests.backend.people import Person

NEW: dict[str, Any] = {"name": "Chat", "type": "bearer", "data": {"token": "very-secret-token"}}


class Prober:
    """An executor that can test bearer tokens."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client = client
        self.token = token

    @classmethod
    async def register(cls, client: httpx.AsyncClient, settings: Settings, *types: str) -> "Prober":
        """A new process."""
        key = settings.executor_key.get_secret_value()
        body = {"name": "tester", "catalogue": [], "credential_types": types}
        answer = await client.post("/internal/v1/register", json=body, headers={"Authorization": f"Bearer {key}"})
        return cls(client, answer.json()["token"])

    async def call(self, name: str, body: Any) -> Any:
        """One internal call."""
        answer = await self.client.post(f"/internal/v1/{name}", json=body, headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def take(self) -> dict[str, Any]:
        """The next job."""
        async with asyncio.timeout(10):
            while not (jobs := (await self.call("claim", {"claim_id": str(uuid4()), "limit": 1}))["jobs"]):
                await asyncio.sleep(0.02)
        return dict(jobs[0])

    async def end(self, job: dict[str, Any], **ending: Any) -> None:
        """Report its end."""
        report = {"execution_id": job["execution_id"], "epoch": job["epoch"], "seq": 1, "ending": ending}
        await self.call("reports", {"reports": [report]})


@pytest.fixture(autouse=True)
async def _no_executors(services: Services) -> None:
    await services.database.hot.execute("delete from executors")


async def test_what_the_service_said(ada: Person, client: httpx.AsyncClient, settings: Settings, services: Services) -> None:
    tester = await Prober.register(client, settings, "bearer")
    made = await ada.post("/credentials", json=NEW)
    asked = asyncio.create_task(ada.post(f"/credentials/{made['id']}/test", expect=200))
    job = await tester.take()
    assert (job["kind"], job["workflow_id"]) == ("check", None)
    assert job["task"] == {"type": "check", "credential_id": made["id"], "credential_type": "bearer"}
    lent = await tester.call(
        "secrets", {"execution_id": job["execution_id"], "epoch": job["epoch"], "node": "", "credential_id": made["id"]}
    )
    assert lent["data"] == NEW["data"]
    assert (await ada.get("/executions"))["items"] == [], "no history"
    assert (await ada.get("/stats"))["executions"] == {}
    await tester.end(job, status="succeeded", output=json.dumps({"ok": True, "message": "Signed in as chat."}))
    assert await asked == {"ok": True, "message": "Signed in as chat."}
    assert await services.database.hot.fetchval("select count(*) from executions") == 0


async def test_a_test_that_breaks_down(ada: Person, client: httpx.AsyncClient, settings: Settings) -> None:
    tester = await Prober.register(client, settings, "bearer")
    made = await ada.post("/credentials", json=NEW)
    asked = asyncio.create_task(ada.post(f"/credentials/{made['id']}/test", expect=200))
    await tester.end(await tester.take(), status="failed", error={"type": "NodeBug", "message": "It broke down."})
    assert await asked == {"ok": False, "message": "It broke down."}


async def test_without_an_executor(ada: Person, client: httpx.AsyncClient, settings: Settings) -> None:
    made = await ada.post("/credentials", json=NEW)
    refused = await ada.post(f"/credentials/{made['id']}/test", expect=503)
    assert "No executor is running" in refused["detail"]
    await Prober.register(client, settings, "smtp")
    said = await ada.post(f"/credentials/{made['id']}/test", expect=200)
    assert said["ok"] is None
    assert "bearer" in said["message"]


async def test_no_answer_in_time(
    ada: Person, client: httpx.AsyncClient, settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_s = 0.0
    monkeypatch.setattr(testing, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + passed_s))
    tester = await Prober.register(client, settings, "bearer")
    made = await ada.post("/credentials", json=NEW)
    asked = asyncio.create_task(ada.post(f"/credentials/{made['id']}/test", expect=200))
    job = await tester.take()
    passed_s = testing.PATIENCE_S
    said = await asked
    assert (said["ok"], "very-secret-token" in said["message"]) == (False, False)
    await tester.end(job, status="succeeded", output='{"ok": true, "message": ""}')
    assert await services.database.hot.fetchval("select count(*) from executions where status = 'succeeded'") == 0


async def test_only_editors_test(ada: Person, bob: Person) -> None:
    project = await ada.post("/projects", json={"name": "Shared"})
    made = await ada.post("/credentials", json={**NEW, "project_id": project["id"]})
    await bob.post(f"/credentials/{made['id']}/test", expect=404)
    await ada.call("PUT", f"/projects/{project['id']}/members/{bob.id}", expect=200, json={"role": "operator"})
    await bob.post(f"/credentials/{made['id']}/test", expect=403)


async def test_one_is_tried_before_it_is_kept_and_nothing_of_it_stays(
    ada: Person, bob: Person, client: httpx.AsyncClient, settings: Settings, services: Services
) -> None:
    tester = await Prober.register(client, settings, "bearer")
    new: dict[str, Any] = {"type": "bearer", "data": {"token": "a-brand-new-token"}, "allowed_hosts": ["chat.example.com"]}
    asked = asyncio.create_task(ada.post("/credentials/test", expect=200, json=new))
    job = await tester.take()
    assert "sealed" not in job["task"]
    stored = await services.database.hot.fetchval("select task::text from executions")
    assert "a-brand-new-token" not in stored
    wanted = {"execution_id": job["execution_id"], "epoch": job["epoch"], "node": ""}
    lent = await tester.call("secrets", {**wanted, "credential_id": job["task"]["credential_id"]})
    assert (lent["type"], lent["data"], lent["allowed_hosts"]) == ("bearer", new["data"], ["chat.example.com"])
    await tester.end(job, status="succeeded", output=json.dumps({"ok": True, "message": "Fine."}))
    assert await asked == {"ok": True, "message": "Fine."}
    assert (await ada.get("/credentials"))["items"] == []
    assert await services.database.hot.fetchval("select count(*) from executions") == 0
    kept = await ada.post("/credentials", json={**NEW, "data": {**NEW["data"], "test_url": "https://chat.example.com/me"}})
    changed = {"type": "bearer", "data": {"token": "a-changed-token", "test_url": None}, "credential_id": kept["id"]}
    asked = asyncio.create_task(ada.post("/credentials/test", expect=200, json=changed))
    job = await tester.take()
    wanted = {"execution_id": job["execution_id"], "epoch": job["epoch"], "node": ""}
    lent = await tester.call("secrets", {**wanted, "credential_id": job["task"]["credential_id"]})
    assert lent["data"] == {"token": "a-changed-token"}
    await tester.end(job, status="succeeded", output=json.dumps({"ok": False, "message": "No."}))
    assert await asked == {"ok": False, "message": "No."}
    assert (await ada.get(f"/credentials/{kept['id']}"))["fields"] == {"test_url": "https://chat.example.com/me"}
    refused = await ada.post("/credentials/test", expect=422, json={**new, "data": {"tokn": "very-secret-token"}})
    assert "very-secret-token" not in json.dumps(refused)
    await ada.post("/credentials/test", expect=422, json={**new, "type": "no.such"})
    await bob.post("/credentials/test", expect=404, json=changed)
