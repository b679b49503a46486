"""What a step survives: retries, waits, lost executors; and for-each."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executor.context import idempotency_key
from executor.engine import Engine, Result
from executor.foreach import MAX_ITEMS
from executor.node import NodeError, Wait
from executor.run import Halt
from tests.executor.engine_kit import Kit
from trestle.contracts.jobs import OpenStep
from trestle.contracts.states import StepStatus

FAST = {"max_attempts": 3, "backoff": "fixed", "delay_s": 0.01, "max_delay_s": 1}
SLOW = {**FAST, "delay_s": 30, "max_delay_s": 60}


def fails(times: int, **fields: Any) -> Any:
    """Fails so many times, then answers."""
    left = [times]

    def behaviour(config: Any, input: Any, ctx: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise NodeError("Not yet.", **{"retryable": True, **fields})
        return "done"

    return behaviour


async def test_a_failure_is_tried_again_after_it_is_recorded_under_a_new_key() -> None:
    kit = Kit().does("flaky", fails(2), effect="idempotent").node("a", "flaky", "start", retry=FAST)
    await kit.execute()
    rows = {(step.attempt, step.status.value) for step in kit.reporter.steps if step.node == "a"}
    assert {(1, "failed"), (2, "failed"), (3, "succeeded")} <= rows
    assert len(set(kit.keys)) == 3
    events = kit.reporter.events
    second = [place for place, event in enumerate(events) if event == "run a"][1]
    assert "report a failed" in events[:second]
    assert events[second - 1] == "acknowledged", "the failure is recorded before another attempt counts as one"
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.status == "succeeded"


async def test_an_unknown_outcome_keeps_the_key() -> None:
    kit = Kit().does("flaky", fails(2, outcome_unknown=True), effect="idempotent").node("a", "flaky", "start", retry=FAST)
    await kit.execute()
    assert kit.keys == [idempotency_key(kit.seed, "a", None, 0)] * 3


async def test_what_is_not_retryable_is_not_retried() -> None:
    kit = Kit().does("flaky", fails(1, retryable=False)).node("a", "flaky", "start", retry=FAST)
    await kit.execute()
    assert len(kit.calls) == 1


async def test_a_timeout_bounds_one_attempt() -> None:
    kit = Kit().does("slow", lambda config, input, ctx: asyncio.sleep(5), effect="idempotent")
    kit.node("a", "slow", "start", timeout_s=0.05, retry={**FAST, "max_attempts": 2})
    await kit.execute()
    error = kit.reporter.last("a").error
    assert error is not None
    assert (error.type, len(kit.calls)) == ("Timeout", 2)
    assert "0.05 s" in error.message
    assert "“Time limit”" in error.hint
    assert error.hint.endswith("All its attempts are used up.")


async def test_more_attempts_are_advised_where_there_is_one_and_it_may_help() -> None:
    for retryable, advised in ((True, True), (False, False)):
        kit = Kit().does("flaky", fails(1, retryable=retryable), effect="idempotent").node("a", "flaky", "start")
        await kit.execute()
        error = kit.reporter.last("a").error
        assert error is not None
        assert ("give the node more “Attempts”" in error.hint) is advised


async def test_an_unsafe_step_is_not_repeated_after_a_timeout() -> None:
    kit = Kit().does("slow", lambda config, input, ctx: asyncio.sleep(5), effect="unsafe")
    kit.node("a", "slow", "start", timeout_s=0.05, retry=FAST)
    await kit.execute()
    error = kit.reporter.last("a").error
    assert error is not None
    assert (error.type, len(kit.calls)) == ("OutcomeUnknown", 1)
    assert error.hint


async def test_a_long_backoff_is_a_row_and_not_a_sleep() -> None:
    kit = Kit().does("flaky", fails(1), effect="idempotent").node("a", "flaky", "start", retry=SLOW)
    assert await kit.execute() is Result.WAITING
    waiting = kit.reporter.last("a")
    assert (waiting.status, waiting.attempt) == (StepStatus.WAITING, 2)
    ending = kit.reporter.ending
    assert ending is not None
    assert ending.due_at is not None
    assert 28 < (ending.due_at - datetime.now(UTC)).total_seconds() < 35
    record = kit.again().record()
    record["open"][0].due_at = datetime.now(UTC)
    assert await kit.execute(**record) is Result.ENDED
    assert kit.reporter.last("a").attempt == 2
    assert kit.keys[-1] == idempotency_key(kit.seed, "a", None, 1)


async def test_the_key_of_an_unknown_outcome_survives_the_executor() -> None:
    kit = Kit().does("flaky", fails(1, outcome_unknown=True), effect="idempotent").node("a", "flaky", "start", retry=SLOW)
    await kit.execute()
    record = kit.again().record()
    record["open"][0].due_at = datetime.now(UTC)
    await kit.execute(**record)
    assert kit.keys == [idempotency_key(kit.seed, "a", None, 0)] * 2
    running = [step for step in kit.reporter.steps if step.status is StepStatus.RUNNING]
    assert running == [] or running[0].wait == {"retry_no": 0}


async def test_retry_after_is_honoured() -> None:
    kit = Kit().does("flaky", fails(1, retry_after_s=120), effect="idempotent").node("a", "flaky", "start", retry=FAST)
    assert await kit.execute() is Result.WAITING
    due = kit.reporter.last("a").due_at
    assert due is not None
    assert (due - datetime.now(UTC)).total_seconds() > 110


async def test_other_branches_go_on_while_one_waits() -> None:
    kit = Kit().does("told").node("wait", "delay", "start", config={"duration_s": 3600})
    kit.node("side", "told", "start").node("after", "told", "side").node("join", "merge", "wait", "after")
    assert await kit.execute() is Result.WAITING
    assert [node for node, _ in kit.calls] == ["side", "after"]
    record = kit.again().record()
    begun = record["open"][0].started_at = datetime.now(UTC) - timedelta(hours=1)
    record["open"][0].due_at = datetime.now(UTC)
    assert await kit.execute({"x": 1}, **record) is Result.ENDED
    assert kit.calls == [], "what is recorded never runs again"
    waited = kit.reporter.last("wait")
    assert (waited.status, waited.started_at) == (StepStatus.SUCCEEDED, begun)
    assert 3_600_000 <= (waited.duration_ms or 0) < 3_660_000, "from its start to its end, whoever ended it"
    assert kit.reporter.output("wait") == {"x": 1}


async def test_a_short_wait_is_slept() -> None:
    kit = Kit().node("wait", "delay", "start", config={"duration_s": 0.05})
    assert await kit.execute("x") is Result.ENDED
    assert kit.reporter.output("wait") == "x"
    assert len(kit.reporter.reports) == 1
    assert (kit.reporter.last("wait").duration_ms or 0) > 45


async def test_an_execution_taken_up_too_early_goes_on_waiting() -> None:
    kit = Kit().node("wait", "delay", "start", config={"duration_s": 3600})
    await kit.execute()
    record = kit.again().record()
    assert await kit.execute(**record) is Result.WAITING
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.due_at == record["open"][0].due_at


async def test_a_nodes_own_wait_after_a_failure_is_no_backoff() -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    kit = Kit().does("odd", lambda config, input, ctx: Wait(until, {"ticket": 7}) if ctx.attempt == 2 else fails(1)(config, input, ctx))
    kit.node("a", "odd", "start", retry=FAST)
    assert await kit.execute("x") is Result.WAITING
    record = kit.again().record()
    record["open"][0].due_at = datetime.now(UTC)
    assert await kit.execute("x", **record) is Result.ENDED
    assert kit.calls == [], "resume came after the wait, not run"
    assert kit.reporter.output("a") == "x"


@pytest.mark.parametrize(("effect", "calls"), [("pure", 1), ("idempotent", 1), ("unsafe", 0)])
async def test_a_step_that_was_running_when_its_executor_died(effect: Any, calls: int) -> None:
    kit = Kit().does("effect", effect=effect).node("a", "effect", "start", on_error="continue")
    begun = OpenStep(node="a", attempt=2, status=StepStatus.RUNNING, wait={"retry_no": 0})
    await kit.execute(open=[begun])
    assert len(kit.calls) == calls
    step = kit.reporter.last("a")
    assert step.attempt == 2, "it is the same attempt still"
    if calls:
        assert kit.keys == [idempotency_key(kit.seed, "a", None, 0)]
    else:
        assert step.error is not None
        assert (step.status, step.error.type) == (StepStatus.FAILED, "OutcomeUnknown")


async def test_recorded_steps_never_run_again_whatever_the_place_of_the_loss() -> None:
    kit = Kit().does("effect", lambda config, input, ctx: [*(input or []), ctx.node], effect="idempotent")
    for number in range(4):
        kit.node(f"n{number}", "effect", f"n{number - 1}" if number else "start")
    await kit.execute()
    whole = kit.reporter.steps
    for cut in range(len(whole)):
        kit.again()
        kit.recorded = whole[:cut]
        done = {step.node for step in whole[:cut] if step.status is StepStatus.SUCCEEDED}
        await kit.execute(**kit.record())
        assert {node for node, _ in kit.calls} == {f"n{number}" for number in range(4)} - done
        assert kit.reporter.ending is not None
        assert kit.reporter.ending.output == '["n0","n1","n2","n3"]'


# for each


async def test_for_each_keeps_the_order_and_sees_item_and_index() -> None:
    config = {"fields": {"n": "{{ item * 10 }}", "i": "{{ index }}"}}
    kit = Kit().node("each", "set", "start", config=config, for_each={"items": "{{ payload }}"})
    await kit.execute([3, 1, 2])
    assert kit.reporter.output("each") == [{"n": 30, "i": 0}, {"n": 10, "i": 1}, {"n": 20, "i": 2}]
    assert len([step for step in kit.reporter.steps if step.node == "each"]) == 1, "a pure for-each is one step"


async def test_a_for_each_has_so_many_items_at_most() -> None:
    kit = Kit().node("each", "set", "start", config={"fields": {}}, for_each={"items": "{{ payload }}"})
    await kit.execute([0] * (MAX_ITEMS + 1))
    ending = kit.reporter.ending
    assert ending is not None
    assert ending.error is not None
    assert (ending.error.type, "100,001 items" in ending.error.message) == ("TooManyItems", True)


async def test_for_each_with_effects_records_each_item_and_goes_on_where_it_stopped() -> None:
    async def work(config: Any, input: Any, ctx: Any) -> Any:
        await asyncio.sleep(0.001 * (5 - ctx.item))
        return ctx.item * 10

    kit = Kit().does("effect", work, effect="idempotent")
    kit.node("each", "effect", "start", for_each={"items": "{{ payload }}", "concurrency": 3})
    await kit.execute([0, 1, 2, 3, 4])
    assert kit.reporter.output("each") == [0, 10, 20, 30, 40]
    succeeded = [step for step in kit.reporter.steps if step.status is StepStatus.SUCCEEDED]
    assert {step.item for step in succeeded if step.node == "each"} == {0, 1, 2, 3, 4, None}
    assert len(set(kit.keys)) == 5
    whole = kit.again().recorded
    kit.recorded = [step for step in whole if not (step.node == "each" and step.item in (None, 3) and step.status is StepStatus.SUCCEEDED)]
    await kit.execute([0, 1, 2, 3, 4], **kit.record())
    assert len(kit.calls) == 1
    assert kit.reporter.output("each") == [0, 10, 20, 30, 40]


async def test_for_each_runs_so_many_at_once_and_no_more() -> None:
    running = [0, 0]

    async def work(config: Any, input: Any, ctx: Any) -> Any:
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.005)
        running[0] -= 1

    kit = Kit().does("effect", work, effect="idempotent")
    kit.node("each", "effect", "start", for_each={"items": list(range(10)), "concurrency": 3})
    await kit.execute()
    assert running[1] == 3


def odd_fails(config: Any, input: Any, ctx: Any) -> Any:
    if ctx.item % 2:
        raise NodeError(f"{ctx.item} is odd.")
    return ctx.item


async def test_a_failed_item_stays_in_its_place_or_stops_the_rest() -> None:
    kit = Kit().does("odd", odd_fails).node("each", "odd", "start", for_each={"items": [0, 1, 2]}, on_error="continue")
    await kit.execute()
    assert kit.reporter.output("each") == [0, {"error": {"type": "NodeError", "message": "1 is odd."}}, 2]
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.failed_steps == 1
    kit = Kit().does("odd", odd_fails, effect="idempotent").node("each", "odd", "start", for_each={"items": [0, 1, 2], "concurrency": 1})
    await kit.execute()
    assert [node for node, _ in kit.calls] == ["each", "each"]
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.error is not None
    assert kit.reporter.ending.error.message == "Item 1: 1 is odd."


async def test_items_retry_on_their_own_and_wait_durably() -> None:
    def behaviour(config: Any, input: Any, ctx: Any) -> Any:
        if ctx.item == 1 and ctx.attempt == 1:
            raise NodeError("Later.", retryable=True)
        return ctx.item

    kit = Kit().does("effect", behaviour, effect="idempotent").node("each", "effect", "start", for_each={"items": [0, 1, 2]}, retry=SLOW)
    assert await kit.execute() is Result.WAITING
    record = kit.again().record()
    for begun in record["open"]:
        begun.due_at = begun.due_at and datetime.now(UTC)
    assert await kit.execute(**record) is Result.ENDED
    assert len(kit.calls) == 1
    assert kit.reporter.output("each") == [0, 1, 2]


async def test_a_delay_for_each_item_waits_durably() -> None:
    kit = Kit().node("each", "delay", "start", config={"duration_s": "{{ item }}"}, for_each={"items": [3600, 0, 3600]})
    assert await kit.execute("x") is Result.WAITING
    record = kit.again().record()
    for begun in record["open"]:
        begun.due_at = datetime.now(UTC)
    assert await kit.execute("x", **record) is Result.ENDED
    assert kit.reporter.output("each") == ["x", "x", "x"]


@pytest.mark.parametrize("items", [{"a": 1}, None, "text"])
async def test_items_must_be_a_list(items: Any) -> None:
    kit = Kit().does("told").node("each", "told", "start", for_each={"items": "{{ payload }}"})
    await kit.execute(items)
    error = kit.reporter.last("each").error
    assert error is not None
    assert error.type == "InvalidItems"
    assert "list" in error.hint


async def test_an_empty_list_is_an_empty_list() -> None:
    kit = Kit().does("told").node("each", "told", "start", for_each={"items": []})
    await kit.execute()
    assert kit.reporter.output("each") == []


async def test_pure_items_that_wait_for_something_run_side_by_side_and_the_others_do_not_need_to() -> None:
    running = [0, 0]

    async def work(config: Any, input: Any, ctx: Any) -> Any:
        if ctx.item < 3:
            return ctx.item
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.01)
        running[0] -= 1
        return ctx.item

    kit = Kit().does("told", work).node("each", "told", "start", for_each={"items": list(range(20)), "concurrency": 4})
    tasks = len(asyncio.all_tasks())
    await kit.execute()
    assert running[1] == 4
    assert kit.reporter.output("each") == list(range(20))
    assert len(asyncio.all_tasks()) == tasks


async def test_a_long_pure_for_each_lets_others_take_their_turn_and_can_be_cancelled() -> None:
    kit = Kit().node("each", "set", "start", config={"fields": {"n": "{{ item }}"}}, for_each={"items": list(range(20_000))})
    running = asyncio.create_task(kit.execute())
    turns = 0
    while not running.done() and turns < 3:
        await asyncio.sleep(0)
        turns += 1
    assert turns == 3
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 20)


async def test_a_pause_stops_a_pure_for_each_between_items() -> None:
    kit = Kit()

    def work(config: Any, input: Any, ctx: Any) -> Any:
        if ctx.item == 2:
            run.halt(Halt.PAUSE)
        return ctx.item

    kit.does("told", work).node("each", "told", "start", for_each={"items": [0, 1, 2, 3]})
    run = kit.prepare()
    assert await Engine(run).execute() is Result.HALTED
    assert len(kit.calls) == 3
    assert await kit.again().execute(**kit.record()) is Result.ENDED
    assert kit.reporter.output("each") == [0, 1, 2, 3]
