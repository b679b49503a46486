"""Takes one execution through its graph. Knows no Redis and no HTTP: it tells its reporter what happens.

A chain of pure steps runs without a task, a timer or a report of its own: all of it leaves with the ending. Branches that are
ready at the same time run at the same time.
"""

from dataclasses import dataclass
from enum import StrEnum

from executor.crew import Crew
from executor.foreach import perform_for_each
from executor.plan import Plan, PlanError
from executor.program import Prepared
from executor.run import Run, skipped
from executor.step import Settled, StepRun
from executor.suspensions import Suspended, Suspensions
from executor.values import Encoded, encode, encode_object, refs_of
from trestle.contracts.executions import StepError
from trestle.contracts.graph import MAIN, STOPPED, Outcome
from trestle.contracts.jobs import Ending, FinishedStep, StepReport
from trestle.contracts.states import StepStatus


class Result(StrEnum):
    """How this process's part in an execution ended."""

    ENDED = "ended"
    """For good, and recorded."""
    WAITING = "waiting"
    """It goes on when something is due; recorded."""
    HALTED = "halted"
    """Stopped on request with everything so far recorded: it is to be given back."""


@dataclass(slots=True)
class _Failed:
    node: str | None
    error: StepError


class Engine:
    """One execution under one epoch, on its way through its graph. `execute` is called once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ready: list[StepRun] = []
        self._suspended = Suspensions(run)
        self._crew: Crew[StepRun, Settled | Suspended] = Crew()
        self._failed: _Failed | None = None
        self._stopped: Settled | None = None
        """A step ended the execution as succeeded."""

    async def execute(self) -> Result:
        """Runs until the execution ends, waits, or is halted. Raises what the reporter raises when it was lost."""
        try:
            self._plan = self._lay_out()
        except PlanError as error:
            told = StepError(type="PlanError", message=str(error), hint="Change the workflow and run it again.")
            return await self._fail(_Failed(None, told))
        self._run.crews.add(self._crew)
        try:
            while True:
                self._advance()
                if self._failed is not None:
                    return await self._fail(self._failed)
                if self._stopped is not None:
                    return await self._stop(self._stopped)
                if self._run.halted is None and await self._start():
                    continue
                if self._crew:
                    for step, outcome in await self._crew.next(self._patience()):
                        self._take(step, outcome)
                elif self._plan.finished:
                    return await self._succeed()
                elif self._run.halted is not None:
                    await self._run.reporter.acknowledged()
                    return Result.HALTED
                elif not await self._sleep():
                    return await self._hand_back()
        finally:
            self._run.crews.discard(self._crew)
            if self._crew:
                await self._crew.dismiss()

    # what is ready

    def _lay_out(self) -> Plan:
        run, job = self._run, self._run.job
        if job.only is not None:
            layout = run.program.layout_alone(job.only)
            run.given = self._given(job.only)
        else:
            start = job.trigger.get("node")
            if not isinstance(start, str):
                raise PlanError("The run does not say at which node it starts.")
            layout = run.program.layout(start, job.until)
        run.incoming = layout.incoming
        return Plan(layout)

    def _given(self, key: str) -> dict[str, str]:
        """What a node that runs alone gets: the input given, else its predecessors' pinned or last outputs."""
        run = self._run
        if run.input == "null" and not run.job.input_refs:
            found: dict[str, str] = {}
            for connection in run.program.snapshot.connections:
                if connection.target == key:
                    source, last = run.program.nodes[connection.source].node, run.finished.get(connection.source)
                    if source.pinned is not None:
                        found[source.key] = encode(source.pinned)
                    elif last is not None and last.port is not None:
                        found[source.key] = Encoded.of(last.output or "null", last.refs)
            if found:
                run.outcomes.update({source: Outcome(MAIN, text) for source, text in found.items()})
                return found
        return {"": run.input}

    def _advance(self) -> None:
        """Takes what became ready from the plan; settles at once what needn't run."""
        run, plan = self._run, self._plan
        while self._failed is None and self._stopped is None:
            ready = plan.ready()
            if plan.skipped:
                for key in plan.skipped:
                    run.outcomes[key] = Outcome(None, None)
                    if key not in run.finished:
                        run.note(skipped(run, key), binding=False)
                plan.skipped.clear()
            if not ready:
                return
            for key in ready:
                self._admit(run.program.nodes[key])

    def _admit(self, prepared: Prepared) -> None:
        run, key, node = self._run, prepared.key, prepared.node
        alone = run.given is not None
        record = None if alone else run.finished.get(key)
        if record is not None and self._from_record(prepared, record):
            return
        if not alone and not run.incoming[key]:
            self._pass(prepared, MAIN, run.input, output=None)
        elif run.draft and node.pinned is not None and not alone:
            text = encode(node.pinned)
            self._pass(prepared, prepared.pass_port, text, output=text)
        elif node.disabled:
            text = run.input_of(key)
            self._pass(prepared, prepared.pass_port, text, output=text)
        else:
            step = StepRun(prepared, run.input_of(key))
            begun = run.open.get((key, None))
            if begun is not None:
                step.take_up(begun)
            elif record is not None:
                # A failed attempt that is recorded without what was to follow it.
                step.attempt = record.attempt + 1
                step.retry_no = record.attempt
            if step.suspended is not None:
                self._suspended.add(step, step.suspended)
            else:
                self._ready.append(step)

    def _from_record(self, prepared: Prepared, record: FinishedStep) -> bool:
        """Settles a step that is recorded as finished; it never runs again. False where only an attempt was."""
        run = self._run
        output = Encoded.of(record.output or "null", record.refs)
        if record.status is StepStatus.SUCCEEDED:
            text = output if record.output is not None else run.input if not run.incoming[prepared.key] else "null"
            self._settle(prepared.key, Settled(MAIN if record.port is None else record.port, text, failed=record.failed))
        elif record.status is StepStatus.FAILED and record.port is not None:
            self._settle(prepared.key, Settled(record.port, output, failed=True))
        elif record.status is StepStatus.FAILED and record.error is not None and record.attempt >= prepared.retry.max_attempts:
            self._settle(prepared.key, Settled(None, "null", failed=True, fatal=record.error))
        else:
            return False
        return True

    def _pass(self, prepared: Prepared, port: str, text: str, *, output: str | None) -> None:
        """A step that succeeds without running: a trigger, a pinned or a disabled node. What it puts out is known without it."""
        now = self._run.clock.now()
        report = StepReport(
            node=prepared.key,
            type=prepared.type,
            status=StepStatus.SUCCEEDED,
            port=port,
            output=output,
            refs=refs_of(output),
            started_at=now,
            finished_at=now,
            duration_ms=0,
        )
        self._run.note(report, binding=False)
        self._settle(prepared.key, Settled(port, text))

    # what runs

    async def _start(self) -> bool:
        """Starts what is ready. One step alone runs right here, and True says that it has; more run side by side."""
        run = self._run
        self._ready += self._suspended.take()
        if not self._ready:
            return False
        await run.reporter.room()
        if len(self._ready) == 1 and not self._crew and not self._suspended:
            step = self._ready.pop()
            self._take(step, await self._perform(step))
            return True
        starting, self._ready = self._ready, []
        for step in starting:
            self._crew.start(step, self._perform(step))
        return False

    async def _perform(self, step: StepRun) -> Settled | Suspended:
        if step.prepared.node.for_each is not None:
            return await perform_for_each(self._run, step)
        return await step.perform(self._run)

    def _take(self, step: StepRun, outcome: Settled | Suspended) -> None:
        if isinstance(outcome, Suspended):
            self._suspended.add(step, outcome)
        else:
            self._settle(step.prepared.key, outcome)

    def _settle(self, key: str, settled: Settled) -> None:
        self._run.failed_steps += settled.failed
        if settled.fatal is not None:
            self._failed = self._failed or _Failed(key, settled.fatal)
        elif settled.port == STOPPED:
            self._stopped = self._stopped or settled
        self._run.outcomes[key] = Outcome(settled.port, settled.text)
        self._plan.settle(key, settled.port)

    # what waits

    def _patience(self) -> float | None:
        """How long to wait for a running step before something else is due."""
        left_s = None if self._run.halted is not None else self._suspended.left_s()
        return None if left_s is None else max(left_s, 0.001)

    async def _sleep(self) -> bool:
        """Sleeps until the next due time, if it is worth holding the execution for. Nothing else runs."""
        left_s = self._suspended.left_s()
        if left_s is None or left_s > self._suspended.worth_s():
            return False
        self._run.reporter.send()
        await self._run.sleep(left_s)
        return True

    # how it ends

    async def _succeed(self) -> Result:
        run, last = self._run, self._plan.last()
        texts = {key: run.outcomes[key].output for key in last}
        output = next(iter(texts.values())) if len(texts) == 1 else encode_object(texts)
        await run.reporter.end(Ending(status="succeeded", output=output, refs=refs_of(output), failed_steps=run.failed_steps))
        return Result.ENDED

    async def _fail(self, failed: _Failed) -> Result:
        """What still runs or waits is cancelled; all of it is one report."""
        run = self._run
        await self._abandon()
        ending = Ending(status="failed", error=failed.error, error_node=failed.node, failed_steps=max(run.failed_steps, 1))
        await run.reporter.end(ending)
        return Result.ENDED

    async def _stop(self, stopped: Settled) -> Result:
        """A step ended it before its time."""
        run = self._run
        await self._abandon()
        await run.reporter.end(Ending(status="succeeded", output=stopped.text, refs=refs_of(stopped.text), failed_steps=run.failed_steps))
        return Result.ENDED

    async def _abandon(self) -> None:
        """Cancels what still runs or waits."""
        run = self._run
        run.failing = True
        for step, outcome in await self._crew.dismiss():
            if isinstance(outcome, Suspended):
                self._suspended.add(step, outcome)
        for step in self._suspended:
            step.cancel(run)

    async def _hand_back(self) -> Result:
        await self._run.reporter.end(Ending(status="waiting", due_at=self._suspended.next_due(), failed_steps=self._run.failed_steps))
        return Result.WAITING
