"""A step that ends the whole execution (`executor.node.Stop`)."""

import asyncio
from typing import Any

import pytest

from executor.engine import Result
from executor.node import Stop
from tests.executor.engine_kit import Kit
from trestle.contracts.states import StepStatus


async def hang(config: Any, input: Any, ctx: Any) -> Any:
    await asyncio.sleep(60)


@pytest.mark.parametrize("status", ["succeeded", "failed"])
async def test_it_ends_the_execution_at_once(status: str) -> None:
    kit = Kit().does("hang", hang, effect="idempotent")
    kit.node("slow", "hang", "start").node("later", "delay", "start", config={"duration_s": 3600}).node("after", "set", "slow")
    config = {"status": status, "message": "No order {{ payload.id }}."}
    kit.node("end", "stop", "start", config=config, on_error="continue", retry={"max_attempts": 5})
    assert await asyncio.wait_for(kit.execute({"id": 7}), 5) is Result.ENDED
    assert kit.reporter.last("slow").status is StepStatus.CANCELLED
    assert kit.reporter.last("later").status is StepStatus.CANCELLED
    assert kit.reporter.last("end").status.value == status
    assert not [step for step in kit.reporter.steps if step.node == "after"]
    ending = kit.reporter.ending
    assert ending is not None
    assert ending.status == status
    if status == "failed":
        assert (ending.error_node, ending.error and ending.error.message) == ("end", "No order 7.")
    else:
        assert (ending.output, ending.failed_steps) == ('{"id":7}', 0)
        assert [line.message for line in kit.reporter.logs] == ["No order 7."]


async def test_the_next_owner_of_a_stopped_execution_runs_nothing() -> None:
    kit = Kit().does("told").node("end", "stop", "start").node("after", "told", "start")
    await kit.execute("in")
    kit.again()
    kit.recorded = [step for step in kit.recorded if step.node != "after"]
    assert await kit.execute("in", **kit.record()) is Result.ENDED
    assert kit.calls == []
    assert kit.reporter.ending is not None
    assert (kit.reporter.ending.status, kit.reporter.ending.output) == ("succeeded", '"in"')


async def test_an_item_of_a_for_each_ends_the_execution() -> None:
    def behave(config: Any, input: Any, ctx: Any) -> Any:
        return Stop("failed", "enough") if ctx.item == 2 else hang(config, input, ctx)

    for effect in ("pure", "idempotent"):
        kit = Kit().does("told", behave, effect=effect)
        kit.node("each", "told", "start", for_each={"items": [1, 2, 3]}, on_error="continue")
        assert await asyncio.wait_for(kit.execute(), 5) is Result.ENDED
        assert kit.reporter.ending is not None
        assert kit.reporter.ending.error is not None
        assert (kit.reporter.ending.status, kit.reporter.ending.error.message) == ("failed", "enough")
        assert kit.reporter.last("each").status is StepStatus.FAILED
        if effect == "idempotent":
            assert kit.reporter.last("each", 0).status is StepStatus.CANCELLED
