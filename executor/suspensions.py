"""Steps that wait: for their time, or for an answer from outside. An engine has such a set, and so has each for-each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from trestle.contracts.jobs import WaitKind

if TYPE_CHECKING:
    from executor.run import Run
    from executor.step import StepRun


@dataclass(slots=True)
class Suspended:
    """A step goes on at `due` (by the backend's clock; None: not by itself), or when the answer comes that `token` allows.

    A wait of up to `slept_s` need not give the execution back.
    """

    due: datetime | None
    slept_s: float
    token: WaitKind | None = None


class Suspensions:
    """What waits, and until when. A wait ends once: where the answer is there by then, it counts, else the time."""

    __slots__ = ("_run", "_waiting")

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._waiting: list[tuple[StepRun, Suspended]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> "Iterator[StepRun]":
        return (step for step, _ in self._waiting)

    def add(self, step: "StepRun", suspended: Suspended) -> None:
        """One more."""
        self._waiting.append((step, suspended))

    def clear(self) -> None:
        """None of them goes on."""
        self._waiting.clear()

    def awake(self) -> bool:
        """Whether one of them may go on."""
        return any(self._is_over(step, suspended) for step, suspended in self._waiting)

    def take(self) -> "list[StepRun]":
        """Those whose wait is over; each knows by what. They wait no more."""
        if not self._waiting:
            return []
        over, left = [], []
        for step, suspended in self._waiting:
            if not self._is_over(step, suspended):
                left.append((step, suspended))
                continue
            if suspended.token is not None:
                step.hear(self._run.answer_to(step, suspended.token), suspended.token)
            over.append(step)
        self._waiting = left
        return over

    def _is_over(self, step: "StepRun", suspended: Suspended) -> bool:
        if suspended.due is not None and suspended.due <= self._run.clock.now():
            return True
        if suspended.token is not None and self._run.answer_to(step, suspended.token) is not None:
            return True
        return step.items is not None and step.items.awake()

    def next_due(self) -> datetime | None:
        """When the first of them goes on by itself; None where all wait for answers."""
        return min((suspended.due for _, suspended in self._waiting if suspended.due is not None), default=None)

    def left_s(self) -> float | None:
        """Seconds until then, perhaps below 0."""
        due = self.next_due()
        return None if due is None else (due - self._run.clock.now()).total_seconds()

    def worth_s(self) -> float:
        """For how long the first may be slept for."""
        due = self.next_due()
        return max((suspended.slept_s for _, suspended in self._waiting if suspended.due == due), default=0.0)
