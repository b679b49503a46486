"""POST /credentials/{id}/test: an executor calls the service, the caller hears what came of it."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.credentials import testing
from backend.services import Services
from backend.settings import Settings
from tests.backend.people import Person

NEW = {"name": "Chat", "type": "bearer", "data": {"token": "very-secret-token"}}


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
        async with asyncio.timeout(5):
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
    monkeypatch.setattr(testing, "PATIENCE_S", 0.3)
    tester = await Prober.register(client, settings, "bearer")
    made = await ada.post("/credentials", json=NEW)
    asked = asyncio.create_task(ada.post(f"/credentials/{made['id']}/test", expect=200))
    job = await tester.take()
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
