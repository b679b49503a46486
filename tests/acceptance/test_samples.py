"""What `make seed` puts in runs at once: each sample that can be called from outside does what its description says."""

import asyncio
import os
import re
import subprocess
import sys
from typing import Any

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack
from trestle.cli.services import PROJECT


def seeded(stack: Stack) -> str:
    """What `python -m trestle seed` says."""
    account = {"TRESTLE_URL": stack.backend_url, "TRESTLE_EMAIL": "ada@example.com", "TRESTLE_PASSWORD": "a long enough one"}
    done = subprocess.run(
        [sys.executable, "-m", "trestle", "seed"], env={**os.environ, **account}, cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def latest(api: Api, workflow_id: str) -> dict[str, Any]:
    """Its newest execution, finished; it may yet have to begin."""
    async with asyncio.timeout(20):
        while not (found := (await api.call("GET", f"/workflows/{workflow_id}/executions"))["items"]):
            await asyncio.sleep(0.1)
    return await api.finished(found[0]["id"])


async def test_the_samples_do_what_they_say(stack: Stack) -> None:
    said = await asyncio.to_thread(seeded, stack)
    assert " ! " not in said, said
    async with Api(stack.backend_url) as api:
        await api.log_in()
        there = {w["name"].removeprefix("Sample: "): w["id"] for w in (await api.call("GET", "/workflows?tag=sample&limit=200"))["items"]}
        curls = dict(re.findall(r"(/webhooks/\S+) .* -d '(.*)'", said))

        async def called(name: str) -> tuple[int, Any]:
            workflow = await api.call("GET", f"/workflows/{there[name]}")
            path = "/webhooks/" + workflow["webhooks"][0]["url"].rsplit("/", 1)[1]
            status, answer, _ = await api.raw("POST", path, data=curls[path], headers={"Content-Type": "application/json"})
            return status, answer

        status, answer = await called("hot leads")
        assert (status, (await api.finished(answer["execution_id"]))["output"]) == (202, {"name": "Ada", "greeting": "Hello Ada!"})
        status, answer = await called("every item of a list")
        assert (status, answer) == (200, [{"item": n, "double": 2 * n} for n in (1, 2, 3)])
        status, answer = await called("an invoice")
        positions = [{"net": 100, "gross": 120.0}, {"net": 20, "gross": 24.0}]
        assert (status, answer) == (200, {"customer": "Ada", "positions": positions})
        status, answer = await called("a workflow that fails")
        assert (await api.finished(answer["execution_id"]))["error"]["message"] == "No coffee today."
        report = (await latest(api, there["what failed"]))["output"]
        assert (report["workflow"], report["error"]["message"]) == ("Sample: a workflow that fails", "No coffee today.")
        event = {"type": "order.created", "total": 1200}
        [started] = (await api.call("POST", "/events", json=event))["executions"]
        assert (await api.finished(started["execution_id"]))["output"] == {"handling": "A person looks at this order."}
        status, answer = await called("ask a person first")
        async with asyncio.timeout(20):
            while not (waits := [s["wait"] for s in await api.steps(answer["execution_id"]) if s["wait"] and "approve_url" in s["wait"]]):
                await asyncio.sleep(0.1)
        token = waits[0]["approve_url"].rsplit("/approvals/", 1)[1].partition("?")[0]
        await api.raw("POST", f"/approvals/{token}", json={"decision": "approved"})
        assert (await api.finished(answer["execution_id"]))["output"] == {"refunded": 40}
        morning = await api.call("POST", f"/workflows/{there['every morning']}/execute", json={})
        assert "Good morning" in (await api.finished(morning["execution_id"]))["output"]["message"]
        assert (await asyncio.to_thread(seeded, stack)).count("is there already") == len(there) == 9
