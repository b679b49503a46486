"""Rate limits that processes share, and what a step does that has to wait for its turn."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from executor import throttle
from executor.engine import Result
from executor.throttle import Throttle
from tests.executor.engine_kit import Kit
from trestle.contracts.credentials import RateLimit
from trestle.contracts.jobs import Secret
from trestle.contracts.states import StepStatus

FIVE = RateLimit(requests=5, per_s=0.4)


@pytest.fixture
def scope() -> str:
    """A scope of this test's own."""
    return uuid4().hex


@pytest.fixture
async def two(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Throttle]]:
    """Two processes' throttles, which do not take a slow machine for a Redis that is away."""
    monkeypatch.setattr(throttle, "PATIENCE_S", 10)
    made = [Throttle(redis_url) for _ in range(2)]
    yield made
    for one in made:
        await one.aclose()


async def passes(one: Throttle, scope: str, limit: RateLimit, ticket: str) -> tuple[float, float, float]:
    """Between which moments the call went, by time.monotonic, after all the waiting that it was told to; and how long that was at first."""
    told: list[float] = []
    while True:
        asked = time.monotonic()
        told.append(await one.delay_s(scope, limit, ticket))
        if told[-1] <= 0:
            return asked, time.monotonic(), told[0]
        await asyncio.sleep(told[-1])


async def test_no_stretch_of_time_sees_more_calls_than_the_limit(two: list[Throttle], scope: str) -> None:
    gone = await asyncio.gather(*(passes(two[n % 2], scope, FIVE, f"t{n}") for n in range(22)))
    begun, ended, waits = (sorted(times) for times in zip(*gone, strict=True))
    assert all(ended[n + 5] - begun[n] > 0.39 for n in range(17)), "whenever exactly they were counted"
    assert ended[-1] - begun[0] > 1.5
    assert waits[-1] < 1.62, "and no time is lost"


async def test_who_waits_keeps_its_place(two: list[Throttle], scope: str) -> None:
    one = RateLimit(requests=1, per_s=25)
    assert await two[0].delay_s(scope, one, "a") == 0
    first = await two[0].delay_s(scope, one, "b")
    second = await two[1].delay_s(scope, one, "c")
    again = await two[1].delay_s(scope, one, "b")
    assert 15 < again <= first <= 25
    assert 40 < second <= 50
    assert await two[0].delay_s(scope, RateLimit(requests=1_000_000, per_s=1), "a") == 0, "another limit is another count"


async def test_who_comes_while_it_is_asked_about_waits_for_the_answer(two: list[Throttle], scope: str) -> None:
    await two[0].close(scope, 50)
    delays = await asyncio.gather(*(two[1].delay_s(scope, None, f"t{n}") for n in range(5)))
    assert min(delays) > 40


async def test_a_pause_holds_for_everybody(two: list[Throttle], scope: str) -> None:
    await two[0].close(scope, 50)
    await two[0].close(scope, 1)
    for one in two:
        for limit in (None, FIVE):
            assert 40 < await one.delay_s(scope, limit, uuid4().hex) <= 50
    assert await two[1].delay_s("another", None, "t") == 0


@pytest.mark.parametrize("silent", [False, True])
async def test_without_redis_each_process_counts_for_itself(scope: str, silent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "AWAY_S", 60)
    held = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        if not silent:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    one = Throttle(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    began = time.monotonic()
    delays = [await one.delay_s(scope, RateLimit(requests=5, per_s=60), f"t{n}") for n in range(7)]
    await one.close(scope, 90)
    assert 80 < await one.delay_s(scope, None, "t") <= 90
    assert time.monotonic() - began < 5, "a connection without answers holds nobody up for long"
    assert len(held) == 1, "and one call only"
    assert delays[:5] == [0] * 5
    assert all(50 < delay <= 60 for delay in delays[5:])
    await one.aclose()
    server.close()
    for writer in held:
        writer.close()
    await server.wait_closed()


async def uses_secret(kit: Kit) -> Any:
    """The last state of a step that uses a credential."""
    kit.node("call", "test.secret", "start", config={"auth": str(uuid4())}, retry={"max_attempts": 1})
    return await kit.execute("in")


async def test_a_step_that_has_to_wait_long_sleeps_in_the_database() -> None:
    kit = Kit()
    kit.secrets.secret = Secret(type="bearer", data={"token": "x" * 20}, rate_limit=FIVE)
    kit.throttle.delays = [30]
    assert await uses_secret(kit) is Result.WAITING
    row = kit.reporter.last("call")
    assert (row.status, row.attempt) == (StepStatus.WAITING, 1), "no attempt is used up"
    assert "rate limit of the credential until" in str(row.wait)
    assert row.due_at is not None
    assert 25 < (row.due_at - datetime.now(UTC)).total_seconds() < 31
    record = kit.again().record()
    record["open"][0].due_at = datetime.now(UTC)
    assert await kit.execute("in", **record) is Result.ENDED
    assert kit.reporter.last("call").status is StepStatus.SUCCEEDED
    (scope, limit, ticket), again = kit.throttle.asked
    assert (scope.startswith("credential:"), limit, len(ticket)) == (True, FIVE, 64)
    assert again == (scope, limit, ticket), "the same place in the line"


async def test_a_short_wait_is_slept() -> None:
    kit = Kit()
    kit.throttle.delays = [0.05, 0.01]
    began = time.monotonic()
    assert await uses_secret(kit) is Result.ENDED
    assert time.monotonic() - began >= 0.05
    assert [step.status for step in kit.reporter.steps if step.node == "call"][-1] is StepStatus.SUCCEEDED
