"""What a few reports bring besides their rows, in the same transaction."""

import asyncio
import json

from tests.backend.executions.test_resolutions import WAITING, answer, wait
from tests.backend.executions.test_sweeps import empty, until_queued
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step


async def test_an_answer_that_came_before_the_hand_back_is_not_lost(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """It goes straight back into the queue, and the next owner gets the answer."""
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await answer(backend, execution_id, value={"ok": True})
    await empty(backend.settings)
    assert await executor.verdict(report(job, 1, wait(), ending=WAITING)) == "continue"
    assert (await world.execution(execution_id))["status"] == "queued"
    await until_queued(backend.settings, execution_id)
    again = await executor.take(execution_id)
    [opened] = again["open"]
    assert (opened["token"], opened["resolution"]["answer"], opened["resolution"]["kind"]) == ("webhook", {"ok": True}, "webhook")


async def test_an_answer_that_was_used_does_not_keep_it_from_waiting(backend: Backend, world: World, executor: FakeExecutor) -> None:
    """Only an answer to what still waits counts: otherwise it would go round for ever."""
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, wait("first")))
    await answer(backend, execution_id, "first")
    await executor.report(report(job, 2, step("first"), wait("second"), ending=WAITING))
    assert (await world.execution(execution_id))["status"] == "waiting"


async def test_answers_and_hand_backs_at_once_lose_nothing(backend: Backend, world: World, executor: FakeExecutor) -> None:
    jobs = [await executor.take(await backend.post()) for _ in range(30)]
    handed = [executor.report(report(job, 1, wait(), ending=WAITING)) for job in jobs]
    answered = [answer(backend, job["execution_id"]) for job in jobs]
    await asyncio.gather(*(both for pair in zip(handed, answered, strict=True) for both in pair))
    assert [row["status"] for row in await world.pool.fetch("select status from executions")] == ["queued"] * 30


async def test_the_first_answer_to_the_caller_stays(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    first = {"status": 201, "headers": {"x-a": "b"}, "body": '{"a": 1}'}
    await executor.report(report(job, 1, step("name", answer=first)))
    await executor.report(report(job, 2, step("other", answer={"status": 500}), ending=DONE))
    [row] = await world.pool.fetch("select * from webhook_answers")
    assert (str(row["execution_id"]), row["status"], json.loads(row["headers"]), row["body"]) == (
        execution_id,
        201,
        {"x-a": "b"},
        '{"a": 1}',
    )


async def test_a_stale_report_answers_nobody(backend: Backend, world: World, executor: FakeExecutor) -> None:
    job = await executor.take(await backend.post())
    stale = report({**job, "epoch": 7}, 1, step("name", answer={"status": 200}))
    assert await executor.verdict(stale) == "stale"
    assert await world.pool.fetchval("select count(*) from webhook_answers") == 0


async def test_tokens_and_lists_are_kept(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("loop", "running", items="[1, 2]")))
    await executor.report(report(job, 2, step("loop", "running")))
    await executor.call("release", {"running": [{"execution_id": execution_id, "epoch": 1}]})
    [opened] = (await executor.take(execution_id))["open"]
    assert (opened["items"], opened["token"], opened["resolution"]) == ("[1, 2]", None, None), "a list stays, whatever is reported later"


async def test_what_is_stored_is_counted(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("name", output="é"), ending={"status": "succeeded", "output": '"é"'}))
    stored = await world.pool.fetchval("select octet_length(output::text) from steps where execution_id = $1::uuid", execution_id)
    assert (await world.execution(execution_id))["bytes"] == stored + len('"é"'.encode())
