"""A node run once for each item of a list. Its output is the list of results, in the items' order.

With effects, each item is a row of its own, acknowledged like a step, so that a successor goes on where this process
stopped. A pure for-each is one step: its items have rows only where they wait. Retry and timeout are per item.
"""

import time
from typing import TYPE_CHECKING

from executor.attempt import expression_error
from executor.crew import Crew
from executor.errors import NodeError
from executor.step import Settled, StepRun, Suspended
from executor.values import MAX_OUTPUT_BYTES, decode, encode, encode_list
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.executions import StepError
from trestle.contracts.graph import STOPPED
from trestle.contracts.states import StepStatus
from trestle.language import LanguageError

if TYPE_CHECKING:
    from executor.run import Run


class Items:
    """The items of one for-each step: what became of each, and which are on their way."""

    def __init__(self, run: "Run", step: StepRun, values: list[JsonValue]) -> None:
        self._run = run
        self._step = step
        self._values = values
        self._results: dict[int, EncodedJson] = {}
        self._failed: dict[int, StepError] = {}
        key = step.prepared.key
        for index, record in run.finished_items.get(key, {}).items():
            if record.status is StepStatus.SUCCEEDED:
                self._results[index] = record.output or "null"
            elif record.status is StepStatus.FAILED and record.error is not None:
                self._failed[index] = record.error
        decided = self._results.keys() | self._failed.keys()
        self._todo = [self._item(index) for index in range(len(values) - 1, -1, -1) if index not in decided]
        """Items that may start, the next one last."""
        self._suspended: list[tuple[StepRun, Suspended]] = []
        self._stopped: Settled | None = None
        """An item ended the execution."""
        self._next_start = 0.0

    def _item(self, index: int) -> StepRun:
        item = StepRun(self._step.prepared, self._step.input, item=self._values[index], index=index)
        item.recorded = not self._step.prepared.pure
        begun = self._run.open.get((self._step.prepared.key, index))
        if begun is not None:
            item.take_up(begun)
        return item

    async def perform(self) -> Settled | Suspended:
        """Runs items until all are done, one fails for good, or all that is left waits."""
        run = self._run
        crew: Crew[StepRun, Settled | Suspended] = Crew()
        try:
            while True:
                if self._stopped is not None:
                    return self._stop(self._stopped)
                self._wake()
                pause_s = self._start(crew)
                if crew or pause_s:
                    for item, outcome in await crew.next(self._patience(pause_s)):
                        self._take(item, outcome)
                elif self._suspended or self._todo:
                    break
                else:
                    return self._close()
        finally:
            for item, outcome in await crew.dismiss():
                self._take(item, outcome)
        if self._suspended:
            dues = [suspended.due for _, suspended in self._suspended]
            due, slept_s = min(dues), min(suspended.slept_s for _, suspended in self._suspended)
        else:
            due, slept_s = run.clock.now(), 0.0
        self._step.suspend(run, due, {})
        return Suspended(due, slept_s)

    def _start(self, crew: Crew[StepRun, Settled | Suspended]) -> float:
        """Starts as many items as may run. Gives the seconds until the rate allows the next one, 0 where it isn't the rate."""
        for_each = self._step.prepared.node.for_each
        if for_each is None or self._run.halted or (self._failed and self._step.prepared.on_error != "continue"):
            self._abandon()
            return 0
        while self._todo and len(crew) < for_each.concurrency:
            if for_each.per_second:
                now = time.monotonic()
                if now < self._next_start:
                    return self._next_start - now
                self._next_start = max(self._next_start, now) + 1 / for_each.per_second
            item = self._todo.pop()
            if item.due is not None:
                self._suspended.append((item, Suspended(item.due, 0)))
                item.due = None
                continue
            crew.start(item, item.perform(self._run))
        return 0

    def _abandon(self) -> None:
        """No more items start: an item has failed for good. In a halt they are kept for the next owner."""
        if not self._run.halted:
            for item, _ in self._suspended:
                item.cancel(self._run)
            self._todo.clear()
            self._suspended.clear()

    def _wake(self) -> None:
        now = self._run.clock.now()
        self._todo += [item for item, suspended in self._suspended if suspended.due <= now]
        self._suspended = [(item, suspended) for item, suspended in self._suspended if suspended.due > now]

    def _patience(self, pause_s: float) -> float | None:
        """How long to wait for an item to end before looking again."""
        times = [(suspended.due - self._run.clock.now()).total_seconds() for _, suspended in self._suspended]
        if pause_s:
            times.append(pause_s)
        return max(min(times), 0.001) if times else None

    def _take(self, item: StepRun, outcome: Settled | Suspended) -> None:
        index = item.index or 0
        if isinstance(outcome, Suspended):
            self._suspended.append((item, outcome))
            item.due = None
        elif outcome.port == STOPPED:
            self._stopped = self._stopped or outcome
        elif outcome.fatal is not None:
            self._failed[index] = outcome.fatal
        else:
            self._results[index] = outcome.text

    def _stop(self, stopped: Settled) -> Settled:
        """An item ended the execution: the others end with it."""
        self._run.failing = True
        for item, _ in self._suspended:
            item.cancel(self._run)
        if stopped.fatal is not None:
            return self._step.stop(self._run, stopped.fatal)
        return self._step.settle(self._run, STOPPED, stopped.text)

    def _close(self) -> Settled:
        """All items are decided: the list, or the failure."""
        step, run = self._step, self._run
        if self._failed and step.prepared.on_error != "continue":
            index = min(self._failed)
            error = self._failed[index]
            return step.fail(run, StepError(type=error.type, message=f"Item {index}: {error.message}", hint=error.hint))
        in_place = {index: encode({"error": {"type": error.type, "message": error.message}}) for index, error in self._failed.items()}
        texts = self._results | in_place
        text = encode_list([texts[index] for index in range(len(self._values))])
        if len(text) > MAX_OUTPUT_BYTES:
            total, cap = len(text) / 1e6, MAX_OUTPUT_BYTES / 1e6
            message = f"The results of {len(self._values)} items are {total:.1f} MB; a step may put out {cap:.0f} MB."
            return step.fail(run, StepError(type="BadOutput", message=message, hint="Let each item put out less."))
        settled = step.settle(run, "main", text)
        settled.failed = bool(self._failed)
        return settled


async def perform_for_each(run: "Run", step: StepRun) -> Settled | Suspended:
    """Runs a for-each step, or goes on with it."""
    prepared = step.prepared
    if step.items is None:
        step.begin(run)
        try:
            prepared.require()
            values = prepared.items.render(run.scope(decode(step.input)))["items"]
            if not isinstance(values, list):
                what = "nothing" if values is None else f"a value of the type {type(values).__name__}"
                message = f"{prepared.label} runs for each item of a list, but its items came to {what}."
                raise NodeError(message, hint="Let the items be an expression that gives a list.", type="InvalidItems")
        except LanguageError as error:
            return step.fail(run, expression_error(prepared.key, error))
        except NodeError as error:
            return step.fail(run, error.as_step_error())
        step.items = Items(run, step, values)
        if not prepared.pure:
            step.tell_running(run)
            run.reporter.send()
    run.active.add(step)
    try:
        return await step.items.perform()
    finally:
        run.active.discard(step)
