"""Pauses and drains: what runs may finish, nothing starts, and the end of a pause."""

import asyncio
from typing import Any

import pytest

from executor import step
from executor.engine import Engine, Result
from executor.node import Wait
from executor.run import Halt
from tests.executor.engine_kit import Kit, soon, started, until
from trestle.contracts.states import StepStatus


@pytest.mark.parametrize("effect", ["pure", "idempotent", "unsafe"])
async def test_a_pause_ends_and_the_execution_goes_on_with_the_same_owner(effect: Any) -> None:
    go_on = asyncio.Event()

    async def slow(config: Any, input: Any, ctx: Any) -> Any:
        if ctx.node == "a":
            await go_on.wait()
        return ctx.node

    kit = Kit().does("slow", slow, effect=effect).node("a", "slow", "start").node("other", "slow", "start").node("b", "slow", "a")
    run = kit.prepare()
    engine = await started(run)
    run.halt(Halt.PAUSE)
    run.go_on()
    run.halt(Halt.PAUSE)
    go_on.set()
    assert await engine is Result.HALTED
    assert [node for node, _ in kit.calls] == ["a", "other"]
    run = kit.again().prepare(**kit.record())
    go_on.clear()
    run.halt(Halt.PAUSE)
    run.go_on()
    assert await Engine(run).execute() is Result.ENDED
    assert [node for node, _ in kit.calls] == ["b"]


async def test_a_pause_that_is_over_before_the_last_running_step_ends_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "WAIT_SLEPT_S", 0)  # also a short wait is one
    go_on = asyncio.Event()

    async def slow(config: Any, input: Any, ctx: Any) -> Any:
        await go_on.wait()

    kit = Kit().does("slow", slow, effect="idempotent").does("quick").node("a", "slow", "start").node("b", "quick", "start")
    kit.node("c", "quick", "b").does("waits", lambda config, input, ctx: Wait(soon(0.5))).node("w", "waits", "start")
    run = kit.prepare()
    engine = await started(run)
    run.halt(Halt.PAUSE)
    await asyncio.sleep(0.6)
    run.tell_progress(0)
    assert kit.reporter.last("w").status is StepStatus.WAITING, "a wait that falls due in a pause does not go on"
    run.go_on()
    await until(lambda: run.outcomes.get("w") is not None)
    go_on.set()
    assert await engine is Result.ENDED


async def test_the_last_step_may_end_a_paused_execution() -> None:
    go_on = asyncio.Event()

    async def slow(config: Any, input: Any, ctx: Any) -> Any:
        await go_on.wait()

    kit = Kit().does("slow", slow, effect="idempotent").node("a", "slow", "start")
    run = kit.prepare()
    engine = await started(run)
    run.halt(Halt.PAUSE)
    go_on.set()
    assert await engine is Result.ENDED


@pytest.mark.parametrize("effect", ["idempotent", "unsafe"])
async def test_a_step_that_a_pause_catches_before_its_start_is_not_taken_for_interrupted(effect: Any) -> None:
    kit = Kit().does("first").does("effect", effect=effect).node("first", "first", "start").node("a", "effect", "first")
    kit.reporter.gate = asyncio.Event()
    run = kit.prepare()
    engine = await started(run)
    run.halt(Halt.PAUSE)
    kit.reporter.gate.set()
    assert await engine is Result.HALTED
    assert [node for node, _ in kit.calls] == ["first"]
    assert kit.reporter.last("a").status is StepStatus.PENDING
    assert await kit.again().execute(**kit.record()) is Result.ENDED
    assert kit.reporter.last("a").status is StepStatus.SUCCEEDED


async def test_a_drain_is_for_good() -> None:
    run = Kit().does("a").node("a", "a", "start").prepare()
    run.halt(Halt.DRAIN)
    run.halt(Halt.PAUSE)
    run.go_on()
    assert await Engine(run).execute() is Result.HALTED


async def test_a_for_each_stops_and_goes_on_with_a_pause() -> None:
    gate = asyncio.Event()

    async def work(config: Any, input: Any, ctx: Any) -> Any:
        await gate.wait()
        return ctx.item

    kit = Kit().does("effect", work, effect="idempotent").does("other", work, effect="idempotent")
    kit.node("each", "effect", "start", for_each={"items": [1, 2, 3], "concurrency": 1})
    run = kit.prepare()
    engine = await started(run)
    run.halt(Halt.PAUSE)
    gate.set()
    assert await engine is Result.HALTED
    assert len(kit.calls) == 1
    assert await kit.again().execute(**kit.record()) is Result.ENDED
    assert len(kit.calls) == 2
    assert kit.reporter.output("each") == [1, 2, 3]
