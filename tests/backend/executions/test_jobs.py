"""What a claim hands out, and to whom: kinds of jobs, lanes, answers that came meanwhile."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

from backend.executions.births import Birth, insert
from tests.backend.executions.test_resolutions import answer, wait
from tests.backend.executions.test_sweeps import empty, until_queued
from tests.backend.executions.world import Backend, FakeExecutor, World, report, step
from trestle.contracts import resume_tokens


async def suspect(world: World, execution_id: str, interruptions: int = 3) -> None:
    """Executors have died under it."""
    await world.pool.execute("update executions set interruptions = $2 where id = $1", UUID(execution_id), interruptions)


async def check(world: World, credential_type: str = "bearer", **more: Any) -> str:
    """A credential's test, queued."""
    snapshot, task = uuid4().hex, {"type": "check", "credential_id": str(uuid4()), "credential_type": credential_type, **more}
    await world.pool.execute("insert into snapshots (id, graph) values ($1, '{}')", snapshot)
    ident = await world.pool.fetchval(
        "insert into executions (project_id, kind, task, snapshot_id, trigger, input, seed) values ($1, 'check', $2, $3, '{}', 'null', '')"
        " returning id",
        world.project_id,
        json.dumps(task),
        snapshot,
    )
    return str(ident)


async def test_a_job_says_what_its_links_are_made_of(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    bearer = resume_tokens.Bearer(UUID(execution_id), "name", None, "approval")
    token = resume_tokens.token(job["resume_key"], bearer)
    assert resume_tokens.read(backend.settings.secret_key.get_secret_value(), token) == bearer
    assert (job["public_url"], job["kind"], job["task"], job["depth"]) == (backend.settings.base_url, "run", None, 0)


async def test_a_check_goes_to_whoever_has_its_credential_type(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await check(world)
    assert (await executor.claim(execution_id))["jobs"] == (await executor.claim())["jobs"] == []
    able = await FakeExecutor.register(backend, credential_types=["basic", "bearer"])
    claim_id = uuid4()
    [job] = (await able.claim(execution_id, claim_id=claim_id))["jobs"]
    assert (job["kind"], job["task"]["credential_type"], job["workflow_id"]) == ("check", "bearer", None)
    assert (await able.claim(execution_id, claim_id=claim_id))["jobs"] == [job], "asked again"
    await able.release(job)
    assert [job["execution_id"] for job in (await able.claim())["jobs"]] == [execution_id], "asked for any"


async def test_an_execution_without_its_workflow_is_not_run(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    await world.pool.execute("update executions set workflow_id = null")
    assert (await executor.claim(execution_id))["jobs"] == (await executor.claim())["jobs"] == []


async def test_a_poll_runs_where_its_types_are(backend: Backend, world: World, executor: FakeExecutor) -> None:
    task = json.dumps({"type": "poll", "node": "hook", "state": {"n": 1}})
    [born] = await insert(world.pool, [Birth(world.trigger_id, '{"kind": "rss", "node": "hook"}', kind="poll", task=task)])
    assert born is not None
    job = await executor.take(str(born.execution_id))
    assert (job["kind"], job["task"]) == ("poll", {"type": "poll", "node": "hook", "state": {"n": 1}})


async def test_suspects_are_for_the_quarantine_lane(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """It takes them, and nothing else."""
    ids = [await backend.post() for _ in range(4)]
    lane = await FakeExecutor.register(backend, lane="quarantine")
    assert (await executor.claim(str(uuid4())))["quarantine"] is False
    for ident in ids[:2]:
        await suspect(world, ident)
    await suspect(world, ids[2], 2)
    assert (await lane.claim(*ids[2:]))["jobs"] == []
    got = [job["execution_id"] for job in (await lane.claim(limit=1))["jobs"]]
    assert got == ids[:1]
    assert [job["execution_id"] for job in (await lane.claim(ids[1], ids[2]))["jobs"]] == [ids[1]]
    assert {job["execution_id"] for job in (await executor.claim(*ids))["jobs"]} == {*ids[2:]}


async def test_main_executors_hear_that_a_lane_is_wanted(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await suspect(world, await backend.post())
    claimed = await executor.claim()
    assert (claimed["jobs"], claimed["quarantine"]) == ([], True)
    lane = await FakeExecutor.register(backend, lane="quarantine")
    claimed = await lane.claim()
    assert (len(claimed["jobs"]), claimed["quarantine"]) == (1, False)


async def test_suspects_of_a_limited_workflow_keep_to_their_lane(backend: Backend, world: World, executor: FakeExecutor) -> None:
    graph = json.loads(await world.pool.fetchval("select graph from snapshots"))
    graph["settings"] = {"concurrency": {"limit": 1, "key": None}}
    await world.pool.execute("update snapshots set limited = true, graph = $1", json.dumps(graph))
    execution_id = await backend.post()
    await suspect(world, execution_id)
    assert (await executor.claim(execution_id))["jobs"] == (await executor.claim())["jobs"] == []
    lane = await FakeExecutor.register(backend, lane="quarantine")
    assert [job["execution_id"] for job in (await lane.claim())["jobs"]] == [execution_id]


async def test_a_lane_is_not_what_offers_node_types(backend: Backend, world: World) -> None:
    await FakeExecutor.register(backend, lane="quarantine")
    status, ready = await backend.call("GET", "/readyz")
    assert (status, "executor" in str(ready)) == (503, True), "no executor would take what comes in"
    await FakeExecutor.register(backend, ["trigger.webhook"])
    execution_id = await backend.post()
    await world.pool.execute("update executions set last_push = now() - interval '1 hour'")
    async with asyncio.timeout(20):
        while (reason := (await world.execution(execution_id))["reason"]) is None:
            await asyncio.sleep(0.05)
    assert reason == "No executor offers set."


async def test_a_suspect_says_what_it_waits_for(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    await suspect(world, execution_id)
    await world.pool.execute("update executions set last_push = now() - interval '1 hour'")
    await empty(backend.settings)
    await until_queued(backend.settings, execution_id)  # so that a main executor hears that a lane is wanted
    while (reason := (await world.execution(execution_id))["reason"]) is None:
        await asyncio.sleep(0.05)  # in the list it may still be by the push of its acceptance
    assert "a process of its own" in reason
    lane = await FakeExecutor.register(backend, lane="quarantine")
    await lane.take(execution_id)
    assert (await world.execution(execution_id))["reason"] is None


async def test_the_owner_hears_of_answers(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """Also of one that comes before its wait is recorded; not of those to steps that are over, or to another's executions."""
    job, other = [await executor.take(await backend.post()) for _ in range(2)]
    await executor.report(report(job, 1, wait("a"), wait("b", item=1)))
    for node, item in (("a", None), ("b", 1), ("early", None)):
        await answer(backend, job["execution_id"], node, {"to": node}, item=item)
    heard = await executor.heartbeat(job, other)
    assert heard["verdicts"] == {}
    assert {(a["node"], a["item"], a["answer"]["to"]) for a in heard["resolved"][job["execution_id"]]} == {
        ("a", None, "a"),
        ("b", 1, "b"),
        ("early", None, "early"),
    }
    assert (await executor.heartbeat(job))["resolved"] == heard["resolved"], "until it is used"
    await executor.report(report(job, 2, step("a"), step("b", item=1), step("early")))
    assert (await executor.heartbeat(job))["resolved"] == {}
    rival = await FakeExecutor.register(backend)
    assert (await rival.heartbeat(job))["resolved"] == {}


async def test_a_check_reads_the_credential_that_it_is_of_and_no_other(backend: Backend, world: World) -> None:
    execution_id = await check(world)
    able = await FakeExecutor.register(backend, credential_types=["bearer"])
    job = await able.take(execution_id)
    asked = {"execution_id": execution_id, "epoch": job["epoch"], "node": "", "credential_id": str(uuid4())}
    status, problem = await able.call("secrets", asked)
    assert (status, "of another credential" in problem["detail"]) == (404, True)
