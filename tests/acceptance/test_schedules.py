"""The clock starts workflows: with two backends, and after a time in which none ran."""

import asyncio
import time
from datetime import datetime
from typing import Any

from tests.acceptance.api import Api
from tests.acceptance.stack import running
from trestle.cli.home import Home

DOWN_S = 5.0


def times(found: list[dict[str, Any]]) -> list[datetime]:
    """For which times these executions were fired, oldest first."""
    return sorted(datetime.fromisoformat(one["trigger"]["fire_at"]) for one in found)


async def test_schedules_fire_once_and_make_up_for_missed_times(migrated_home: Home, tmp_path: Any) -> None:
    with running(migrated_home, tmp_path / "home", backends=2) as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            made = {}
            for misfire in ("skip", "last", "all"):
                clock = {"key": "clock", "type": "trigger.schedule", "config": {"every_s": 1, "misfire": misfire}}
                said = {"key": "said", "type": "set", "config": {"fields": {"at": "{{ payload.fire_at }}"}}}
                connections = [{"source": "clock", "target": "said"}]
                workflow = await api.call("POST", "/workflows", json={"name": misfire, "nodes": [clock, said], "connections": connections})
                made[misfire] = workflow["id"]
                await api.call("PATCH", f"/workflows/{workflow['id']}", json={"enabled": True})
            await asyncio.sleep(3)
            for name in ("backend", "backend-2"):
                await asyncio.to_thread(stack.kill, name)
            gone = time.time()
            await asyncio.sleep(DOWN_S)
            back = time.time()
            for name in ("backend", "backend-2"):
                await asyncio.to_thread(stack.start, name)
            await asyncio.sleep(3)
            missed = {}
            for misfire, workflow_id in made.items():
                await api.call("PATCH", f"/workflows/{workflow_id}", json={"enabled": False})
                found = (await api.call("GET", f"/workflows/{workflow_id}/executions?limit=200"))["items"]
                fired = times(found)
                assert len(set(fired)) == len(fired), "each time once"
                missed[misfire] = sum(gone < moment.timestamp() <= back for moment in fired)
                if misfire == "all":
                    assert (fired[-1] - fired[0]).total_seconds() == len(fired) - 1, "none left out"
                first = await api.finished(found[-1]["id"])
                assert first["output"] == {"at": first["trigger"]["fire_at"]}
                late_s = [
                    datetime.fromisoformat(one["created_at"]).timestamp() - datetime.fromisoformat(one["trigger"]["fire_at"]).timestamp()
                    for one in found
                ]
                assert min(late_s) >= 0
                if misfire == "skip":
                    assert sorted(late_s)[len(late_s) // 2] < 1
            assert missed["skip"] == 0
            assert missed["last"] <= 1
            assert missed["all"] >= DOWN_S - 1
