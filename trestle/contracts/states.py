"""The states of executions and steps, and the only table of moves between them."""

from enum import StrEnum


class ExecutionStatus(StrEnum):
    """Where an execution is. `queued → running → succeeded | failed | cancelled | quarantined`."""

    QUEUED = "queued"
    """Accepted and durable; an executor has yet to claim it."""
    RUNNING = "running"
    """Owned by one executor under a lease and an epoch."""
    WAITING = "waiting"
    """Nothing in it can run before `wake_at`; owned by nobody."""
    PAUSED = "paused"
    """A person stopped it, or the one that waits for its end; it goes on when a person says so, of it or of that one."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"
    """It kept killing its executor."""


TERMINAL = frozenset({ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED, ExecutionStatus.QUARANTINED})
"""No move leaves these."""


class StepStatus(StrEnum):
    """Where one attempt at one node is."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    """Suspended durably: a delay, or a backoff before the next attempt."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


STEP_FINAL = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED})


class Event(StrEnum):
    """What may happen to an execution."""

    CLAIM = "claim"
    """An executor takes it: the epoch grows, a lease begins."""
    RELEASE = "release"
    """Its executor gives it back unfinished (drain)."""
    EXPIRE = "expire"
    """Its lease ran out: its executor is taken for dead."""
    SUSPEND = "suspend"
    """Nothing in it can run before a given time."""
    WAKE = "wake"
    """That time has come, or what it waited for has happened."""
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    PAUSE = "pause"
    """A person stops it; or it is the child that a step waits for, and its caller was paused."""
    RESUME = "resume"
    """A person lets a paused one go on, or the caller with which it was paused, and nobody owns it: the next executor takes it."""
    REGAIN = "regain"
    """A person lets a paused one go on while its owner still finishes a step: it stays with that owner and epoch."""
    QUARANTINE = "quarantine"


_S = ExecutionStatus
MOVES: dict[tuple[ExecutionStatus, Event], ExecutionStatus] = {
    (_S.QUEUED, Event.CLAIM): _S.RUNNING,
    (_S.QUEUED, Event.CANCEL): _S.CANCELLED,
    (_S.QUEUED, Event.PAUSE): _S.PAUSED,
    (_S.QUEUED, Event.FAIL): _S.FAILED,
    (_S.RUNNING, Event.RELEASE): _S.QUEUED,
    (_S.RUNNING, Event.EXPIRE): _S.QUEUED,
    (_S.RUNNING, Event.SUSPEND): _S.WAITING,
    (_S.RUNNING, Event.SUCCEED): _S.SUCCEEDED,
    (_S.RUNNING, Event.FAIL): _S.FAILED,
    (_S.RUNNING, Event.CANCEL): _S.CANCELLED,
    (_S.RUNNING, Event.PAUSE): _S.PAUSED,
    (_S.RUNNING, Event.QUARANTINE): _S.QUARANTINED,
    (_S.WAITING, Event.WAKE): _S.QUEUED,
    (_S.WAITING, Event.CANCEL): _S.CANCELLED,
    (_S.WAITING, Event.PAUSE): _S.PAUSED,
    (_S.WAITING, Event.FAIL): _S.FAILED,
    (_S.PAUSED, Event.RESUME): _S.QUEUED,
    (_S.PAUSED, Event.REGAIN): _S.RUNNING,
    # Its owner lets running steps finish: where that was the last step, or one that ends the execution, it has ended.
    (_S.PAUSED, Event.SUCCEED): _S.SUCCEEDED,
    (_S.PAUSED, Event.FAIL): _S.FAILED,
    (_S.PAUSED, Event.CANCEL): _S.CANCELLED,
}
"""`(from, event) → to`. What is not here is refused."""


def sources(event: Event) -> list[ExecutionStatus]:
    """The states from which `event` may happen: the guard of the UPDATE that performs it."""
    return [source for (source, happened) in MOVES if happened is event]


def target(event: Event) -> ExecutionStatus:
    """The one state that `event` leads to.

    Raises:
        ValueError: where the table names more than one.
    """
    found = {to for (_, happened), to in MOVES.items() if happened is event}
    if len(found) != 1:
        raise ValueError(f"{event} leads to {sorted(found)}")
    return found.pop()


FAILED_ITEMS = "$failed_items"
"""Key in the recorded `wait` of a for-each that succeeded: how many of its items failed and were passed over."""
