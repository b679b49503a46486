"""One step of a run, from its first attempt to its end: retries, waits, and what follows a failure."""

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from executor.attempt import Done, Failure, attempt, elapsed_ms
from executor.node import Wait
from executor.program import Prepared
from executor.values import decode, encode
from trestle.contracts.base import EncodedJson, JsonObject, JsonValue
from trestle.contracts.executions import StepError
from trestle.contracts.graph import ERROR, MAIN, STOPPED
from trestle.contracts.jobs import OpenStep, StepReport
from trestle.contracts.states import StepStatus

if TYPE_CHECKING:
    from executor.foreach import Items
    from executor.run import Run

BACKOFF_SLEPT_S = 5.0
"""A backoff up to this is slept under the lease; a longer one gives the execution back until then."""
WAIT_SLEPT_S = 1.0
"""A node's own wait up to this is slept and not recorded."""
JITTER = 0.1
RETRY_NO = "retry_no"
"""Key in a step's recorded `wait` that carries the number of definite failures to the next owner, where it isn't attempt - 1."""
STATE = "$state"
"""Key for a node's state that is no object."""
RESUMED = "$resumed"
"""Key for the state of a wait that is over, while the step is being retried."""


@dataclass(slots=True)
class Settled:
    """A step ended. `port` None: nothing may follow it, and `fatal` says why the execution has failed. `STOPPED`: it has ended it."""

    port: str | None
    text: EncodedJson
    failed: bool = False
    fatal: StepError | None = None


@dataclass(slots=True)
class Suspended:
    """A step goes on at `due` (by the backend's clock); a wait of up to `slept_s` need not give the execution back."""

    due: datetime
    slept_s: float


class StepRun:
    """A node's (item's) run within an execution. `attempt` grows with each try; `retry_no` only with each definite failure."""

    __slots__ = (
        "attempt",
        "due",
        "index",
        "input",
        "interrupted",
        "item",
        "items",
        "prepared",
        "recorded",
        "resumed",
        "retry_no",
        "started",
        "started_at",
        "told",
    )

    def __init__(self, prepared: Prepared, input: EncodedJson, *, item: JsonValue = None, index: int | None = None) -> None:
        self.prepared = prepared
        self.input = input
        self.item = item
        self.index = index
        self.attempt = 1
        self.retry_no = 0
        self.interrupted = False
        """It was running when its executor was lost."""
        self.resumed: tuple[JsonValue] | None = None
        """The node's state, where it goes on after its own wait."""
        self.due: datetime | None = None
        self.recorded = True
        """Whether it has a row of its own. Items of a pure for-each have none until they wait."""
        self.items: Items | None = None
        self.started = 0.0
        self.started_at: datetime | None = None
        self.told = False

    def take_up(self, begun: OpenStep) -> None:
        """Goes on where a former owner left off."""
        self.attempt = begun.attempt
        self.recorded = True
        wait = dict(begun.wait) if isinstance(begun.wait, dict) else {}
        self.retry_no = wait.pop(RETRY_NO, begun.attempt - 1)
        self.interrupted = begun.status is StepStatus.RUNNING
        self.due = begun.due_at if begun.status is StepStatus.WAITING else None
        if begun.status is StepStatus.FAILED:
            self.attempt, self.retry_no = begun.attempt + 1, begun.attempt
        if RESUMED in wait:
            self.resumed = (wait[RESUMED],)
        elif self.due is not None and begun.failure is None:
            self.resumed = (wait.get(STATE, wait) or None,)

    # what it tells

    def begin(self, run: "Run") -> None:
        """The attempt starts now."""
        self.started = time.monotonic()
        self.started_at = run.clock.now()
        self.told = False

    def tell_running(self, run: "Run", older_than_s: float = 0) -> None:
        """Reports that the attempt runs, where that isn't known yet and it began `older_than_s` ago."""
        if self.told or not self.recorded or self.started_at is None or time.monotonic() - self.started < older_than_s:
            return
        self.told = True
        run.note(self._report(StepStatus.RUNNING, wait=self._carried({})), binding=False)

    def _carried(self, wait: JsonObject) -> JsonObject | None:
        """What a successor needs to know besides the row's columns."""
        if self.resumed is not None and not wait:
            wait = {RESUMED: self.resumed[0]}
        if self.retry_no != self.attempt - 1:
            wait = {**wait, RETRY_NO: self.retry_no}
        return wait or None

    def _report(
        self,
        status: StepStatus,
        *,
        port: str | None = None,
        output: EncodedJson | None = None,
        error: StepError | None = None,
        wait: JsonObject | None = None,
    ) -> StepReport:
        return StepReport(
            node=self.prepared.key,
            type=self.prepared.type,
            item=self.index,
            attempt=self.attempt,
            status=status,
            port=port,
            output=output,
            error=error,
            started_at=self.started_at,
            wait=wait,
        )

    def _finish(
        self,
        run: "Run",
        status: StepStatus,
        *,
        port: str | None = None,
        output: EncodedJson | None = None,
        error: StepError | None = None,
    ) -> None:
        if not self.recorded:
            return
        report = self._report(status, port=port, output=output, error=error)
        report.finished_at = run.clock.now()
        report.duration_ms = elapsed_ms(self.started) if self.started else 0
        if report.started_at is None:
            report.started_at = report.finished_at
        run.note(report)
        self.started, self.started_at = 0.0, None

    def cancel(self, run: "Run") -> None:
        """It was stopped because the execution failed elsewhere."""
        self._finish(run, StepStatus.CANCELLED)

    def settle(self, run: "Run", port: str, text: EncodedJson) -> Settled:
        """It succeeded."""
        self._finish(run, StepStatus.SUCCEEDED, port=port, output=text)
        return Settled(port, text)

    def fail(self, run: "Run", error: StepError) -> Settled:
        """It failed for good: what follows is the node's policy."""
        policy = self.prepared.on_error
        if self.index is not None or policy == "stop":
            self._finish(run, StepStatus.FAILED, error=error)
            return Settled(None, "null", failed=True, fatal=error)
        if policy == "continue":
            port, output = MAIN, encode({"error": {"type": error.type, "message": error.message}})
        else:
            detail = {"type": error.type, "message": error.message, "node": self.prepared.key, "attempt": self.attempt}
            port, output = ERROR, encode({"error": detail, "input": decode(self.input)})
        self._finish(run, StepStatus.FAILED, port=port, output=output, error=error)
        return Settled(port, output, failed=True)

    def stop(self, run: "Run", error: StepError) -> Settled:
        """It ended its execution as failed, whatever the node's policy is."""
        self._finish(run, StepStatus.FAILED, error=error)
        return Settled(STOPPED, "null", failed=True, fatal=error)

    # its course

    def suspend(self, run: "Run", due: datetime, wait: JsonObject) -> None:
        """Records that it goes on at `due`. It has a row of its own from now on."""
        self.due = due
        self.recorded = True
        report = self._report(StepStatus.WAITING, wait=self._carried(wait))
        report.due_at = due
        run.note(report)

    async def perform(self, run: "Run") -> Settled | Suspended:
        """Runs it until it ends, or has to wait for longer than is worth sleeping."""
        run.active.add(self)
        try:
            while True:
                outcome = await attempt(run, self)
                if isinstance(outcome, Done):
                    return self.settle(run, outcome.port, outcome.text)
                if isinstance(outcome, Wait):
                    suspended = await self._wait(run, outcome)
                elif outcome.stops:
                    return self.stop(run, outcome.error)
                else:
                    if not self._may_retry(outcome):
                        return self.fail(run, outcome.error)
                    suspended = self._back_off(run, outcome)
                if suspended is not None:
                    return suspended
        except asyncio.CancelledError:
            if run.failing:
                self.cancel(run)
            raise
        finally:
            run.active.discard(self)

    async def _wait(self, run: "Run", wait: Wait) -> Suspended | None:
        if wait.until is None:
            raise NotImplementedError("waits without an end")
        left_s = (wait.until - run.clock.now()).total_seconds()
        if left_s <= WAIT_SLEPT_S:
            self.resumed = (wait.state,)
            await asyncio.sleep(max(left_s, 0))
            return None
        self.resumed = None
        shown = wait.state if isinstance(wait.state, dict) else {} if wait.state is None else {STATE: wait.state}
        if self.attempt > 1:
            shown = {**shown, RESUMED: wait.state}  # tells this wait from a backoff, as the attempt before it failed
        self.suspend(run, wait.until, shown)
        self.resumed = (wait.state,)
        return Suspended(wait.until, WAIT_SLEPT_S)

    def _may_retry(self, failure: Failure) -> bool:
        return failure.retryable and self.attempt < self.prepared.retry.max_attempts

    def _back_off(self, run: "Run", failure: Failure) -> Suspended | None:
        """Records the failed attempt, and waits before the next."""
        self._finish(run, StepStatus.FAILED, error=failure.error)
        delay_s = self.prepared.retry.delay_after(self.attempt) * (1 + JITTER * random.random())
        delay_s = max(delay_s, failure.retry_after_s or 0)
        self.attempt += 1
        self.retry_no += not failure.outcome_unknown
        self.interrupted = False
        if delay_s <= 0 and not failure.outcome_unknown:
            return None
        due = run.clock.now() + timedelta(seconds=delay_s)
        self.suspend(run, due, {})
        return Suspended(due, BACKOFF_SLEPT_S)
