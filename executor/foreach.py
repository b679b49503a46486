"""A node run once for each item of a list. Its output is the list of results, in the items' order.

With effects, each item is a row of its own, acknowledged like a step, so that a successor goes on where this process
stopped. A pure for-each is one step: its items have rows only where they wait. Retry and timeout are per item.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from executor.attempt import expression_error
from executor.crew import Crew, Watched
from executor.errors import NodeError
from executor.instant import Instant, NotPlain
from executor.step import Settled, StepRun
from executor.suspensions import Suspended, Suspensions
from executor.values import MAX_OUTPUT_BYTES, Encoded, encode, encode_list
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.executions import StepError
from trestle.contracts.graph import STOPPED
from trestle.contracts.jobs import BLOB_BYTES
from trestle.contracts.states import StepStatus
from trestle.language import LanguageError, Reference, Scope, Unloaded

if TYPE_CHECKING:
    from executor.run import Run


MAX_ITEMS = 100_000
"""Of one for-each. Each may become a row."""
PLAIN_AT_ONCE = 50
"""Plain items between two looks at the clock."""
YIELD_S = 0.01
"""For so long, items may keep everything else in the process waiting."""


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
                self._results[index] = Encoded.of(record.output or "null", record.refs)
            elif record.status is StepStatus.FAILED and record.error is not None:
                self._failed[index] = record.error
        decided = self._results.keys() | self._failed.keys()
        self._fresh: list[int] = []
        """Items of which nothing is known yet, the next one last."""
        self._todo: list[StepRun] = []
        """Items that may start before those, the next one last."""
        self._suspended = Suspensions(run)
        self._stopped: Settled | None = None
        """An item ended the execution."""
        for index in range(len(values) - 1, -1, -1):
            if (key, index) in run.open:
                self._admit(self._item(index))
            elif index not in decided:
                self._fresh.append(index)
        self._next_start = 0.0
        self._scope: Scope | None = None
        self._plain: Instant | None = None
        self._may_be_plain = step.prepared.pure and step.prepared.node.for_each is not None and not step.prepared.node.for_each.per_second
        self._instant = False
        """Whether the item that ended last was pure and waited for nothing: the next one needs no task of its own then."""
        self.received: JsonValue = run.decode(step.input)
        self.loaded: JsonValue = None
        """What was received with its large parts in it, once an item needed it."""
        self.loading = asyncio.Lock()

    def scope(self) -> Scope:
        """What the items' expressions see besides item and index. A pure for-each is one step: there is one `now` for all of it."""
        prepared = self._step.prepared
        if self._scope is None or not prepared.pure or self._scope.references != self._run.large.known:
            self._scope = self._run.scope(self.received, payload=prepared.looks_at_payload)
        return self._scope

    def _item(self, index: int) -> StepRun:
        item = StepRun(self._step.prepared, self._step.input, item=self._values[index], index=index, siblings=self)
        item.recorded = not self._step.prepared.pure
        begun = self._run.open.get((self._step.prepared.key, index))
        if begun is not None:
            item.take_up(begun)
        return item

    def _admit(self, item: StepRun) -> None:
        if item.suspended is not None:
            self._suspended.add(item, item.suspended)
        else:
            self._todo.append(item)

    def cancel(self) -> None:
        """Those that wait were stopped because the execution failed elsewhere."""
        for item in self._suspended:
            item.cancel(self._run)

    def awake(self) -> bool:
        """Whether one that waits may go on."""
        return self._suspended.awake()

    async def perform(self) -> Settled | Suspended:
        """Runs items until all are done, one fails for good, or all that is left waits."""
        run = self._run
        crew: Crew[StepRun, Settled | Suspended] = Crew()
        run.crews.add(crew)
        try:
            while True:
                if self._stopped is not None:
                    return self._stop(self._stopped)
                self._todo += self._suspended.take()
                await self._hurry()
                pause_s = self._start(crew)
                if crew or pause_s:
                    for item, outcome in await crew.next(self._patience(pause_s)):
                        self._take(item, outcome)
                elif self._suspended or self._todo or self._fresh:
                    break
                else:
                    return await self._close()
        finally:
            run.crews.discard(crew)
            for item, outcome in await crew.dismiss():
                self._take(item, outcome)
        waits = Suspended(self._suspended.next_due(), self._suspended.worth_s())
        suspended = Suspended(run.clock.now(), 0) if self._todo or self._fresh else waits
        fresh = None if self._step.listed is not None else await run.large.store(self._values)
        self._step.listed = self._step.listed or fresh
        return self._step.suspend(run, suspended, items=fresh)

    async def _hurry(self) -> None:
        """Runs items one after the other for as long as none of them waits for anything. Nothing can happen meanwhile."""
        for_each = self._step.prepared.node.for_each
        if for_each is None or for_each.per_second is not None:
            return
        yielded = time.monotonic()
        while self._stopped is None and not self._ends_early():
            if not (self._fresh and self._may_be_plain and not self._todo and self._in_plain_way()):
                item = self._next() if self._instant else None
                if item is None:
                    return
                self._take(item, await self._perform(item))
            if time.monotonic() - yielded > YIELD_S:
                await asyncio.sleep(0)
                yielded = time.monotonic()

    def _next(self) -> StepRun | None:
        """The next item that may start."""
        if self._todo:
            return self._todo.pop()
        return self._item(self._fresh.pop()) if self._fresh else None

    def _in_plain_way(self) -> bool:
        """Runs some of the next items without a step around each. False where the next one has to be run in the ordinary way."""
        if self._run.large.known:
            self._may_be_plain = False
            return False
        try:
            if self._plain is None:
                self._plain = Instant(self._step.prepared, self.scope(), self.received)
            for _ in range(min(PLAIN_AT_ONCE, len(self._fresh))):
                index = self._fresh[-1]
                self._results[index] = self._plain.result(self._values[index], index)
                self._fresh.pop()
        except NotPlain as found:
            self._may_be_plain = not found.all_are
            return False
        except (LanguageError, NodeError):
            self._may_be_plain = False  # the config doesn't compile: every item says so
            return False
        return True

    async def _perform(self, item: StepRun) -> Settled | Suspended:
        watched = Watched(item.perform(self._run))
        outcome = await watched
        self._instant = self._step.prepared.pure and not watched.waited
        return outcome

    def _ends_early(self) -> bool:
        """Whether no more items may start: a halt, or one has failed for good."""
        return self._run.halted is not None or (bool(self._failed) and self._step.prepared.on_error != "continue")

    def _start(self, crew: Crew[StepRun, Settled | Suspended]) -> float:
        """Starts as many items as may run. Gives the seconds until the rate allows the next one, 0 where it isn't the rate."""
        for_each = self._step.prepared.node.for_each
        if for_each is None or self._ends_early():
            self._abandon()
            return 0
        while (self._todo or self._fresh) and len(crew) < for_each.concurrency:
            if for_each.per_second:
                now = time.monotonic()
                if now < self._next_start:
                    return self._next_start - now
                self._next_start = max(self._next_start, now) + 1 / for_each.per_second
            item = self._next()
            if item is not None:
                crew.start(item, self._perform(item))
        return 0

    def _abandon(self) -> None:
        """No more items start: an item has failed for good. In a halt they are kept for the next owner."""
        if not self._run.halted:
            self.cancel()
            self._todo.clear()
            self._fresh.clear()
            self._suspended.clear()

    def _patience(self, pause_s: float) -> float | None:
        """How long to wait for an item to end before looking again."""
        times = [left_s for left_s in (self._suspended.left_s(), pause_s or None) if left_s is not None]
        return max(min(times), 0.001) if times else None

    def _take(self, item: StepRun, outcome: Settled | Suspended) -> None:
        index = item.index or 0
        if isinstance(outcome, Suspended):
            self._suspended.add(item, outcome)
        elif outcome.port == STOPPED:
            self._stopped = self._stopped or outcome
        elif outcome.fatal is not None:
            self._failed[index] = outcome.fatal
        else:
            self._results[index] = outcome.text

    def _stop(self, stopped: Settled) -> Settled:
        """An item ended the execution: the others end with it."""
        self._run.failing = True
        self.cancel()
        if stopped.fatal is not None:
            return self._step.stop(self._run, stopped.fatal)
        return self._step.settle(self._run, STOPPED, stopped.text)

    async def _close(self) -> Settled:
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
        if len(text) > BLOB_BYTES:
            text = await run.large.store(run.decode(text))
        return step.settle(run, "main", text, failed_items=len(self._failed))


async def perform_for_each(run: "Run", step: StepRun) -> Settled | Suspended:
    """Runs a for-each step, or goes on with it."""
    run.active.add(step)
    try:
        if step.items is None:
            step.begin(run)
            step.items = Items(run, step, await _values(run, step))
            if not step.prepared.pure:
                step.tell_running(run)
                run.reporter.send()
        return await step.items.perform()
    except LanguageError as error:
        return step.fail(run, expression_error(step.prepared.key, error))
    except NodeError as error:
        return step.fail(run, error.as_step_error())
    except asyncio.CancelledError:
        if run.failing:
            step.cancel(run)
        raise
    finally:
        run.active.discard(step)


async def _values(run: "Run", step: StepRun) -> list[JsonValue]:
    """The list: as it was recorded when the step started, else evaluated now; with effects, it is recorded before an item starts.

    Raises `LanguageError`, `NodeError`.
    """
    prepared = step.prepared
    prepared.require()
    if step.listed is not None:
        recorded: list[JsonValue] = await _opened(run, step, lambda: run.decode(step.listed or "[]"))
        return recorded
    values = await _opened(run, step, lambda: prepared.items.render(run.scope(run.decode(step.input)))["items"])
    if not isinstance(values, list):
        what = "nothing" if values is None else f"a value of the type {type(values).__name__}"
        message = f"{prepared.label} runs for each item of a list, but its items came to {what}."
        raise NodeError(message, hint="Let the items be an expression that gives a list.", type="InvalidItems")
    if len(values) > MAX_ITEMS:
        message = f"{prepared.label} would run for each of {len(values):,} items; at most {MAX_ITEMS:,} are possible."
        raise NodeError(message, hint="Take a part of the list, or let a workflow of its own work on each part.", type="TooManyItems")
    if not prepared.pure:
        step.tell_items(run, await run.large.store(values))
    return values


async def _opened(run: "Run", step: StepRun, value: Callable[[], Any]) -> Any:
    """A value that is loaded where it is a large one as a whole; large values within it stay references."""
    try:
        while True:
            try:
                found = value()
                return found.content if isinstance(found, Reference) else found
            except Unloaded as missing:
                await run.large.hold(step, missing.references)
    finally:
        run.large.release(step)
