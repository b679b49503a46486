"""One claimed execution in the engine's hands: what it was given, what its steps have put out, and its ties to the world."""

import asyncio
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from executor.clock import BackendClock
from executor.crew import Crew
from executor.large import LargeValues
from executor.node import ExecutionInfo
from executor.program import Program
from executor.seams import Blobs, Desk, Ownership, Reporter, Secrets, Throttle
from executor.values import Encoded, Outputs, decode, encode_object
from trestle.contracts.base import EncodedJson, JsonObject, JsonValue
from trestle.contracts.graph import Connection, Outcome
from trestle.contracts.jobs import FinishedStep, Job, OpenStep, Resolution, StepReport, WaitKind
from trestle.contracts.resume_tokens import Bearer, TokenKind, token
from trestle.contracts.states import StepStatus
from trestle.language import Scope

if TYPE_CHECKING:
    from executor.step import StepRun
    from trestle.outbound import OutboundClient

_UNREAD = object()


class Halt(StrEnum):
    """Why no new step may start."""

    PAUSE = "pause"
    DRAIN = "drain"


class Run:
    """The state of one execution under one epoch. Outputs are kept encoded, as they are stored."""

    def __init__(
        self,
        job: Job,
        program: Program,
        *,
        reporter: Reporter,
        ownership: Ownership,
        clock: BackendClock,
        secrets: Secrets,
        desk: Desk,
        throttle: Throttle,
        blobs: Blobs,
        http: "OutboundClient",
    ) -> None:
        self.job = job
        self.input = Encoded.of(job.input, job.input_refs)
        self.large = LargeValues(blobs, job.execution_id, job.epoch)
        self.large.known = bool(job.input_refs) or any(step.refs for step in job.finished) or any(begun.refs for begun in job.open)
        self.program = program
        self.reporter = reporter
        self.ownership = ownership
        self.clock = clock
        self.secrets = secrets
        self.desk = desk
        self.throttle = throttle
        self.http = http
        self.incoming: dict[str, tuple[Connection, ...]] | Any = {}
        self.outcomes: dict[str, Outcome] = {}
        self.outputs = Outputs(self.outcomes, self.large.opened)
        self.given: dict[str, EncodedJson] | None = None
        """In a run of one node: what it gets, by source. None: whatever its predecessors put out in this run."""
        self.active: set[StepRun] = set()
        self.failed_steps = 0
        """Of all owners: what is recorded is settled anew, and counted then."""
        self.failing = False
        """The execution has failed, or was stopped: what still runs is being cancelled."""
        self.halted: Halt | None = None
        self.halted_at = 0.0
        """By time.monotonic."""
        self.crews: set[Crew[Any, Any]] = set()
        """Whoever waits for steps to end: woken when something else happens."""
        self.resolutions: dict[tuple[str, int | None], Resolution] = {}
        """Answers to waits, as far as they are known here; one may come before its wait."""
        self._sleeper: asyncio.Future[None] | None = None
        self._noted = 0
        self._recorded = 0
        self._payload: Any = _UNREAD
        self._names: tuple[JsonObject, JsonObject] | None = None
        self.finished: dict[str, FinishedStep] = {}
        self.finished_items: dict[str, dict[int, FinishedStep]] = {}
        self.open: dict[tuple[str, int | None], OpenStep] = {}
        for step in job.finished:
            if step.item is None:
                self.finished[step.node] = step
            else:
                self.finished_items.setdefault(step.node, {})[step.item] = step
        for begun in job.open:
            self.open[begun.node, begun.item] = begun
            if begun.resolution is not None:
                self.resolutions[begun.node, begun.item] = begun.resolution

    @property
    def draft(self) -> bool:
        """A test run: pinned outputs are used."""
        return self.job.version is None

    # what steps get

    @property
    def payload(self) -> JsonValue:
        """The trigger's data."""
        if self._payload is _UNREAD:
            self._payload = self.decode(self.input)
        return self._payload

    def decode(self, text: EncodedJson) -> Any:
        """A value of this execution, in which a `Reference` stands for each large one."""
        return decode(text, self.large.opened)

    def taken(self, key: str) -> dict[str, EncodedJson]:
        """The outputs that reach a node, by source, in the order in which the connections are drawn."""
        if self.given is not None:
            return self.given
        outcomes = self.outcomes
        return {c.source: outcomes[c.source].output for c in self.incoming[key] if outcomes[c.source].port == c.source_port}

    def input_of(self, key: str) -> EncodedJson:
        """A node's input: the one output that reaches it, an object of several, or null (`contracts.graph.step_input`)."""
        taken = self.taken(key)
        if len(taken) == 1:
            return next(iter(taken.values()))
        return encode_object(taken) if taken else "null"

    def scope(self, input: JsonValue, *, payload: bool = True) -> Scope:
        """What expressions see. Without `payload`, for configs that don't look at it, it needn't be decoded."""
        if self._names is None:
            job = self.job
            info: JsonObject = {
                "id": str(job.execution_id),
                "version": job.version,
                "attempt": job.attempt,
                "created_at": job.created_at.isoformat().replace("+00:00", "Z"),
            }
            if self.program.answered:
                info["resume_url"] = {key: self.resume_url(key, None, kind) for key, kind in self.program.answered.items()}
            self._names = info, {"id": str(job.workflow_id), "name": job.workflow_name}
        execution, workflow = self._names
        return Scope(
            payload=self.payload if payload else None,
            trigger=self.job.trigger,
            input=input,
            nodes=self.outputs,
            vars=self.job.variables,
            execution=execution,
            workflow=workflow,
            now=self.clock.now(),
            references=self.large.known,
        )

    def resume_url(self, node: str, item: int | None, kind: TokenKind) -> str:
        """Where a wait of a node (of its item) is answered."""
        made = token(self.job.resume_key, Bearer(self.job.execution_id, node, item, kind))
        return f"{self.job.public_url}/{'resume' if kind == 'webhook' else 'approvals'}/{made}"

    def info(self) -> ExecutionInfo:
        """The execution, as nodes see it."""
        job = self.job
        return ExecutionInfo(job.execution_id, job.workflow_id, job.workflow_name, job.version, job.attempt, job.created_at)

    # what steps tell

    def note(self, report: StepReport, *, binding: bool = True) -> None:
        """Notes a step's state. `binding`: a step with effects may start only when it is recorded."""
        self.reporter.add(report)
        if binding:
            self._noted += 1

    @property
    def unrecorded(self) -> bool:
        """Whether something binding isn't acknowledged."""
        return self._recorded < self._noted

    async def recorded(self) -> None:
        """Returns when everything noted so far is acknowledged."""
        noted = self._noted
        await self.reporter.acknowledged()
        self._recorded = max(self._recorded, noted)

    # what stops it, and what it waits for

    def halt(self, reason: Halt) -> None:
        """From now on no new step starts; steps that run may finish. A drain is for good."""
        if self.halted is None:
            self.halted_at = time.monotonic()
        self.halted = Halt.DRAIN if self.halted is Halt.DRAIN else reason
        self._wake()

    def go_on(self) -> None:
        """A pause is over."""
        if self.halted is Halt.PAUSE:
            self.halted = None
            self._wake()

    def resolve(self, resolutions: Iterable[Resolution]) -> None:
        """Answers came. Whichever step waits for one goes on at once."""
        for resolution in resolutions:
            self.resolutions[resolution.node, resolution.item] = resolution
        self._wake()

    def answer_to(self, step: "StepRun", kind: WaitKind) -> Resolution | None:
        """The answer to a step's wait, where it is known."""
        found = self.resolutions.get((step.prepared.key, step.index))
        if found is None or found.kind != kind:
            return None
        return found if kind != "child" or step.is_of_child(found) else None

    def forget_answer(self, step: "StepRun") -> None:
        """The answer to its wait is used up."""
        self.resolutions.pop((step.prepared.key, step.index), None)

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
        for crew in self.crews:
            crew.wake()

    async def sleep(self, seconds: float) -> None:
        """Sleeps under the lease; a halt ends it, and so does an answer."""
        if self.halted is not None:
            return
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        timer = loop.call_later(max(seconds, 0), self._wake)
        try:
            await self._sleeper
        finally:
            timer.cancel()
            self._sleeper = None

    def tell_progress(self, older_than_s: float) -> None:
        """Lets what has gathered leave, and says of long pure steps that they run. Called a few times a second, for those who watch."""
        for step in self.active:
            step.tell_running(self, older_than_s)
        self.reporter.send()


def skipped(run: Run, key: str) -> StepReport:
    """The row of a node that wasn't taken."""
    now = run.clock.now()
    return StepReport(node=key, type=run.program.nodes[key].type, status=StepStatus.SKIPPED, started_at=now, finished_at=now, duration_ms=0)
