"""One step of a run, from its first attempt to its end: retries, waits, and what follows a failure."""

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from executor.attempt import NODE_BUG, Done, Failure, NotStarted, attempt, elapsed_ms
from executor.errors import Throttled
from executor.node import Resumed, Wait
from executor.program import Prepared
from executor.suspensions import Suspended
from executor.values import Encoded, encode, refs_of
from executor.waiting import AGAIN, ANSWERED, EXPIRED, REASON, RESUMED, RETRY_NO, STATE, limited_until
from trestle.contracts.base import EncodedJson, JsonObject, JsonValue
from trestle.contracts.executions import StepError
from trestle.contracts.graph import ERROR, MAIN, STOPPED
from trestle.contracts.jobs import OpenStep, Resolution, StepReport, WaitKind, WebhookAnswer
from trestle.contracts.states import FAILED_ITEMS, StepStatus
from trestle.language import Scope

if TYPE_CHECKING:
    from executor.foreach import Items
    from executor.run import Run

BACKOFF_SLEPT_S = 5.0
"""A backoff up to this is slept under the lease; a longer one gives the execution back until then."""
WAIT_SLEPT_S = 1.0
"""A node's own wait up to this is slept and not recorded."""
JITTER = 0.1
_MS = timedelta(milliseconds=1)


@dataclass(slots=True)
class Settled:
    """A step ended. `port` None: nothing may follow it, and `fatal` says why the execution has failed. `STOPPED`: it has ended it."""

    port: str | None
    text: EncodedJson
    failed: bool = False
    fatal: StepError | None = None


class StepRun:
    """A node's (item's) run within an execution. `attempt` grows with each try; `retry_no` only with each definite failure."""

    __slots__ = (
        "attempt",
        "child",
        "closed",
        "expired",
        "index",
        "input",
        "interrupted",
        "item",
        "items",
        "listed",
        "prepared",
        "recorded",
        "resolution",
        "resumed",
        "retry_no",
        "siblings",
        "since",
        "started",
        "started_at",
        "suspended",
        "told",
    )

    def __init__(
        self, prepared: Prepared, input: EncodedJson, *, item: JsonValue = None, index: int | None = None, siblings: "Items | None" = None
    ) -> None:
        self.prepared = prepared
        self.input = input
        self.item = item
        self.index = index
        self.siblings = siblings
        """The items of the for-each that it is one of."""
        self.attempt = 1
        self.retry_no = 0
        self.child: UUID | None = None
        """The execution that it started last in this process, to wait for it."""
        self.interrupted = False
        """It was running when its executor was lost."""
        self.resumed: Resumed | None = None
        """What the node gets, where it goes on after its own wait."""
        self.resolution: Resolution | None = None
        """The answer that ended that wait, if one did."""
        self.expired: WaitKind | None = None
        """A wait for such an answer has just ended by its time."""
        self.closed: WaitKind | None = None
        """It goes on without such an answer."""
        self.suspended: Suspended | None = None
        """What a former owner left it waiting for."""
        self.recorded = True
        """Whether it has a row of its own. Items of a pure for-each have none until they wait."""
        self.items: Items | None = None
        self.listed: EncodedJson | None = None
        """The list of a for-each, where it was recorded before."""
        self.started = 0.0
        self.started_at: datetime | None = None
        self.since: datetime | None = None
        """When the attempt began that goes on after its own wait, or with another owner: all of that is its duration."""
        self.told = False

    def received(self, run: "Run") -> JsonValue:
        """Its input, decoded: anew for each attempt, once for all items of a for-each."""
        return self.siblings.received if self.siblings is not None else run.decode(self.input)

    def scope(self, run: "Run", received: JsonValue) -> Scope:
        """What the expressions of its config see."""
        if self.siblings is None or self.index is None:
            return run.scope(received, payload=self.prepared.looks_at_payload)
        return self.siblings.scope().with_item(self.item, self.index)

    def take_up(self, begun: OpenStep) -> None:
        """Goes on where a former owner left off."""
        self.attempt = begun.attempt
        self.recorded = True
        self.listed = Encoded.of(begun.items, begun.refs) if begun.items is not None else None
        wait = dict(begun.wait) if isinstance(begun.wait, dict) else {}
        self.retry_no = wait.pop(RETRY_NO, begun.attempt - 1)
        self.interrupted = begun.status is StepStatus.RUNNING
        waiting = begun.status is StepStatus.WAITING and (self.index is not None or self.prepared.node.for_each is None)
        if waiting and (begun.due_at is not None or begun.token is not None):
            self.suspended = Suspended(begun.due_at, 0, begun.token)
        if begun.status is StepStatus.FAILED:
            self.attempt, self.retry_no = begun.attempt + 1, begun.attempt
        if RESUMED in wait:
            self.expired = self.closed = wait.get(EXPIRED)
            if ANSWERED in wait:
                self.resolution = Resolution.model_validate(wait[ANSWERED])
            self._resume(wait[RESUMED])
        elif waiting and begun.failure is None and AGAIN not in wait:
            self._resume(wait.get(STATE, wait) or None)
        if self.resumed is not None or self.listed is not None:
            self.since = begun.started_at

    def is_of_child(self, resolution: Resolution) -> bool:
        """Whether this is the end of the child that it waits for, and not of one that an earlier attempt had started."""
        said = resolution.answer.get("execution_id") if isinstance(resolution.answer, dict) else None
        return self.child is None or said is None or said == str(self.child)

    def hear(self, resolution: Resolution | None, kind: WaitKind) -> None:
        """Its wait is over: by this answer, or because its time has come."""
        self.resolution = resolution
        self.expired = kind if resolution is None else None
        self._resume(self.resumed.state if self.resumed is not None else None)

    def _resume(self, state: JsonValue) -> None:
        self.resumed = Resumed(state, self.resolution.answer if self.resolution is not None else None)

    # what it tells

    def begin(self, run: "Run") -> None:
        """The attempt starts now."""
        self.started = time.monotonic()
        self.started_at = run.clock.now()
        self.told = False

    def tell_running(self, run: "Run", older_than_s: float = 0, *, binding: bool = False) -> None:
        """Reports that the attempt runs, where that isn't known yet and it began `older_than_s` ago."""
        if self.told or not self.recorded or self.started_at is None or time.monotonic() - self.started < older_than_s:
            return
        self.told = True
        run.note(self._report(StepStatus.RUNNING, wait=self._carried()), binding=binding)

    def tell_items(self, run: "Run", items: EncodedJson) -> None:
        """Reports that a for-each has started, and over which list: no item may start before that is recorded."""
        self.told = True
        self.listed = items
        report = self._report(StepStatus.RUNNING, wait=self._carried())
        report.items, report.refs = items, refs_of(items)
        run.note(report)

    def _carried(self, wait: JsonObject | None = None) -> JsonObject | None:
        """What a successor needs to know besides the row's columns; `wait`: what the row says anyway."""
        carried = dict(wait or {})
        if self.resumed is not None:
            carried[RESUMED] = self.resumed.state
            if self.closed is not None:
                carried[EXPIRED] = self.closed
            if self.resolution is not None:
                carried[ANSWERED] = self.resolution.model_dump(mode="json", exclude_defaults=True)
        if self.retry_no != self.attempt - 1:
            carried[RETRY_NO] = self.retry_no
        return carried or None

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
            refs=refs_of(output),
            error=error,
            started_at=self.since or self.started_at,
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
        answer: WebhookAnswer | None = None,
        wait: JsonObject | None = None,
    ) -> None:
        if not self.recorded and answer is None:
            return
        report = self._report(status, port=port, output=output, error=error, wait=wait)
        report.answer = answer
        report.finished_at = run.clock.now()
        if self.since is not None:
            report.duration_ms = max((report.finished_at - self.since) / _MS, 0)
        else:
            report.duration_ms = elapsed_ms(self.started) if self.started else 0
        if report.started_at is None:
            report.started_at = report.finished_at
        run.note(report)
        self.started, self.started_at, self.since = 0.0, None, None

    def cancel(self, run: "Run") -> None:
        """It was stopped because the execution failed elsewhere."""
        if self.items is not None:
            self.items.cancel()
        self._finish(run, StepStatus.CANCELLED)

    def settle(self, run: "Run", port: str, text: EncodedJson, answer: WebhookAnswer | None = None, *, failed_items: int = 0) -> Settled:
        """It succeeded; of a for-each, `failed_items` were passed over."""
        wait: JsonObject | None = {FAILED_ITEMS: failed_items} if failed_items else None
        self._finish(run, StepStatus.SUCCEEDED, port=port, output=text, answer=answer, wait=wait)
        return Settled(port, text, failed=failed_items > 0)

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
            port, output = ERROR, encode({"error": detail, "input": run.decode(self.input)})
        self._finish(run, StepStatus.FAILED, port=port, output=output, error=error)
        return Settled(port, output, failed=True)

    def stop(self, run: "Run", error: StepError) -> Settled:
        """It ended its execution as failed, whatever the node's policy is."""
        self._finish(run, StepStatus.FAILED, error=error)
        return Settled(STOPPED, "null", failed=True, fatal=error)

    # its course

    def suspend(self, run: "Run", suspended: Suspended, wait: JsonObject | None = None, items: EncodedJson | None = None) -> Suspended:
        """Records that it waits. It has a row of its own from now on."""
        self.recorded = True
        report = self._report(StepStatus.WAITING, wait=self._carried(wait))
        report.due_at, report.token, report.items = suspended.due, suspended.token, items
        report.refs = refs_of(items)
        run.note(report)
        return suspended

    async def perform(self, run: "Run") -> Settled | Suspended:
        """Runs it until it ends, or has to wait for longer than is worth sleeping."""
        run.active.add(self)
        try:
            while True:
                outcome: Done | Failure | Wait | Throttled | NotStarted
                if self.expired is not None and run.halted is None:
                    await self._last_call(run, self.expired)
                outcome = NotStarted() if run.halted is not None else await attempt(run, self)
                if isinstance(outcome, Done):
                    settled = self.settle(run, outcome.port, outcome.text, outcome.answer)
                    if outcome.answer is not None:
                        await run.recorded()  # somebody waits for it
                    return settled
                if isinstance(outcome, Wait):
                    suspended = await self._wait(run, outcome)
                elif isinstance(outcome, Throttled):
                    suspended = await self._throttled(run, outcome)
                elif isinstance(outcome, NotStarted):
                    suspended = self._put_off(run)
                elif outcome.stops:
                    return self.stop(run, outcome.error)
                else:
                    if not self._may_retry(outcome):
                        return self.fail(run, self._advised(outcome))
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
        """The node's own wait. None where it is over already."""
        self.closed = None
        self.since = self.since or self.started_at
        answer = run.answer_to(self, wait.token) if wait.token is not None else None
        left_s = (wait.until - run.clock.now()).total_seconds() if wait.until is not None else None
        if answer is not None or (left_s is not None and left_s <= (WAIT_SLEPT_S if wait.token is None else 0)):
            self.resolution = answer
            self.expired = wait.token if answer is None else None
            self._resume(wait.state)
            if answer is None:
                await asyncio.sleep(max(left_s or 0, 0))
            return None
        self.resumed = self.resolution = None
        shown = wait.state if isinstance(wait.state, dict) else {} if wait.state is None else {STATE: wait.state}
        if self.attempt > 1:
            shown = {**shown, RESUMED: wait.state}  # tells this wait from a backoff, as the attempt before it failed
        suspended = self.suspend(run, Suspended(wait.until, WAIT_SLEPT_S, wait.token), shown)
        self._resume(wait.state)
        return suspended

    async def _last_call(self, run: "Run", kind: WaitKind) -> None:
        """Nobody shall be told that an answer counts while the step goes on without it: that it goes on is recorded, from which
        moment on answers are refused; and any that was taken before is heard of, and counts."""
        self.begin(run)
        self.told, self.recorded, self.closed = False, True, kind
        self.tell_running(run, binding=True)
        await run.recorded()
        await run.ownership.refreshed()
        answer = run.answer_to(self, kind)
        self.expired = None
        if answer is not None:
            self.closed = None
            self.hear(answer, kind)

    async def _throttled(self, run: "Run", throttled: Throttled) -> Suspended | None:
        """Somebody's rate limit is reached: the same attempt starts later."""
        left_s = (throttled.due - run.clock.now()).total_seconds()
        if left_s <= WAIT_SLEPT_S:
            await asyncio.sleep(max(left_s, 0))
            return None
        self.interrupted = False
        return self.suspend(run, Suspended(throttled.due, BACKOFF_SLEPT_S), {REASON: throttled.reason, AGAIN: True})

    def _put_off(self, run: "Run") -> Suspended:
        """A halt came before it had started. Where it was told as running, nobody shall take it for interrupted."""
        if self.told:
            self.told = False
            run.note(self._report(StepStatus.PENDING, wait=self._carried()), binding=False)
        return Suspended(run.clock.now(), 0)

    def _may_retry(self, failure: Failure) -> bool:
        return failure.retryable and self.attempt < self.prepared.retry.max_attempts

    def _advised(self, failure: Failure) -> StepError:
        """Its last error, with what repeating did or could do about it: the node's type can't know how often it was tried."""
        error = failure.error
        if not failure.retryable or error.type == NODE_BUG:
            return error
        attempts = self.prepared.retry.max_attempts
        advice = (
            "All its attempts are used up." if attempts > 1 else "If this comes and goes, give the node more “Attempts” (under “Policies”)."
        )
        return error.model_copy(update={"hint": f"{error.hint} {advice}".lstrip()})

    def _back_off(self, run: "Run", failure: Failure) -> Suspended | None:
        """Records the failed attempt, and waits before the next."""
        self._finish(run, StepStatus.FAILED, error=failure.error)
        delay_s = self.prepared.retry.delay_after(self.attempt) * (1 + JITTER * random.random())
        asked_s = failure.retry_after_s or 0
        if failure.restart:
            self.resumed = self.resolution = None
            run.forget_answer(self)
        self.attempt += 1
        self.retry_no += not failure.outcome_unknown
        self.interrupted = False
        if max(delay_s, asked_s) <= 0 and not failure.outcome_unknown:
            return None
        due = run.clock.now() + timedelta(seconds=max(delay_s, asked_s))
        why = {REASON: limited_until(due), AGAIN: True} if asked_s >= delay_s and asked_s > 0 else None
        return self.suspend(run, Suspended(due, BACKOFF_SLEPT_S), why)
