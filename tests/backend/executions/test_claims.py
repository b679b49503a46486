"""Claiming: one owner, harmless repeats, nothing handed to an executor that could not run it."""

import asyncio
from collections import Counter
from uuid import uuid4

from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step


async def test_a_job_holds_what_its_run_needs(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post(body={"z": 1, "a": "é"})
    job = await executor.take(execution_id)
    row = await world.execution(execution_id)
    assert job["input"] == row["input"]
    assert job["epoch"] == 1
    assert job["trigger"]["kind"] == "webhook"
    assert job["seed"] == row["seed"].hex()
    assert (job["workflow_name"], job["version"], job["snapshot_id"]) == ("Flow", 1, row["snapshot_id"])
    assert job["finished"] == job["open"] == []
    status, snapshot = await executor.call(f"snapshots/{job['snapshot_id']}", None, method="GET")
    assert (status, snapshot["id"], [n["key"] for n in snapshot["nodes"]]) == (200, job["snapshot_id"], ["hook", "name"])
    assert row["status"] == "running"
    assert str(row["executor_id"]) == executor.executor_id


async def test_a_job_holds_its_projects_variables_where_its_graph_looks_at_them(
    backend: Backend, world: World, executor: FakeExecutor
) -> None:
    await world.pool.execute(
        """insert into variables (project_id, name, value) values ($1, 'REGION', '"eu"'), ($1, 'odd', '{"z": 1.0, "a": "\\u0000"}')""",
        world.project_id,
    )
    other = await world.pool.fetchval("insert into projects (name) values ('Other') returning id")
    await world.pool.execute("insert into variables (project_id, name, value) values ($1, 'X', '1')", other)
    assert (await executor.take(await backend.post()))["variables"] == {}
    await world.pool.execute("update snapshots set reads_vars = true")
    execution_id, claim_id = await backend.post(), uuid4()
    for _ in range(2):  # the same claim again gets the same
        [job] = (await executor.claim(execution_id, claim_id=claim_id))["jobs"]
        assert job["variables"] == {"REGION": "eu", "odd": {"z": 1.0, "a": "\0"}}
    await world.pool.execute("delete from variables")
    assert (await executor.take(await backend.post()))["variables"] == {}


async def test_of_many_claimers_each_execution_has_one_owner(backend: Backend, world: World) -> None:
    ids = await asyncio.gather(*(backend.post() for _ in range(40)))
    rivals = await asyncio.gather(*(FakeExecutor.register(backend) for _ in range(4)))
    claims = [rival.claim(*(ids if n % 2 else reversed(ids))) for n, rival in enumerate(rivals)] + [rival.claim() for rival in rivals]
    owned = Counter(job["execution_id"] for claimed in await asyncio.gather(*claims) for job in claimed["jobs"])
    for rival in rivals:  # what two of them locked at once, nobody got: it is still queued
        owned.update(job["execution_id"] for job in (await rival.claim())["jobs"])
    assert owned == dict.fromkeys(ids, 1)
    assert {row["epoch"] for row in await world.pool.fetch("select epoch from executions")} == {1}


async def test_the_same_claim_again_gets_the_same_answer(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    claim_id = uuid4()
    first = await executor.claim(execution_id, claim_id=claim_id)
    again = await executor.claim(execution_id, claim_id=claim_id)
    assert first["jobs"] == again["jobs"]
    assert (await executor.claim(execution_id))["jobs"] == [], "another claim does not"
    rival = await FakeExecutor.register(backend)
    assert (await rival.claim(execution_id, claim_id=claim_id))["jobs"] == [], "nor does the same one of another executor"


async def test_claim_any_takes_the_oldest_and_repeats_harmlessly(backend: Backend, world: World, executor: FakeExecutor) -> None:
    ids = [await backend.post() for _ in range(3)]
    claim_id = uuid4()
    for _ in range(2):
        claimed = await executor.claim(claim_id=claim_id, limit=2)
        assert {job["execution_id"] for job in claimed["jobs"]} == set(ids[:2])


async def test_what_the_executor_can_not_run_stays_queued_and_says_why(backend: Backend, world: World) -> None:
    execution_id = await backend.post()
    poor = await FakeExecutor.register(backend, ["trigger.webhook"])
    claimed = await poor.claim(execution_id)
    assert (claimed["jobs"], claimed["refused"]) == ([], {execution_id: "No executor offers set."})
    assert (await poor.claim())["jobs"] == []
    row = await world.execution(execution_id)
    assert (row["status"], row["reason"]) == ("queued", "No executor offers set.")
    rich = await FakeExecutor.register(backend)
    await rich.take(execution_id)
    assert (await world.execution(execution_id))["reason"] is None


async def test_a_new_owner_gets_what_was_recorded(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    now = "2026-01-01T00:00:00Z"
    error = {"type": "Boom", "message": "It broke", "hint": ""}
    steps = [
        step("hook"),
        step("done", output={"a": 1}),
        step("branched", "failed", port="error", output={"e": 1}, error=error),
        step("retried", "failed", error=error),
        step("retried", "waiting", attempt=2, due_at="2027-01-01T00:00:00Z"),
        step("delayed", "failed", error=error),
        step("delayed", "waiting", attempt=2, due_at="2027-01-01T00:00:00Z", started_at=now, wait={"left": 3}),
        step("lost", "running", started_at=now),
    ]
    assert await executor.verdict(report(job, 1, *steps)) == "continue"
    await executor.call("release", {"running": [{"execution_id": execution_id, "epoch": 1}]})
    job = await executor.take(execution_id)
    assert job["epoch"] == 2
    assert {(s["node"], s["status"], s["port"], s["output"]) for s in job["finished"]} == {
        ("hook", "succeeded", "main", "null"),
        ("done", "succeeded", "main", '{"a": 1}'),
        ("branched", "failed", "error", '{"e": 1}'),
    }
    opened = {s["node"]: s for s in job["open"]}
    assert (opened["retried"]["attempt"], opened["retried"]["failure"]) == (2, error)
    assert (opened["delayed"]["attempt"], opened["delayed"]["failure"], opened["delayed"]["wait"]) == (2, None, {"left": 3})
    assert opened["lost"]["status"] == "running"


async def test_only_executors_may_call(backend: Backend, world: World, executor: FakeExecutor) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
        for name in ("register", "claim", "reports", "heartbeat", "release", "secrets"):
            assert (await backend.call("POST", f"/internal/v1/{name}", json={}, headers=headers))[0] == 401
    people = {"Authorization": f"Bearer {backend.app.state.services.tokens.issue(executor.executor_id, 'trestle-api', 60)}"}
    assert (await backend.call("POST", "/internal/v1/claim", json={}, headers=people))[0] == 401
    theirs = {"Authorization": f"Bearer {executor.token}"}
    assert (await backend.call("GET", "/api/v1/users/me", headers=theirs))[0] == 401
    assert (await backend.call("POST", "/internal/v1/nonsense", json={}, headers=theirs))[0] == 404
    status, problem = await executor.call("claim", {"claim_id": "no uuid", "limit": 1})
    assert status == 422, problem


async def test_finished_ones_can_not_be_claimed(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    assert await executor.verdict(report(job, 1, ending=DONE)) == "continue"
    assert (await executor.claim(execution_id))["jobs"] == []


async def test_a_former_epoch_renews_nothing(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    former = await executor.take(execution_id)
    await executor.call("release", {"running": [{"execution_id": execution_id, "epoch": former["epoch"]}]})
    await executor.take(execution_id)
    before = (await world.execution(execution_id))["lease_until"]
    assert await executor.beat(former) == {execution_id: "stale"}
    assert (await world.execution(execution_id))["lease_until"] == before
