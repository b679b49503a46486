"""Reports: fenced, in order, once; a recorded success stays; one bad report hurts nobody else."""

import asyncio
import json
from uuid import uuid4

from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step


async def test_steps_and_ending_are_stored(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    line = {"node": "name", "level": "info", "message": "a\x00b", "at": "2026-01-01T00:00:00Z"}
    answer = await executor.verdict(
        report(job, 1, step("hook"), step("name", "running"), step("name", output=[1, 2]), ending=DONE, logs=[line])
    )
    assert answer == "continue"
    row = await world.execution(execution_id)
    assert (row["status"], row["output"]) == ("succeeded", DONE["output"])
    assert row["finished_at"] >= row["started_at"] >= row["created_at"]
    assert row["running_ms"] > 0
    steps = await world.steps(execution_id)
    assert [(s["node"], s["status"], s["output"]) for s in steps] == [("hook", "succeeded", "null"), ("name", "succeeded", "[1, 2]")]
    assert [s["event_seq"] for s in steps] == [3, 4], "after being queued and claimed; the ending is 5"
    assert row["event_seq"] == 5
    assert await world.pool.fetchval("select message from execution_logs where execution_id = $1", row["id"]) == "a␀b"


async def test_a_repeat_is_harmless_and_a_gap_is_named(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    first = report(job, 1, step("hook"))
    assert await executor.verdict(first) == "continue"
    assert await executor.verdict(first) == "continue"
    [gap] = await executor.report(report(job, 3, step("name")))
    assert (gap["verdict"], gap["expected_seq"]) == ("resend", 2)
    last = report(job, 2, step("name"), ending=DONE)
    assert await executor.verdict(last) == "continue"
    assert await executor.verdict(last) == "continue", "also when it ended the execution"
    assert len(await world.steps(job["execution_id"])) == 2


async def test_a_recorded_success_is_never_overwritten(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    await executor.report(report(job, 1, step("name", "running")))
    await executor.report(report(job, 2, step("name", output="first")))
    await executor.report(report(job, 3, step("name", output="second"), step("name", "failed", error={"type": "x", "message": "y"})))
    await executor.report(report(job, 4, step("name", "running")))
    [row] = await world.steps(job["execution_id"])
    assert (row["status"], row["output"]) == ("succeeded", '"first"')


async def test_a_stale_epoch_writes_nothing(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    old = await executor.take(execution_id)
    await executor.call("release", {"running": [{"execution_id": execution_id, "epoch": 1}]})
    assert await executor.verdict(report(old, 1, step("name"))) == "stale", "given back"
    rival = await FakeExecutor.register(backend)
    new = await rival.take(execution_id)
    assert new["epoch"] == 2
    assert await executor.verdict(report(old, 1, step("name"), ending=DONE)) == "stale"
    assert await executor.verdict(report(new, 1, step("name"), ending=DONE)) == "stale", "the right epoch in the wrong hands"
    assert await executor.beat(old) == {execution_id: "stale"}
    assert await world.steps(execution_id) == []
    assert await rival.verdict(report(new, 1, ending=DONE)) == "continue"


async def test_of_a_batch_only_the_bad_ones_are_refused(backend: Backend, world: World, executor: FakeExecutor) -> None:
    jobs = [await executor.take(await backend.post()) for _ in range(6)]
    good, foreign, unstorable, unreadable, gap, also_good = jobs
    batch = [
        report(good, 1, step("name"), ending=DONE),
        report({**foreign, "epoch": 9}, 1, step("name")),
        report(unstorable, 1, step("na\x00me")),
        {**report(unreadable, 1), "steps": [{"node": "name", "status": "dancing"}]},
        report(gap, 2, step("name")),
        report(also_good, 1, step("name", output={"x": "\x00"}), ending=DONE),
        report({"execution_id": str(uuid4()), "epoch": 1}, 1),
    ]
    assert [a["verdict"] for a in await executor.report(*batch)] == ["continue", "stale", "cancel", "cancel", "resend", "continue", "stale"]
    assert (await world.execution(good["execution_id"]))["status"] == "succeeded"
    assert (await world.execution(also_good["execution_id"]))["status"] == "succeeded"
    for bad in (unstorable, unreadable):
        row = await world.execution(bad["execution_id"])
        assert (row["status"], json.loads(row["error"])["type"]) == ("failed", "report_refused")
    assert (await world.execution(gap["execution_id"]))["status"] == "running"


async def test_output_that_is_no_json_is_refused_alone(backend: Backend, world: World, executor: FakeExecutor) -> None:
    bad, good = [await executor.take(await backend.post()) for _ in range(2)]
    answers = await executor.report(report(bad, 1, {**step("name"), "output": "{nope"}), report(good, 1, ending=DONE))
    assert [a["verdict"] for a in answers] == ["cancel", "continue"]


async def test_many_reports_of_one_execution_in_a_batch_are_taken_in_order(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    said = [[{"node": f"s{n}", "level": "info", "message": f"{n}: {m}", "at": "2026-01-01T00:00:00Z"} for m in range(50)] for n in range(3)]
    answers = await executor.report(*(report(job, n + 1, step(f"s{n}"), logs=said[n]) for n in range(3)))
    assert [a["verdict"] for a in answers] == ["continue"] * 3
    assert len(await world.steps(job["execution_id"])) == 3
    lines = await world.pool.fetch("select message from execution_logs order by id")
    assert [row["message"] for row in lines] == [line["message"] for each in said for line in each]


async def test_a_failure_says_which_node_and_why(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    error = {"type": "Refused", "message": "403 from the service", "hint": "Check the token"}
    ending = {"status": "failed", "error": error, "error_node": "name", "failed_steps": 1}
    await executor.report(report(job, 1, step("name", "failed", error=error), ending=ending))
    row = await world.execution(job["execution_id"])
    assert (row["status"], row["failed_steps"], json.loads(row["error"])) == ("failed", 1, {**error, "node": "name"})


async def test_a_hand_back_whose_time_has_come_goes_straight_on(backend: Backend, world: World, executor: FakeExecutor) -> None:
    late, early = [await executor.take(await backend.post()) for _ in range(2)]
    await executor.report(
        report(late, 1, ending={"status": "waiting", "due_at": "2020-01-01T00:00:00Z"}),
        report(early, 1, ending={"status": "waiting", "due_at": "2099-01-01T00:00:00Z"}),
    )
    assert (await world.execution(late["execution_id"]))["status"] == "queued"
    row = await world.execution(early["execution_id"])
    assert (row["status"], row["wake_at"].year, row["finished_at"]) == ("waiting", 2099, None)
    assert (await executor.claim(early["execution_id"]))["jobs"] == []
    assert (await executor.take(late["execution_id"]))["epoch"] == 2


async def test_heartbeats_and_reports_at_once_do_not_block_each_other(backend: Backend, world: World, executor: FakeExecutor) -> None:
    ids = await asyncio.gather(*(backend.post() for _ in range(50)))
    jobs = (await executor.claim(*ids))["jobs"]
    await world.pool.execute(
        "update executions set lease_until = now() + interval '20 s' where status = 'running'"
    )  # as left by older beats
    told = asyncio.Event()

    async def reports() -> None:
        try:
            for seq in range(1, 11):
                answers = await executor.report(*(report(job, seq, step(f"s{seq}")) for job in jobs[:: 1 if seq % 2 else -1]))
                assert {a["verdict"] for a in answers} == {"continue"}
        finally:
            told.set()

    async def beats() -> None:
        over = False
        while not over:
            over = told.is_set()
            assert await executor.beat(*reversed(jobs)) == {}

    async with asyncio.timeout(60):
        await asyncio.gather(reports(), beats())
    assert await world.pool.fetchval("select count(*) from executions where lease_until > now() + interval '20 s'") == 50
