"""Waits that somebody outside ends, rate limits, and what a step answers to the webhook's caller."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from executor.engine import Engine, Result
from executor.errors import Throttled
from executor.node import Branch, NodeError, Resumed, Wait
from tests.executor.engine_kit import Kit, soon, started, turns, until
from trestle.contracts.jobs import Resolution
from trestle.contracts.states import StepStatus

APPROVED = {"decision": "approved", "by": "Ada"}


def asks(until_s: float | None = None, **fields: Any) -> Kit:
    """One node that waits for an approval and passes on how its wait ended."""
    kit = Kit().does(
        "ask",
        lambda config, input, ctx: Wait(None if until_s is None else soon(until_s), {"asked": 1}, "approval"),
        afterwards=lambda resumed, ctx: {"state": resumed.state, "answer": resumed.answer},
        **fields,
    )
    return kit.node("ask", "ask", "start")


def answer(node: str = "ask", item: int | None = None, said: Any = None) -> Resolution:
    return Resolution(node=node, item=item, kind="approval", answer=said or APPROVED)


async def test_a_wait_for_an_answer_alone_gives_the_execution_back_at_once_and_goes_on_with_the_answer() -> None:
    kit = asks()
    assert await kit.execute() is Result.WAITING
    row = kit.reporter.last("ask")
    assert (row.status, row.due_at, row.token, row.wait) == (StepStatus.WAITING, None, "approval", {"asked": 1})
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.due_at is None
    record = kit.again().record()
    assert await kit.execute(**record) is Result.WAITING, "without an answer it goes on waiting"
    record["open"][0].resolution = answer()
    assert await kit.execute(**record) is Result.ENDED
    assert kit.reporter.output("ask") == {"state": {"asked": 1}, "answer": APPROVED}
    assert kit.calls == [], "resume came, not run"


async def test_what_was_passed_over_before_a_wait_counts_once_however_often_it_waits() -> None:
    def refuse(config: Any, input: Any, ctx: Any) -> Any:
        raise NodeError("No.")

    kit = asks().does("bad", refuse).node("bad", "bad", "start", on_error="continue")
    kit.node("pure", "bad", "start", for_each={"items": [1, 2]}, on_error="continue")
    kit.does("writes", refuse, effect="idempotent").node("each", "writes", "start", for_each={"items": [1, 2]}, on_error="continue")
    record: dict[str, Any] = {}
    for _ in range(3):
        assert await kit.execute(**record) is Result.WAITING
        assert kit.reporter.ending is not None
        assert kit.reporter.ending.failed_steps == 3, "one step, and two for-eaches with failed items"
        record = record or kit.again().record()
    record["open"][0].resolution = answer()
    assert await kit.execute(**record) is Result.ENDED
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.failed_steps == 3


async def test_its_time_ends_a_wait_without_an_answer_and_an_answer_wins_where_both_are_there() -> None:
    kit = asks(3600)
    await kit.execute()
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.due_at == kit.reporter.last("ask").due_at
    record = kit.again().record()
    record["open"][0].due_at = soon()
    await kit.execute(**record)
    assert kit.reporter.output("ask") == {"state": {"asked": 1}, "answer": None}
    record["open"][0].resolution = answer()
    await kit.execute(**record)
    assert kit.reporter.output("ask")["answer"] == APPROVED


async def test_an_answer_that_was_taken_before_the_end_of_the_wait_was_recorded_still_counts() -> None:
    kit = asks(3600)
    await kit.execute()
    record = kit.again().record()
    record["open"][0].due_at = soon()
    run = kit.prepare(**record)

    def taken_in_time() -> None:
        running = kit.reporter.last("ask")
        assert (running.status, running.token) == (StepStatus.RUNNING, None), "from here on answers are refused"
        assert isinstance(running.wait, dict)
        assert running.wait["$expired"] == "approval"
        run.resolve([answer()])

    kit.lease.on_refresh = taken_in_time
    assert await Engine(run).execute() is Result.ENDED
    assert kit.reporter.output("ask")["answer"] == APPROVED


async def test_the_next_owner_of_a_wait_that_ended_by_its_time_listens_once_more() -> None:
    kit = asks(3600)
    await kit.execute()
    record = kit.again().record()
    record["open"][0].due_at = soon()
    await kit.execute(**record)
    kit.again()
    kit.recorded = [step for step in kit.recorded if step.node == "ask" and step.status is StepStatus.RUNNING]
    run = kit.prepare(**kit.record())
    kit.lease.on_refresh = lambda: run.resolve([answer()])
    assert await Engine(run).execute() is Result.ENDED
    assert kit.reporter.output("ask") == {"state": {"asked": 1}, "answer": APPROVED}


async def test_an_answer_that_comes_while_something_else_runs_wakes_its_step_at_once() -> None:
    go_on = asyncio.Event()

    async def slow(config: Any, input: Any, ctx: Any) -> Any:
        await go_on.wait()

    kit = asks(3600).does("slow", slow, effect="idempotent").node("slow", "slow", "start").does("after").node("after", "after", "ask")
    run = kit.prepare()
    engine = await started(run)
    run.resolve([answer()])
    await until(lambda: ("after", {"state": {"asked": 1}, "answer": APPROVED}) in kit.calls)
    go_on.set()
    assert await engine is Result.ENDED


async def test_an_answer_that_came_first_means_no_wait_at_all() -> None:
    kit = asks()
    run = kit.prepare()
    run.resolve([answer()])
    assert await Engine(run).execute() is Result.ENDED
    assert kit.reporter.output("ask")["answer"] == APPROVED
    assert all(step.status is not StepStatus.WAITING for step in kit.reporter.steps)


async def test_an_answer_of_another_kind_is_not_for_this_wait() -> None:
    kit = asks()
    run = kit.prepare()
    run.resolve([Resolution(node="ask", kind="child", answer={})])
    assert await Engine(run).execute() is Result.WAITING


async def test_the_end_of_an_earlier_attempts_child_does_not_answer_for_the_next_one() -> None:
    async def call(config: Any, input: Any, ctx: Any) -> Any:
        kit.desk.child_id = uuid4()
        await ctx.start_workflow(uuid4(), None, wait=True)
        return Wait(None, None, "child")

    def ended(resumed: Resumed, ctx: Any) -> Any:
        if resumed.answer["status"] == "failed":
            raise NodeError("It failed.", retryable=True, restart=True)
        return resumed.answer["status"]

    def end(status: str, child: Any) -> Resolution:
        return Resolution(node="call", kind="child", answer={"execution_id": str(child), "status": status})

    over = asyncio.Event()
    kit = Kit().does("call", call, effect="idempotent", afterwards=ended)
    kit.does("slow", lambda config, input, ctx: over.wait(), effect="idempotent").node("slow", "slow", "start")
    kit.node("call", "call", "start", retry={"max_attempts": 2, "delay_s": 0.05, "max_delay_s": 1, "backoff": "fixed"})
    run = kit.prepare()
    engine = await started(run)
    first = kit.desk.child_id
    run.resolve([end("failed", first)])
    await until(lambda: kit.desk.child_id != first)
    run.resolve([end("failed", first)])  # a heartbeat repeats what it said
    await turns()
    run.resolve([end("succeeded", kit.desk.child_id)])
    over.set()
    assert await engine is Result.ENDED
    assert kit.reporter.output("call") == "succeeded"


async def test_a_step_may_wait_again_for_the_same_answer_as_for_a_reminder() -> None:
    def afterwards(resumed: Resumed, ctx: Any) -> Any:
        if resumed.answer is None and resumed.state == "remind":
            return Wait(soon(3600), "deadline", "approval")
        return Branch("approved", resumed.answer)

    kit = Kit().does("ask", lambda config, input, ctx: Wait(soon(3600), "remind", "approval"), ports=("approved",), afterwards=afterwards)
    kit.node("ask", "ask", "start")
    await kit.execute()
    record = kit.again().record()
    record["open"][0].due_at = soon()
    assert await kit.execute(**record) is Result.WAITING
    assert kit.reporter.last("ask").token == "approval"
    record = kit.again().record()
    record["open"][0].resolution = answer()
    assert await kit.execute(**record) is Result.ENDED
    assert kit.reporter.last("ask").port == "approved"


@pytest.mark.parametrize("waits", [Wait(), Wait(datetime(2030, 1, 1)), Wait(soon(5), object())])  # noqa: DTZ001  # the point
async def test_a_wait_for_nothing_or_of_what_cannot_be_stored_is_the_nodes_mistake(waits: Wait) -> None:
    kit = Kit().does("odd", lambda config, input, ctx: waits).node("a", "odd", "start")
    assert await kit.execute() is Result.ENDED
    error = kit.reporter.last("a").error
    assert error is not None
    assert error.type in ("NodeBug", "BadOutput")


async def test_what_follows_an_answer_is_retried_with_the_answer_also_by_another_owner() -> None:
    def afterwards(resumed: Resumed, ctx: Any) -> Any:
        if ctx.attempt == 1:
            raise NodeError("Not yet.", retryable=True)
        return [resumed.state, resumed.answer]

    kit = Kit().does("ask", lambda config, input, ctx: Wait(None, "s", "approval"), afterwards=afterwards)
    kit.node("ask", "ask", "start", retry={"max_attempts": 2, "delay_s": 60, "max_delay_s": 60, "backoff": "fixed"})
    await kit.execute()
    record = kit.again().record()
    record["open"][0].resolution = answer()
    assert await kit.execute(**record) is Result.WAITING
    record = kit.again().record()
    assert record["open"][0].attempt == 2
    record["open"][0].due_at = soon()
    assert await kit.execute(**record) is Result.ENDED
    assert kit.reporter.output("ask") == ["s", APPROVED]


async def test_each_item_waits_for_its_own_answer() -> None:
    kit = Kit().does("ask", lambda config, input, ctx: Wait(None, ctx.item, "approval"), afterwards=lambda resumed, ctx: resumed.answer)
    kit.node("each", "ask", "start", for_each={"items": "{{ payload }}", "concurrency": 5})
    assert await kit.execute(["a", "b"]) is Result.WAITING
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.due_at is None
    record = kit.again().record()
    for begun in record["open"]:
        begun.resolution = answer("each", 1, {"n": 1}) if begun.item == 1 else None
    run = kit.prepare(["other", "list"], **record)
    run.resolve([answer("each", 0, {"n": 0})])
    assert await Engine(run).execute() is Result.ENDED
    assert kit.reporter.output("each") == [{"n": 0}, {"n": 1}]


async def test_a_for_each_that_was_suspended_hears_of_its_items_answers() -> None:
    go_on = asyncio.Event()

    async def slow(config: Any, input: Any, ctx: Any) -> Any:
        await go_on.wait()

    kit = Kit().does("ask", lambda config, input, ctx: Wait(None, None, "approval"), afterwards=lambda resumed, ctx: resumed.answer)
    kit.does("slow", slow, effect="idempotent").node("slow", "slow", "start").node("each", "ask", "start", for_each={"items": [1]})
    run = kit.prepare()
    engine = await started(run)
    run.resolve([answer("each", 0)])
    await until(lambda: run.outcomes.get("each") is not None)
    go_on.set()
    assert await engine is Result.ENDED


# the list of a for-each


async def test_the_list_is_recorded_before_an_item_starts_and_the_next_owner_takes_it_as_it_was() -> None:
    kit = Kit().does("effect", lambda config, input, ctx: ctx.item, effect="idempotent")
    kit.node("each", "effect", "start", for_each={"items": "{{ payload }}", "concurrency": 1})
    await kit.execute([1, 2, 3])
    events = kit.reporter.events
    assert events.index("report each running") < events.index("acknowledged") < events.index("run each")
    assert next(step for step in kit.reporter.steps if step.node == "each" and step.item is None).items == "[1,2,3]"
    whole = kit.again().recorded
    kit.recorded = [step for step in whole if step.status is StepStatus.RUNNING]
    await kit.execute([7, 8], **kit.record())
    assert kit.reporter.output("each") == [1, 2, 3]


async def test_the_large_items_of_a_list_are_recorded_as_references() -> None:
    kit = Kit().does("effect", lambda config, input, ctx: len(ctx.item), effect="idempotent")
    kit.node("each", "effect", "start", for_each={"items": "{{ payload }}"})
    await kit.execute(["x" * 600_000, "y" * 700_000, "z"])
    kit.again()
    kit.recorded = [step for step in kit.recorded if step.items is not None]
    assert (kit.recorded[0].items, list(kit.recorded[0].refs or {})) == ('[null,null,"z"]', ["/0", "/1"])
    await kit.execute(None, **kit.record())
    assert kit.reporter.output("each") == [600_000, 700_000, 1]


# rate limits


async def test_a_rate_limit_postpones_the_attempt_and_does_not_count_as_one() -> None:
    limited = [True]

    def behaviour(config: Any, input: Any, ctx: Any) -> Any:
        if limited[0]:
            raise Throttled(soon(60), "rate limited: 1 a minute")
        return ctx.attempt

    kit = Kit().does("calls", behaviour, effect="unsafe").node("a", "calls", "start")
    assert await kit.execute() is Result.WAITING
    row = kit.reporter.last("a")
    assert (row.status, row.attempt, row.error) == (StepStatus.WAITING, 1, None)
    assert isinstance(row.wait, dict)
    assert row.wait["reason"] == "rate limited: 1 a minute"
    record = kit.again().record()
    record["open"][0].due_at = soon()
    limited[0] = False
    keys = list(kit.keys)
    assert await kit.execute(**record) is Result.ENDED
    assert kit.reporter.output("a") == 1
    assert kit.keys[-1] == keys[0]


async def test_a_short_rate_limit_is_slept() -> None:
    left = [2]

    def behaviour(config: Any, input: Any, ctx: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise Throttled(soon(0.02), "rate limited")
        return "done"

    kit = Kit().does("calls", behaviour, effect="idempotent").node("a", "calls", "start")
    assert await kit.execute() is Result.ENDED
    assert all(step.status is not StepStatus.WAITING for step in kit.reporter.steps)


async def test_a_service_that_asks_for_patience_shows_on_the_step() -> None:
    def behaviour(config: Any, input: Any, ctx: Any) -> Any:
        raise NodeError("429", retryable=True, retry_after_s=90)

    kit = Kit().does("calls", behaviour, effect="idempotent")
    kit.node("a", "calls", "start", retry={"max_attempts": 2, "delay_s": 1, "max_delay_s": 1, "backoff": "fixed"})
    assert await kit.execute() is Result.WAITING
    row = kit.reporter.last("a")
    assert isinstance(row.wait, dict)
    assert row.due_at is not None
    assert row.wait["reason"] == f"rate limited until {row.due_at:%Y-%m-%dT%H:%M:%SZ}"


# answers to callers


async def test_what_a_step_responds_leaves_with_its_success_and_at_once() -> None:
    go_on = asyncio.Event()

    async def slow(config: Any, input: Any, ctx: Any) -> Any:
        await go_on.wait()

    def respond(config: Any, input: Any, ctx: Any) -> Any:
        ctx.respond(201, {"X-A": "b"}, {"made": 1})
        return input

    kit = Kit().does("respond", respond).does("slow", slow, effect="pure").node("r", "respond", "start").node("s", "slow", "r")
    engine = await started(kit.prepare())
    row = kit.reporter.last("r")
    assert row.status is StepStatus.SUCCEEDED
    assert row.answer is not None
    assert (row.answer.status, row.answer.headers, row.answer.body) == (201, {"X-A": "b"}, '{"made":1}')
    go_on.set()
    await engine


async def test_a_step_that_fails_answers_nothing() -> None:
    def respond(config: Any, input: Any, ctx: Any) -> Any:
        ctx.respond(200, {}, None)
        raise NodeError("After all not.")

    kit = Kit().does("respond", respond).node("r", "respond", "start")
    await kit.execute()
    assert kit.reporter.last("r").answer is None
