"""What happened, on its way to the backend: gathered per execution, sent in batches, never lost (PROTOCOL 14).

There is no timer. One POST is under way at a time; what gathers meanwhile leaves together when that one is answered. A
batch that gets no answer is sent again, unchanged, until it does. Log lines may be dropped, results never.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from uuid import UUID

import structlog

from executor.api import BackendAway, BackendRefused
from executor.errors import ExecutorError
from trestle.contracts.executions import StepError
from trestle.contracts.jobs import Answer, Answers, Ending, LogLine, Report, Reports, StepReport, Verdict
from trestle.contracts.states import StepStatus

MAX_BATCH = 500
MAX_BATCH_CHARS = 16_000_000
MAX_REPORT_CHARS = 8_000_000
"""What an execution has gathered beyond this leaves in a report of its own: pure steps may gather a lot before anybody waits."""
ROOM_CHARS = 64_000_000
"""How much may lie here unacknowledged before steps have to wait."""
MAX_LOG_LINES = 1000
MAX_LINES_A_RUN = 10_000
MAX_PAUSE_S = 2.0

_log = structlog.get_logger("executor.reports")


class Dropped(ExecutorError):
    """The execution isn't this executor's any more: nothing of it is written from here on."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"dropped: {verdict}")
        self.verdict = verdict


class Channel:
    """The reports of one execution under one epoch.

    What is added leaves with the next `send`, `acknowledged` or `end`; there is at most one report of it under way.
    """

    __slots__ = (
        "_courier",
        "_lines",
        "_logs",
        "_lost_lines",
        "_seq",
        "_steps",
        "_under_way",
        "_waiters",
        "dropped",
        "ending",
        "epoch",
        "execution_id",
    )

    def __init__(self, courier: "Courier", execution_id: UUID, epoch: int) -> None:
        self.execution_id = execution_id
        self.epoch = epoch
        self.ending: Ending | None = None
        self.dropped: Verdict | None = None
        self._courier = courier
        self._steps: dict[tuple[str, int | None, int], StepReport] = {}
        self._logs: list[LogLine] = []
        self._lines = 0
        self._lost_lines = 0
        self._seq = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._under_way: _UnderWay | None = None

    @property
    def gathered(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._steps or self._logs or self.ending)

    def add(self, step: StepReport) -> None:
        """Adds the state of a step. A later state of the same attempt takes the place of one that hasn't left yet."""
        if self.dropped is not None:
            return
        key = (step.node, step.item, step.attempt)
        replaced = self._steps.pop(key, None)
        if replaced is not None and step.items is None:
            step.items = replaced.items
            if step.status not in (StepStatus.SUCCEEDED, StepStatus.FAILED):
                step.refs = replaced.refs
        self._steps[key] = step
        self._courier.chars += _chars(step) - (_chars(replaced) if replaced else 0)

    def log(self, line: LogLine) -> None:
        """Adds a line that a node wrote; beyond 1,000 unsent lines only their number is kept, beyond 10,000 nothing."""
        self._lines += 1
        if self._lines > MAX_LINES_A_RUN:
            if self._lines == MAX_LINES_A_RUN + 1:
                message = f"This is line {MAX_LINES_A_RUN:,}: what is written from here on is not kept. Let the nodes write less."
                self._logs.append(line.model_copy(update={"level": "warning", "message": message}))
        elif len(self._logs) < MAX_LOG_LINES:
            self._logs.append(line)
        else:
            self._lost_lines += 1

    def send(self) -> None:
        """Lets what has gathered leave, without waiting for it."""
        if self.dropped is None and self.gathered:
            self._courier.dispatch(self)

    async def acknowledged(self) -> None:
        """Returns when all that was added so far is recorded. Raises `Dropped`."""
        if self.dropped is not None:
            raise Dropped(self.dropped)
        if self.gathered:
            waiters = self._waiters
            self.send()
        elif self._under_way is not None:
            waiters = self._under_way.waiters
        else:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.append(waiter)
        await waiter

    async def end(self, ending: Ending) -> None:
        """Adds the ending and returns when it is recorded. Raises `Dropped`."""
        if self.dropped is None:
            self.ending = ending
            self._courier.chars += _chars(ending)
        await self.acknowledged()

    async def room(self) -> None:
        """Returns when there is room for more; at once, except while the backend is away for long."""
        if self._courier.chars > ROOM_CHARS:
            self.send()
            await self._courier.room()

    def drop(self, verdict: Verdict) -> None:
        """Forgets everything unsent; whoever waits gets `Dropped`."""
        if self.dropped is not None:
            return
        self.dropped = verdict
        self._courier.chars -= sum(map(_chars, self._steps.values())) + _chars(self.ending)
        self._steps, self._logs, self.ending = {}, [], None
        _reject(self._waiters, Dropped(verdict))
        self._waiters = []

    def pack(self) -> "_UnderWay":
        """Takes what has gathered as the next report: all of it, or as many steps as fit into one, and at least one. For the courier.

        The ending, and whoever waits, go with the last of the steps.
        """
        self._seq += 1
        if self._lost_lines:
            last = self._logs[-1]
            message = f"{self._lost_lines} more lines were dropped: too many at once."
            self._logs.append(last.model_copy(update={"level": "warning", "message": message}))
            self._lost_lines = 0
        report = Report(execution_id=self.execution_id, epoch=self.epoch, seq=self._seq, steps=self._fitting(), logs=self._logs)
        self._logs = []
        self._under_way = _UnderWay(self, report)
        if not self._steps:
            report.ending, self.ending = self.ending, None
            self._under_way.waiters, self._waiters = self._waiters, []
            self._under_way.chars += _chars(report.ending)
        return self._under_way

    def _fitting(self) -> list[StepReport]:
        """Takes the first steps out, up to the size of a report."""
        taken: list[StepReport] = []
        chars = 0
        for key, step in list(self._steps.items()):
            chars += _chars(step)
            if taken and chars > MAX_REPORT_CHARS:
                break
            taken.append(self._steps.pop(key))
        return taken

    def settle(self, under_way: "_UnderWay", answer: Answer) -> None:
        """Takes the verdict on a report. For the courier."""
        self._under_way = None
        verdict = answer.verdict
        if verdict is Verdict.RESEND:
            # One report is under way at a time, so the backend either has this one already or has lost an acknowledged one.
            if (answer.expected_seq or 0) > under_way.report.seq:
                verdict = Verdict.CONTINUE
            else:
                _log.error("the backend misses an acknowledged report", execution=str(self.execution_id), expected=answer.expected_seq)
        if verdict in (Verdict.CONTINUE, Verdict.PAUSE):
            for waiter in under_way.waiters:
                if not waiter.done():
                    waiter.set_result(None)
            return
        self.drop(verdict)
        _reject(under_way.waiters, Dropped(verdict))


class _UnderWay:
    """A packed report, and who waits for it."""

    __slots__ = ("channel", "chars", "report", "waiters")

    def __init__(self, channel: Channel, report: Report) -> None:
        self.channel = channel
        self.report = report
        self.waiters: list[asyncio.Future[None]] = []
        self.chars = sum(map(_chars, report.steps))


class Courier:
    """Carries the reports of all executions of this process. `run` is a task of its own.

    `on_verdict` hears every verdict that isn't `continue`, after the channel has taken it; `on_answer` hears the backend's
    clock with each answer.
    """

    def __init__(
        self,
        post: Callable[[Reports], Awaitable[Answers]],
        on_verdict: Callable[[Channel, Verdict], None],
        on_answer: Callable[[Answers], None] = lambda answers: None,
    ) -> None:
        self._post = post
        self._on_verdict = on_verdict
        self._on_answer = on_answer
        self._waiting: dict[Channel, None] = {}
        self._bell = asyncio.Event()
        self._room: list[asyncio.Future[None]] = []
        self.chars = 0
        """Characters of results that aren't acknowledged."""

    def open(self, execution_id: UUID, epoch: int) -> Channel:
        """A channel for an execution that was claimed."""
        return Channel(self, execution_id, epoch)

    def dispatch(self, channel: Channel) -> None:
        """Puts a channel among those that leave next."""
        self._waiting[channel] = None
        self._bell.set()

    async def room(self) -> None:
        """Returns when less than the allowed amount is unacknowledged."""
        while self.chars > ROOM_CHARS:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(waiter)
            await waiter

    async def run(self) -> None:
        """Sends until it is cancelled."""
        while True:
            await self._bell.wait()
            batch = self._take()
            if batch:
                await self._deliver(batch)
                if self.chars <= ROOM_CHARS and self._room:
                    for waiter in self._room:
                        if not waiter.done():
                            waiter.set_result(None)
                    self._room.clear()

    def _take(self) -> list[_UnderWay]:
        batch: list[_UnderWay] = []
        more: dict[Channel, None] = {}
        chars = 0
        while self._waiting and len(batch) < MAX_BATCH and chars < MAX_BATCH_CHARS:
            channel = next(iter(self._waiting))
            del self._waiting[channel]
            if channel.dropped is None and channel.gathered:
                under_way = channel.pack()
                chars += under_way.chars
                batch.append(under_way)
                if channel.gathered:
                    more[channel] = None
        self._waiting |= more
        if not self._waiting:
            self._bell.clear()
        return batch

    async def _deliver(self, batch: list[_UnderWay]) -> None:
        """Sends one batch until each of its reports has a verdict."""
        pause = 0.05
        while True:
            try:
                answers = await self._post(Reports.model_construct(reports=[under_way.report for under_way in batch]))
            except BackendAway as error:
                _log.warning("reports wait for the backend", reports=len(batch), reason=str(error))
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(pause * 2, MAX_PAUSE_S)
            except BackendRefused as refusal:
                await self._refused(batch, refusal)
                return
            else:
                self._on_answer(answers)
                self._settle(batch, answers.answers)
                return

    def _settle(self, batch: list[_UnderWay], answers: list[Answer]) -> None:
        by_id = {answer.execution_id: answer for answer in answers}
        for under_way in batch:
            channel = under_way.channel
            self.chars -= under_way.chars
            answer = by_id.get(channel.execution_id) or Answer(execution_id=channel.execution_id, verdict=Verdict.STALE)
            channel.settle(under_way, answer)
            if answer.verdict is not Verdict.CONTINUE:
                self._on_verdict(channel, answer.verdict)

    async def _refused(self, batch: list[_UnderWay], refusal: BackendRefused) -> None:
        """The backend takes no batch like this. Find the report that it can't take, and let that execution fail in its stead."""
        if len(batch) > 1:
            half = len(batch) // 2
            await self._deliver(batch[:half])
            await self._deliver(batch[half:])
            return
        under_way = batch[0]
        report = under_way.report
        spared = bool(report.ending and report.ending.error and report.ending.error.type == "ReportRefused")
        if refusal.status == HTTPStatus.CONFLICT or spared:
            self._settle(batch, [Answer(execution_id=report.execution_id, verdict=Verdict.STALE)])
            return
        _log.error("the backend refuses a report", execution=str(report.execution_id), status=refusal.status, detail=refusal.detail)
        error = StepError(
            type="ReportRefused",
            message=f"The result could not be stored: the backend answered {refusal.status}.",
            hint="Let the step put out less data, and look into the backend's log.",
        )
        unfinished = [step.model_copy(update={"status": StepStatus.FAILED, "output": None, "error": error}) for step in report.steps[-1:]]
        node = report.steps[-1].node if report.steps else None
        under_way.report = report.model_copy(
            update={"steps": unfinished, "logs": [], "ending": Ending(status="failed", error=error, error_node=node)}
        )
        await self._deliver([under_way])
        under_way.channel.drop(Verdict.STALE)
        self._on_verdict(under_way.channel, Verdict.STALE)


def _chars(part: StepReport | Ending | None) -> int:
    if part is None:
        return 0
    items = part.items if isinstance(part, StepReport) else None
    return len(part.output or "") + len(items or "")


def _reject(waiters: list[asyncio.Future[None]], error: Dropped) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_exception(error)
