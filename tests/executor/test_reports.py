"""Reports: batched without a timer, in order, once, never lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from executor import reports as subject
from executor.api import BackendAway, BackendRefused
from executor.reports import Channel, Courier, Dropped
from tests.executor.engine_kit import until
from trestle.contracts.jobs import Answer, Answers, Ending, LogLine, Report, Reports, StepReport, Verdict
from trestle.contracts.states import StepStatus


class Backend:
    """Takes batches; `hold` keeps answers back, `fail` raises instead of answering."""

    def __init__(self) -> None:
        self.batches: list[list[Report]] = []
        self.hold: asyncio.Event | None = None
        self.fail: list[Exception] = []
        self.answers: dict[UUID, Answer] = {}
        self.refuses_over: int | None = None
        self.verdicts: list[tuple[Channel, Verdict]] = []

    async def post(self, reports: Reports) -> Answers:
        self.batches.append(list(reports.reports))
        if self.hold is not None:
            await self.hold.wait()
        if self.fail:
            raise self.fail.pop(0)
        if self.refuses_over is not None and any(len(step.output or "") > self.refuses_over for r in reports.reports for step in r.steps):
            raise BackendRefused(413, "too large")
        answers = [
            self.answers.get(report.execution_id) or Answer(execution_id=report.execution_id, verdict=Verdict.CONTINUE)
            for report in reports.reports
        ]
        return Answers(now=datetime.now(UTC), answers=answers)


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
async def courier(backend: Backend) -> AsyncIterator[Courier]:
    courier = Courier(backend.post, lambda channel, verdict: backend.verdicts.append((channel, verdict)))
    running = asyncio.create_task(courier.run())
    yield courier
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def step(node: str = "a", **fields: Any) -> StepReport:
    return StepReport(**{"node": node, "type": "set", "status": StepStatus.SUCCEEDED, **fields})


async def test_one_is_under_way_and_the_rest_leave_together(courier: Courier, backend: Backend) -> None:
    backend.hold = asyncio.Event()
    channels = [courier.open(uuid4(), 1) for _ in range(5)]
    for channel in channels:
        channel.add(step())
    waiting = [asyncio.create_task(channels[0].acknowledged())]
    await until(lambda: len(backend.batches) == 1)
    waiting += [asyncio.create_task(channel.acknowledged()) for channel in channels[1:]]
    await asyncio.sleep(0.02)
    assert [len(batch) for batch in backend.batches] == [1]
    backend.hold.set()
    await asyncio.gather(*waiting)
    assert [len(batch) for batch in backend.batches] == [1, 4]


async def test_what_an_execution_adds_meanwhile_is_its_next_report(courier: Courier, backend: Backend) -> None:
    backend.hold = asyncio.Event()
    channel = courier.open(uuid4(), 3)
    channel.add(step("a"))
    channel.send()
    await until(lambda: len(backend.batches) == 1)
    channel.add(step("b", status=StepStatus.RUNNING))
    channel.add(step("b"))
    ending = asyncio.create_task(channel.end(Ending(status="succeeded", output="1")))
    backend.hold.set()
    await ending
    reports = [report for batch in backend.batches for report in batch]
    assert [(report.epoch, report.seq) for report in reports] == [(3, 1), (3, 2)]
    assert [(s.node, s.status) for s in reports[1].steps] == [("b", StepStatus.SUCCEEDED)], "one state an attempt"
    assert reports[1].ending is not None
    assert courier.chars == 0


async def test_a_batch_without_an_answer_is_sent_again_unchanged(courier: Courier, backend: Backend) -> None:
    backend.fail = [BackendAway("gone"), BackendAway("gone")]
    channel = courier.open(uuid4(), 1)
    channel.add(step())
    await channel.acknowledged()
    assert len(backend.batches) == 3
    assert backend.batches[0] == backend.batches[2]


@pytest.mark.parametrize("verdict", [Verdict.STALE, Verdict.CANCEL])
async def test_a_lost_execution_is_dropped(courier: Courier, backend: Backend, verdict: Verdict) -> None:
    execution_id = uuid4()
    backend.answers[execution_id] = Answer(execution_id=execution_id, verdict=verdict)
    channel = courier.open(execution_id, 1)
    channel.add(step(output="x"))
    with pytest.raises(Dropped):
        await channel.acknowledged()
    assert backend.verdicts == [(channel, verdict)]
    channel.add(step("b", output="y"))
    channel.send()
    with pytest.raises(Dropped):
        await channel.end(Ending(status="succeeded"))
    assert len(backend.batches) == 1
    assert courier.chars == 0


async def test_a_gap_means_that_an_acknowledged_report_was_lost(courier: Courier, backend: Backend) -> None:
    """One report is under way at a time: a backend that misses an earlier one has lost it. What it has recorded is the truth."""
    execution_id = uuid4()
    channel = courier.open(execution_id, 1)
    channel.add(step())
    await channel.acknowledged()
    backend.answers[execution_id] = Answer(execution_id=execution_id, verdict=Verdict.RESEND, expected_seq=1)
    channel.add(step("b"))
    with pytest.raises(Dropped) as dropped:
        await channel.acknowledged()
    assert dropped.value.verdict is Verdict.RESEND


async def test_a_report_that_is_there_already_counts_as_acknowledged(courier: Courier, backend: Backend) -> None:
    execution_id = uuid4()
    backend.answers[execution_id] = Answer(execution_id=execution_id, verdict=Verdict.RESEND, expected_seq=2)
    channel = courier.open(execution_id, 1)
    channel.add(step())
    await channel.acknowledged()


async def test_a_report_that_is_refused_fails_its_own_execution_and_no_other(courier: Courier, backend: Backend) -> None:
    backend.refuses_over = 10
    backend.hold = asyncio.Event()
    first = courier.open(uuid4(), 1)
    first.add(step())
    first.send()
    await until(lambda: len(backend.batches) == 1)
    good, bad = courier.open(uuid4(), 1), courier.open(uuid4(), 1)
    good.add(step(output="1"))
    bad.add(step(output="x" * 100))
    waiting = [asyncio.create_task(good.acknowledged()), asyncio.create_task(bad.end(Ending(status="succeeded")))]
    backend.hold.set()
    await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert waiting[0].exception() is None
    report = next(r for batch in reversed(backend.batches) for r in batch if r.execution_id == bad.execution_id)
    assert report.ending is not None
    assert report.ending.error is not None
    assert (report.ending.status, report.ending.error.type, report.steps[0].status) == ("failed", "ReportRefused", StepStatus.FAILED)


async def test_there_is_room_for_so_much_and_no_more(courier: Courier, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "ROOM_CHARS", 100)
    backend.hold = asyncio.Event()
    channel = courier.open(uuid4(), 1)
    channel.add(step(output="x" * 101))
    waiting = asyncio.create_task(channel.room())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    backend.hold.set()
    await asyncio.wait_for(waiting, 5)
    await channel.room()


async def test_logs_may_be_dropped_and_their_number_is_told(courier: Courier, backend: Backend) -> None:
    channel = courier.open(uuid4(), 1)
    for number in range(subject.MAX_LOG_LINES + 5):
        channel.log(LogLine(node="a", level="info", message=str(number), at=datetime.now(UTC)))
    await channel.acknowledged()
    logs = backend.batches[0][0].logs
    assert len(logs) == subject.MAX_LOG_LINES + 1
    assert logs[-1].message.startswith("5 more lines")


async def test_an_execution_keeps_so_many_log_lines(courier: Courier, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_LINES_A_RUN", 3)
    channel = courier.open(uuid4(), 1)
    for number in range(9):
        channel.log(LogLine(node="a", level="info", message=str(number), at=datetime.now(UTC)))
        if number % 2:
            await channel.acknowledged()
    lines = [line.message for batch in backend.batches for report in batch for line in report.logs]
    assert lines[:3] == ["0", "1", "2"]
    assert len(lines) == 4
    assert "not kept" in lines[3]


async def test_what_is_too_much_for_one_report_leaves_in_several(
    courier: Courier, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "MAX_REPORT_CHARS", 100)
    channel = courier.open(uuid4(), 1)
    for number in range(5):
        channel.add(step(f"n{number}", output="x" * 45))
    channel.add(step("large", output="x" * 500))
    await channel.end(Ending(status="succeeded", output="{}"))
    sent = [report for batch in backend.batches for report in batch]
    assert [[one.node for one in report.steps] for report in sent] == [["n0", "n1"], ["n2", "n3"], ["n4"], ["large"]]
    assert [report.seq for report in sent] == [1, 2, 3, 4]
    assert [report.ending is not None for report in sent] == [False, False, False, True]
    assert courier.chars == 0
