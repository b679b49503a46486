"""The engine against a fake backend: order, ports, failures, and what is reported when."""

import asyncio
from typing import Any

import pytest

from executor.engine import Engine, Result
from executor.node import Branch, NodeError
from executor.reports import Dropped
from executor.run import Halt
from tests.executor.engine_kit import Kit, until
from trestle.contracts.graph import WorkflowSettings
from trestle.contracts.jobs import Verdict
from trestle.contracts.states import StepStatus


async def test_a_chain_of_pure_steps_is_one_report_with_the_ending() -> None:
    kit = Kit().does("told", lambda config, input, ctx: input + 1)
    for number in range(10):
        kit.node(f"n{number}", "told", f"n{number - 1}" if number else "start")
    assert await kit.execute(0) is Result.ENDED
    assert len(kit.reporter.reports) == 1
    assert [step.node for step in kit.reporter.steps] == ["start", *(f"n{number}" for number in range(10))]
    assert kit.reporter.steps[0].output is None, "the trigger's output is the execution's input, stored once"
    assert kit.reporter.ending is not None
    assert (kit.reporter.ending.status, kit.reporter.ending.output) == ("succeeded", "10")


async def test_expressions_see_payload_input_and_nodes() -> None:
    kit = Kit().node("a", "set", "start", config={"fields": {"n": "{{ payload.n * 2 }}"}})
    kit.node("b", "set", "a", config={"fields": {"all": "{{ [payload.n, input.n, nodes.a.n, workflow.name, vars.K] }}"}})
    await kit.execute({"n": 21}, variables={"K": "v"})
    assert kit.reporter.output("b") == {"all": [21, 42, 42, "Test", "v"]}


async def test_branches_run_at_the_same_time_and_join() -> None:
    meeting = asyncio.Barrier(2)

    async def meet(config: Any, input: Any, ctx: Any) -> Any:
        await asyncio.wait_for(meeting.wait(), 5)
        return ctx.node

    kit = Kit().does("told", meet).node("left", "told", "start").node("right", "told", "start")
    kit.node("both", "merge", "left", "right", config={"mode": "list"}, join="all")
    await kit.execute()
    assert kit.reporter.output("both") == ["left", "right"]


async def test_what_is_not_taken_is_skipped_and_that_travels_on() -> None:
    kit = Kit().node("hot", "filter", "start", config={"condition": "{{ payload.score >= 80 }}"})
    kit.node("tell", "set", "hot").node("more", "set", "tell").node("cold", "set", "hot:rejected")
    kit.node("any", "merge", "more", "cold").node("all", "merge", "more", "cold", join="all")
    await kit.execute({"score": 10})
    states = {step.node: step.status.value for step in kit.reporter.steps}
    assert states == {
        "start": "succeeded",
        "hot": "succeeded",
        "tell": "skipped",
        "more": "skipped",
        "cold": "succeeded",
        "any": "succeeded",
        "all": "skipped",
    }
    assert kit.reporter.last("hot").port == "rejected"
    assert kit.reporter.output("any") == {"cold": {}}


async def test_the_output_is_the_last_nodes() -> None:
    kit = Kit().node("a", "set", "start", config={"fields": {"x": 1}}).node("b", "set", "start", config={"fields": {"y": 2}})
    await kit.execute()
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.output == '{"a":{"x":1},"b":{"y":2}}'


async def test_a_success_is_recorded_before_a_dependent_with_effects_starts() -> None:
    kit = Kit().does("effect", effect="idempotent").node("a", "set", "start").node("b", "effect", "a").node("c", "effect", "b")
    await kit.execute()
    events = kit.reporter.events
    assert events == [
        "report start succeeded",
        "report a succeeded",
        "report b running",
        "acknowledged",
        "run b",
        "report b succeeded",
        "report c running",
        "acknowledged",
        "run c",
        "report c succeeded",
    ]


async def test_an_idempotent_step_behind_the_trigger_waits_for_no_answer_but_an_unsafe_one_does() -> None:
    kit = Kit().does("effect", effect="idempotent").node("a", "effect", "start")
    await kit.execute()
    assert kit.reporter.events[:3] == ["report start succeeded", "report a running", "run a"]
    kit = Kit().does("effect", effect="unsafe").node("a", "effect", "start")
    await kit.execute()
    assert kit.reporter.events[:4] == ["report start succeeded", "report a running", "acknowledged", "run a"]


async def test_no_effect_while_the_lease_does_not_hold() -> None:
    kit = Kit().does("effect", effect="idempotent").node("a", "effect", "start")
    kit.lease.ok = False
    running = asyncio.create_task(kit.execute())
    await asyncio.sleep(0.05)
    assert kit.calls == []
    kit.lease.again.set()
    assert await running is Result.ENDED
    assert kit.calls == [("a", None)]


async def test_a_lost_execution_writes_nothing_more() -> None:
    kit = Kit().does("effect", effect="unsafe").node("a", "effect", "start")

    async def lost() -> None:
        raise Dropped(Verdict.STALE)

    kit.reporter.acknowledged = lost  # type: ignore[method-assign]  # the backend's answer
    with pytest.raises(Dropped):
        await kit.execute()
    assert kit.calls == []
    assert kit.reporter.ending is None


def refuse(config: Any, input: Any, ctx: Any) -> Any:
    raise NodeError("It said no.", hint="Ask again.")


async def test_a_failure_stops_the_execution_and_cancels_what_runs() -> None:
    kit = Kit().does("bad", refuse).does("slow", lambda config, input, ctx: asyncio.sleep(60), effect="idempotent")
    kit.node("slow", "slow", "start").node("bad", "bad", "start").node("after", "set", "bad")
    await asyncio.wait_for(kit.execute(), 5)
    ending = kit.reporter.ending
    assert ending is not None
    assert ending.error is not None
    assert (ending.status, ending.error_node, ending.error.message, ending.error.hint) == ("failed", "bad", "It said no.", "Ask again.")
    assert kit.reporter.last("slow").status is StepStatus.CANCELLED
    assert (kit.reporter.last("bad").status, kit.reporter.last("bad").port) == (StepStatus.FAILED, None)
    assert not [step for step in kit.reporter.steps if step.node == "after"]


async def test_continue_hands_the_error_on() -> None:
    kit = Kit().does("bad", refuse).node("bad", "bad", "start", on_error="continue")
    kit.node("after", "set", "bad", config={"keep_input": True})
    await kit.execute()
    assert kit.reporter.output("after") == {"error": {"type": "NodeError", "message": "It said no."}}
    assert kit.reporter.ending is not None
    assert (kit.reporter.ending.status, kit.reporter.ending.failed_steps) == ("succeeded", 1)


async def test_the_workflow_says_what_its_nodes_do_by_default() -> None:
    kit = Kit().does("bad", refuse).node("bad", "bad", "start")
    kit.settings = WorkflowSettings(on_error="continue")
    await kit.execute()
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.status == "succeeded"


async def test_branch_leaves_by_the_error_port() -> None:
    kit = Kit().does("bad", refuse).node("bad", "bad", "start", on_error="branch")
    kit.node("good", "set", "bad").node("caught", "set", "bad:error", config={"keep_input": True})
    await kit.execute({"x": 1})
    error = {"type": "NodeError", "message": "It said no.", "node": "bad", "attempt": 1}
    assert kit.reporter.output("caught") == {"error": error, "input": {"x": 1}}
    assert kit.reporter.last("good").status is StepStatus.SKIPPED
    assert kit.reporter.last("bad").status is StepStatus.FAILED


async def test_a_nodes_bug_is_told_as_one_and_its_traceback_is_not() -> None:
    def broken(config: Any, input: Any, ctx: Any) -> Any:
        raise KeyError("private detail")

    kit = Kit().does("bad", broken).node("a", "bad", "start")
    await kit.execute()
    error = kit.reporter.last("a").error
    assert error is not None
    assert error.type == "NodeBug"
    assert "KeyError" in error.message
    assert "private detail" not in error.model_dump_json()


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (float("nan"), "NaN"),
        ([{"x": float("inf")}], "NaN"),
        (object(), "not JSON"),
        ({1: 2}, "not JSON"),
        ("x" * (64 * 2**20), "67.1 MB"),
        (Branch("nowhere", 1), "NodeBug"),
    ],
)
async def test_an_output_must_be_json_of_a_certain_size(output: Any, words: str) -> None:
    kit = Kit().does("odd", lambda config, input, ctx: output).node("a", "odd", "start")
    await kit.execute()
    error = kit.reporter.last("a").error
    assert error is not None
    assert words in f"{error.type}: {error.message}"


async def test_a_wrong_expression_names_node_and_field_and_what_there_is() -> None:
    kit = Kit().node("a", "set", "start", config={"fields": {"x": "{{ payload.nme.first }}"}})
    await kit.execute({"name": "Ada"})
    error = kit.reporter.last("a").error
    assert error is not None
    assert error.type == "ExpressionError"
    for word in ("“a”", "fields.x", "nme", "name"):
        assert word in error.message + error.hint


async def test_a_config_that_comes_out_wrong_is_told_by_field() -> None:
    kit = Kit().node("a", "delay", "start", config={"duration_s": "{{ payload.wait }}"})
    await kit.execute({"wait": "soon"})
    error = kit.reporter.last("a").error
    assert error is not None
    assert error.type == "InvalidConfig"
    assert "duration_s" in error.message


async def test_disabled_passes_its_input_through() -> None:
    kit = Kit().does("bad", refuse).node("off", "bad", "start", disabled=True).node("after", "set", "off", config={"keep_input": True})
    await kit.execute({"x": 1})
    assert kit.reporter.output("after") == {"x": 1}
    assert kit.calls == []


async def test_pinned_outputs_are_for_test_runs_only() -> None:
    kit = Kit().does("live", lambda config, input, ctx: "live").node("a", "live", "start", pinned={"x": 1})
    await kit.execute(version=None)
    assert kit.reporter.output("a") == {"x": 1}
    kit.again()
    await kit.execute(version=3)
    assert kit.reporter.output("a") == "live"


async def test_until_runs_what_leads_to_a_node_and_no_more() -> None:
    kit = Kit().node("a", "set", "start").node("b", "set", "a").node("c", "set", "b").node("side", "set", "a")
    await kit.execute(version=None, until="b")
    assert [step.node for step in kit.reporter.steps] == ["start", "a", "b"]


async def test_only_runs_one_node_on_pinned_or_recorded_or_given_input() -> None:
    kit = Kit().node("a", "set", "start", pinned={"x": 1}).node("b", "set", "a", config={"keep_input": True})
    await kit.execute(version=None, only="b")
    assert [step.node for step in kit.reporter.steps] == ["b"]
    assert kit.reporter.output("b") == {"x": 1}
    kit.again()
    await kit.execute({"given": True}, version=None, only="b")
    assert kit.reporter.output("b") == {"given": True}


async def test_a_run_that_starts_nowhere_fails_and_says_so() -> None:
    kit = Kit().node("a", "set", "start")
    await kit.execute(trigger={"kind": "manual", "node": "gone"})
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.error is not None
    assert "“gone”" in kit.reporter.ending.error.message


async def test_secrets_do_not_leave_the_step() -> None:
    kit = Kit().node("a", "test.secret", "start", config={"auth": "0190a2b4-0000-7000-8000-000000000001"})
    await kit.execute()
    output = kit.reporter.output("a")
    assert output == {"raw": "[redacted]", "nested": ["Bearer [redacted]"], "[redacted]": 1}
    assert [line.message for line in kit.reporter.logs] == ["using [redacted]"]
    kit.again()
    await kit.execute("fail")
    error = kit.reporter.last("a").error
    assert error is not None
    assert (error.message, error.hint) == ("[redacted] was refused", "not [redacted]")


async def test_a_halt_lets_the_running_step_finish_and_starts_no_other() -> None:
    kit = Kit()
    go_on = asyncio.Event()

    async def wait(config: Any, input: Any, ctx: Any) -> Any:
        await go_on.wait()
        return "done"

    kit.does("slow", wait, effect="idempotent").node("a", "slow", "start").node("b", "slow", "a")
    run = kit.prepare()
    running = asyncio.create_task(Engine(run).execute())
    await until(lambda: bool(kit.calls))
    run.halt(Halt.DRAIN)
    go_on.set()
    assert await running is Result.HALTED
    assert kit.reporter.output("a") == "done"
    assert [node for node, _ in kit.calls] == ["a"]
    assert kit.reporter.ending is None


async def test_long_pure_steps_are_told_to_those_who_watch() -> None:
    go_on = asyncio.Event()
    kit = Kit().does("slow", lambda config, input, ctx: go_on.wait()).node("a", "slow", "start")
    run = kit.prepare()
    running = asyncio.create_task(Engine(run).execute())
    await until(lambda: bool(kit.calls))
    run.tell_progress(0)
    assert kit.reporter.last("a").status is StepStatus.RUNNING
    go_on.set()
    await running
    assert kit.reporter.last("a").status is StepStatus.SUCCEEDED
