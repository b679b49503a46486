"""The executions that this process owns, as far as it knows."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from uuid import UUID

import structlog

from executor.clock import Lease
from executor.reports import Channel
from executor.run import Halt, Run
from trestle.contracts.jobs import Heartbeat, HeartbeatAnswer, Holding, Job, Resolution, Verdict

_log = structlog.get_logger("executor.holdings")


class Held:
    """One of them. What is said of it before its graph is here counts as soon as it is."""

    __slots__ = ("_halted", "_halted_at", "_resolutions", "channel", "job", "lease", "run", "task")

    def __init__(self, job: Job, channel: Channel, lease: Lease) -> None:
        self.job = job
        self.channel = channel
        self.lease = lease
        self.run: Run | None = None
        self.task: asyncio.Task[None] | None = None
        self._halted: Halt | None = None
        self._halted_at = 0.0
        self._resolutions: list[Resolution] = []

    @property
    def holding(self) -> Holding:
        """It, as the backend is told of it."""
        return Holding(execution_id=self.job.execution_id, epoch=self.job.epoch)

    def begin(self, run: Run) -> None:
        """Its graph is here."""
        self.run = run
        if self._halted is not None:
            run.halt(self._halted)
        run.resolve(self._resolutions)

    def halt(self, reason: Halt) -> bool:
        """No new step starts. True where that is news."""
        news = self._halted is None
        if news:
            self._halted_at = time.monotonic()
        if self._halted is not Halt.DRAIN:
            self._halted = reason
        if self.run is not None:
            self.run.halt(reason)
        return news

    def runs(self, asked_at: float) -> None:
        """The backend was asked at `asked_at` (time.monotonic), and says that it runs: a pause of before is over."""
        if self._halted is Halt.PAUSE and self._halted_at < asked_at:
            self._halted = None
            if self.run is not None:
                self.run.go_on()

    def resolve(self, resolutions: Sequence[Resolution]) -> None:
        """Answers to its waits came."""
        if self.run is not None:
            self.run.resolve(resolutions)
        else:
            self._resolutions += resolutions


class Holdings:
    """All of them, by id. `changed` is set whenever one leaves."""

    def __init__(self) -> None:
        self._held: dict[UUID, Held] = {}
        self.changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def __contains__(self, execution_id: UUID) -> bool:
        return execution_id in self._held

    def get(self, execution_id: UUID) -> Held | None:
        """The one of this id."""
        return self._held.get(execution_id)

    def has(self, held: Held) -> bool:
        """Whether this very one is still ours."""
        return self._held.get(held.job.execution_id) is held

    def add(self, held: Held) -> None:
        """One more."""
        self._held[held.job.execution_id] = held

    def forget(self, held: Held) -> None:
        """It has ended, waits, or was given back."""
        if self.has(held):
            del self._held[held.job.execution_id]
        self.changed.set()

    def lose(self, held: Held, verdict: Verdict) -> None:
        """It isn't ours any more: nothing of it is written from here on."""
        held.channel.drop(verdict)
        if held.task is not None:
            held.task.cancel()
        self.forget(held)

    def hear(self, held: Held, verdict: Verdict) -> bool:
        """What the backend wants done with it. True where a pause is news."""
        if verdict is Verdict.PAUSE:
            return held.halt(Halt.PAUSE)
        if verdict in (Verdict.STALE, Verdict.CANCEL):
            _log.info("an execution was dropped", execution=str(held.job.execution_id), verdict=verdict)
            self.lose(held, verdict)
        return False

    def beat(self) -> tuple[Heartbeat, list[Held]]:
        """What a heartbeat names, and the same as objects."""
        held = list(self._held.values())
        return Heartbeat(running=[one.holding for one in held]), held

    def answered(self, named: Sequence[Held], sent_at: float, lease_s: float, answer: HeartbeatAnswer) -> None:
        """A heartbeat that was sent at `sent_at` was answered. Of those it named, some may have left meanwhile."""
        for one in named:
            verdict = answer.verdicts.get(one.job.execution_id)
            if verdict is None:
                one.lease.renew(sent_at, lease_s)
            if not self.has(one):
                continue
            one.resolve(answer.resolved.get(one.job.execution_id, ()))
            if verdict is None:
                one.runs(sent_at)
            else:
                self.hear(one, verdict)
