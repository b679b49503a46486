"""Whatever keeps a trigger from doing its work is a failed execution of its workflow, and starts error workflows: once for each time that
it begins to fail, not once a second."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.backend.executions.hooks import configured, credential
from tests.backend.executions.test_api import Ada
from tests.backend.executions.test_api import ada as ada  # a fixture
from tests.backend.executions.test_polls import Poller
from tests.backend.executions.test_polls import poller as poller  # a fixture
from tests.backend.executions.test_settling import another, of
from tests.backend.executions.world import SWEPT_S, Backend, FakeExecutor, World, report

pytestmark = pytest.mark.usefixtures("eager")

DUE_NOW = "update triggers set due_at = clock_timestamp() where id = $1"
BROKEN = {"cron": "* * * * *", "timezone": "Mars/Olympus"}
FINE = {"cron": "0 0 1 1 *", "timezone": "UTC"}


async def told(world: World, handler: World, count: int = 1) -> list[dict[str, Any]]:
    """What the error workflow heard, each time about a failed execution that is in the history."""
    heard = [json.loads(row["input"]) for row in await of(handler, count)]
    for one in heard:
        assert one["workflow"] == {"id": str(world.workflow_id), "name": "Flow"}
        row = await world.execution(one["execution"]["id"])
        assert (row["status"], row["kind"], json.loads(row["error"])) == ("failed", "run", one["execution"]["error"])
        assert (one["execution"]["error"]["type"], one["node"]) == ("trigger_failed", "hook")
    return heard


async def failures(world: World) -> int:
    """How many are in the workflow's history."""
    query = "select count(*) from executions where workflow_id = $1 and status = 'failed'"
    return int(await world.pool.fetchval(query, world.workflow_id))


async def looked_at(world: World) -> asyncpg.Record:
    """The trigger, once the scheduler has looked at it, which it is made to do now."""
    await world.pool.execute(DUE_NOW, world.trigger_id)
    async with asyncio.timeout(20):
        query = "select *, due_at > clock_timestamp() as done from triggers where id = $1"
        while not (row := await world.pool.fetchrow(query, world.trigger_id)) or row["done"] is False:
            await asyncio.sleep(0.02)
    return row


async def test_a_schedule_that_became_unreadable(backend: Backend, world: World) -> None:
    handler = await another(world, "error")
    change = "update triggers set kind = 'schedule', config = $2 where id = $1"
    await world.pool.execute(change, world.trigger_id, json.dumps(BROKEN))
    for _ in range(3):
        row = await looked_at(world)
        assert "Mars/Olympus" in row["error"]
    [heard] = await told(world, handler)
    assert "Mars/Olympus" in heard["execution"]["error"]["message"]
    assert json.loads((await world.execution(heard["execution"]["id"]))["trigger"])["kind"] == "schedule"

    await world.pool.execute(change, world.trigger_id, json.dumps(FINE))
    assert (await looked_at(world))["error"] is None
    await world.pool.execute(change, world.trigger_id, json.dumps(BROKEN))
    await looked_at(world)
    assert len(await told(world, handler, 2)) == 2, "it was well in between"


@pytest.mark.parametrize("config", [[], {"every_s": 60, "timezone": "UTC", "misfire": "all", "misfire_limit": "many"}])
async def test_a_schedule_of_which_nobody_thought(backend: Backend, world: World, config: Any) -> None:
    """What breaks while one is read holds up no other."""
    handler = await another(world, "error")
    await world.pool.execute("update triggers set kind = 'schedule', config = $2 where id = $1", world.trigger_id, json.dumps(config))
    ago = "update triggers set due_at = clock_timestamp() - interval '1 hour' where id = $1"
    await world.pool.execute(ago, world.trigger_id)
    await told(world, handler)


async def test_polls_that_fail(poller: Poller, world: World) -> None:
    handler = await another(world, "error")

    async def fail() -> None:
        job = await poller.asked()
        error = {"type": "NodeError", "message": "The mailbox is away.", "hint": "Wait."}
        await poller.executor.verdict(report(job, 1, ending={"status": "failed", "error": error, "error_node": "hook"}))
        await looked_at(world)
        await world.pool.execute(DUE_NOW, world.trigger_id)

    for _ in range(3):
        await fail()
    await asyncio.sleep(SWEPT_S)
    [heard] = await told(world, handler)
    assert heard["execution"]["error"]["message"] == "Asking for what is new failed: The mailbox is away."
    assert heard["execution"]["error"]["hint"] == "Wait."
    await poller.found(await poller.asked())
    await world.pool.execute(DUE_NOW, world.trigger_id)
    await fail()
    assert len(await told(world, handler, 2)) == 2


async def test_a_poll_that_has_to_wait_its_turn_has_not_failed(poller: Poller, world: World) -> None:
    handler = await another(world, "error")
    job = await poller.asked()
    error = {"type": "Throttled", "message": "rate limit of example.com", "hint": ""}
    await poller.executor.verdict(report(job, 1, ending={"status": "failed", "error": error, "error_node": "hook"}))
    row = await looked_at(world)
    assert (row["error"], row["failures"], row["poll_id"]) == (None, 0, None)
    await world.pool.execute(DUE_NOW, world.trigger_id)
    await poller.asked()
    await asyncio.sleep(SWEPT_S)
    assert await of(handler, 0) == []


async def test_a_poll_that_nobody_offers(backend: Backend, world: World) -> None:
    """Nor is it asked a second time: it goes on waiting, and is done as soon as somebody can."""
    poller = Poller(world, await FakeExecutor.register(backend, ["set"]))
    handler = await another(world, "error")
    await world.pool.execute(
        "update triggers set kind = 'rss', poll_every_s = 60, due_at = clock_timestamp() where id = $1", world.trigger_id
    )
    async with asyncio.timeout(20):
        while not await world.pool.fetchval("select id from executions where kind = 'poll'"):
            await asyncio.sleep(0.02)
    await looked_at(world)
    assert (await poller.trigger())["error"] is None, "somebody may just be starting"
    await world.pool.execute("update executions set created_at = now() - interval '2 minutes', last_push = now() - interval '2 minutes'")
    async with asyncio.timeout(20):
        while not await world.pool.fetchval("select reason from executions where kind = 'poll'"):
            await asyncio.sleep(0.02)
    for _ in range(2):
        await looked_at(world)
    [heard] = await told(world, handler)
    assert "No executor offers trigger.webhook" in heard["execution"]["error"]["message"]
    poller.executor = await FakeExecutor.register(backend)
    await poller.found(await poller.asked(), "a")
    assert ((await poller.trigger())["error"], await world.pool.fetchval("select count(*) from executions where kind = 'poll'")) == (
        None,
        1,
    )


async def test_a_webhook_whose_credential_is_gone(backend: Backend, world: World) -> None:
    """A wrong password is the caller's affair; that none can be right is the workflow's."""
    secret = await credential(backend, world, "basic", {"username": "u", "password": "p"})
    await configured(world, auth={"kind": "basic", "credential": secret})
    handler = await another(world, "error")
    assert (await backend.call("POST", "/webhooks/go", json={}))[0] == 401
    await asyncio.sleep(0.3)
    assert await of(handler, 0) == []
    await configured(world, auth={"kind": "basic", "credential": str(uuid4())})
    handler = await another(world, "error")
    for _ in range(3):
        status, problem = await backend.call("POST", "/webhooks/go", json={"n": 1}, headers={"Authorization": "Basic c2VjcmV0"})
        assert (status, "credential" in problem["detail"]) == (401, False), "the caller learns nothing of it"
    [heard] = await told(world, handler)
    assert await failures(world) == 1
    assert "Its credential is gone" in heard["execution"]["error"]["message"]
    row = await world.execution(heard["execution"]["id"])
    assert ("c2VjcmV0" in row["trigger"], row["input"]) == (False, "null")


async def test_a_webhook_that_can_not_tell_calls_apart(backend: Backend, world: World) -> None:
    await configured(world, dedupe="{{ payload.id }}")
    handler = await another(world, "error")
    for n in range(3):
        assert (await backend.call("POST", "/webhooks/go", json={"nope": n}))[0] == 422
    [heard] = await told(world, handler)
    assert await failures(world) == 1
    assert "payload.id" in heard["execution"]["error"]["message"]
    assert (await world.execution(heard["execution"]["id"]))["input"] == '{"nope": 0}'


async def test_what_failed_before_there_was_an_input_is_not_run_again(ada: Ada, world: World) -> None:
    """It would run the whole workflow on nothing. An event that could not be judged has an input: a person may decide."""
    error = json.dumps({"type": "trigger_failed", "message": "The schedule can't be read", "node": "start"})
    change = "update executions set status = 'failed', finished_at = now(), error = $2 where id = $1"
    for given, status in ((None, 409), ({"score": 3}, 202)):
        execution_id = await ada.execute({"input": given})
        await world.pool.execute(change, UUID(execution_id), error)
        for verb in ("retry", "replay"):
            answer = await ada.call("POST", f"/executions/{execution_id}/{verb}", status)
            assert status == 202 or "Mend the trigger" in answer["detail"]
