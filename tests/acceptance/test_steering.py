"""A person steers what runs: cancel, pause and resume against a slow service; and what kills its executor is kept apart from the rest."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
from aiohttp import web

from tests.acceptance.api import Api
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home

START = {"key": "start", "type": "trigger.manual"}
POISON = '''
import os, signal
from executor.node import Config, Context, JsonValue, Node

class Poison(Node[Config]):
    """Kills whoever runs it, where its input says so."""
    type, title, group, icon = "test.poison", "Poison", "Test", "skull"
    effect = "idempotent"

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        if input == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()
'''


class Patient(Peer):
    """Knows who hung up before the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.hung_up: list[float] = []

    async def answer(self, request: web.Request) -> web.Response:
        answering = asyncio.create_task(super().answer(request))
        while not answering.done():
            await asyncio.wait([answering], timeout=0.02)
            if request.transport is None or request.transport.is_closing():
                self.hung_up.append(time.monotonic())
                answering.cancel()
                raise ConnectionResetError
        return answering.result()


def calls(key: str, it: Peer, **more: Any) -> dict[str, Any]:
    """A node that calls the peer at a path of its own."""
    return {"key": key, "type": "http.request", "config": {"method": "POST", "url": f"{it.url}/{key}"}, **more}


async def begun(api: Api, it: Peer, nodes: list[dict[str, Any]], count: int = 1, input: Any = None) -> str:
    """The id of an execution of these nodes in a row, once so many calls of it are under way."""
    keys = ["start", *(node["key"] for node in nodes)]
    workflow = await api.workflow([START, *nodes], list(pairwise(keys)), live=False)
    before = len(it.calls)
    execution_id = (await api.call("POST", f"/workflows/{workflow['id']}/execute", json={"input": input}))["execution_id"]
    await until(lambda: len(it.calls) >= before + count)
    return str(execution_id)


async def until(condition: Any, within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.02)


async def status_of(api: Api, execution_id: str) -> str:
    return str((await api.call("GET", f"/executions/{execution_id}"))["status"])


async def check_cancel(api: Api, it: Patient) -> None:
    """A call that takes a minute, and three of a for-each, are broken off within two seconds."""
    it.delay_s = 60
    each = {"items": [1, 2, 3]}
    for nodes, count in (([calls("long", it)], 1), ([calls("longs", it, for_each=each)], 3)):
        execution_id = await begun(api, it, nodes, count)
        it.hung_up.clear()
        asked = time.monotonic()
        await api.call("POST", f"/executions/{execution_id}/cancel")
        assert await status_of(api, execution_id) == "cancelled"
        await until(lambda count=count: len(it.hung_up) == count, within_s=2)
        assert max(it.hung_up) - asked < 2


async def check_pause(api: Api, it: Patient) -> None:
    """The running call finishes and is recorded, the next one comes after the resume, and none comes twice."""
    it.delay_s = 1
    it.calls.clear()
    execution_id = await begun(api, it, [calls("one", it), calls("two", it)])
    await api.call("POST", f"/executions/{execution_id}/pause")
    assert await status_of(api, execution_id) == "paused"
    deadline = time.monotonic() + 20
    while not any(step["node"] == "one" and step["status"] == "succeeded" for step in await api.steps(execution_id)):
        assert time.monotonic() < deadline, "what ran when the pause came is recorded"
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    assert (await status_of(api, execution_id), len(it.calls)) == ("paused", 1)
    await api.call("POST", f"/executions/{execution_id}/resume")
    assert (await api.finished(execution_id))["status"] == "succeeded"
    assert [call.path for call in it.calls] == ["/one", "/two"]


async def check_short_pause(api: Api, it: Patient, database: "asyncpg.Connection[asyncpg.Record]") -> None:
    """A pause that is over before the running call is leaves the execution where it is."""
    it.delay_s = 1.5
    it.calls.clear()
    execution_id = await begun(api, it, [calls("one", it), calls("two", it)])
    await api.call("POST", f"/executions/{execution_id}/pause")
    await asyncio.sleep(0.3)
    await api.call("POST", f"/executions/{execution_id}/resume")
    assert (await api.finished(execution_id))["status"] == "succeeded"
    assert [call.path for call in it.calls] == ["/one", "/two"]
    assert await database.fetchval("select epoch from executions where id = $1", execution_id) == 1


async def check_paused_items(api: Api, it: Patient) -> None:
    """No item of a for-each starts while it is paused; afterwards it goes on with those that are left."""
    it.delay_s = 0.4
    it.calls.clear()
    items = {"items": "{{ payload }}", "concurrency": 2}
    execution_id = await begun(api, it, [calls("each", it, for_each=items)], 2, input=list(range(6)))
    await api.call("POST", f"/executions/{execution_id}/pause")
    await asyncio.sleep(1.2)
    paused_at = len(it.calls)
    assert 2 <= paused_at <= 4
    await asyncio.sleep(0.5)
    assert len(it.calls) == paused_at
    await api.call("POST", f"/executions/{execution_id}/resume")
    assert (await api.finished(execution_id))["status"] == "succeeded"
    assert len({call.idempotency_key for call in it.calls}) == len(it.calls) == 6


async def check_paused_child(api: Api, it: Patient) -> None:
    """What a step waits for starts nothing either, and goes on with its caller."""
    it.delay_s = 0.7
    it.calls.clear()
    called = {"key": "called", "type": "trigger.workflow"}
    child = await api.workflow([called, calls("one", it), calls("two", it)], [("called", "one"), ("one", "two")], live=False)
    await api.call("POST", f"/workflows/{child['id']}/publish", json={})
    execution_id = await begun(api, it, [{"key": "call", "type": "workflow.call", "config": {"workflow_id": child["id"]}}])
    await api.call("POST", f"/executions/{execution_id}/pause")
    [only] = (await api.call("GET", f"/workflows/{child['id']}/executions"))["items"]
    assert only["status"] == "paused"
    await asyncio.sleep(2)
    assert (await status_of(api, only["id"]), len(it.calls)) == ("paused", 1)
    await api.call("POST", f"/executions/{execution_id}/resume")
    assert (await api.finished(execution_id))["status"] == "succeeded"
    assert [call.path for call in it.calls] == ["/one", "/two"]


async def test_cancel_pause_and_resume(stack: Stack) -> None:
    async with Api(stack.backend_url) as api, peer(Patient()) as it:
        assert isinstance(it, Patient)
        await api.sign_up()
        database = await asyncpg.connect(stack.database_url)
        try:
            await check_cancel(api, it)
            await check_pause(api, it)
            await check_short_pause(api, it, database)
            await check_paused_items(api, it)
            await check_paused_child(api, it)
        finally:
            await database.close()


async def test_what_killed_its_executors_runs_in_a_lane_of_its_own(migrated_home: Home, tmp_path: Path) -> None:
    """The three deaths before (each a lease that runs out) are written into the rows: the test need not wait for them."""
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    (nodes / "poison.py").write_text(POISON)
    with running(migrated_home, tmp_path / "home", env={"TRESTLE_NODES_DIR": str(nodes)}) as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            workflow = await api.workflow([START, {"key": "p", "type": "test.poison"}], [("start", "p")], live=False)

            async def start(input: str) -> str:
                return str((await api.call("POST", f"/workflows/{workflow['id']}/execute", json={"input": input}))["execution_id"])

            own = (await api.finished(await start("kind")))["output"]
            stack.kill("executor")
            suspects = [await start("kill"), await start("kind")]
            database = await asyncpg.connect(stack.database_url)
            await database.execute("update executions set interruptions = 3 where status = 'queued'")
            await database.close()
            neighbours = [await start("kind") for _ in range(20)]
            stack.start("executor")
            pid = stack.pid("executor")
            killer, innocent = [await api.finished(known, within_s=60) for known in suspects]
            assert (killer["status"], innocent["status"]) == ("quarantined", "succeeded")
            assert innocent["output"] not in (own, pid), "it ran in the lane"
            outputs = {(await api.finished(known))["output"] for known in neighbours}
            assert outputs == {pid}
            assert stack.pid("executor") == pid
