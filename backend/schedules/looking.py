"""What becomes of a trigger that is due: the times at which a schedule fires, whether a poll is asked, and what is wrong with either."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog

from backend.executions.trigger_failures import failure
from backend.schedules import firing
from backend.schedules.times import BadSchedule, parse
from trestle.contracts.executions import ExecutionError
from trestle.contracts.jobs import THROTTLED
from trestle.contracts.states import ExecutionStatus

_TRY_AGAIN = timedelta(hours=1)
_UNTAKEN_AFTER = timedelta(minutes=1)
"""For so long a poll that no executor offers may lie there: one may just be starting."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Due:
    """A trigger that is due, and what becomes of it. `fire_at`: the times at which a schedule fires now; `asks`: a poll begins.
    `error`: why it can't do its work, for as long as that holds."""

    row: asyncpg.Record
    due_at: datetime | None = None
    poll_id: UUID | None = None
    failures: int = 0
    error: ExecutionError | None = None
    fired: bool = False
    fire_at: list[datetime] = field(default_factory=list)
    asks: bool = False

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Due":
        """As it was so far."""
        error = ExecutionError.model_validate_json(row["error"]) if row["error"] is not None else None
        return cls(row, poll_id=row["poll_id"], failures=row["failures"], error=error)

    @property
    def fails_anew(self) -> bool:
        """It fails, and did not when it was looked at before. Once it has worked again, it may fail anew."""
        return self.error is not None and self.row["error"] is None


def at_schedule(one: Due) -> None:
    """It was right when it was published. A time zone may be gone since, or what reads it may be stricter."""
    now = one.row["now"]
    try:
        config: dict[str, Any] = orjson.loads(one.row["config"])
        schedule = parse(config)
        one.fire_at = firing.times(schedule, config, one.row["due_at"], now)
        one.due_at, one.error = next(schedule.after(now), None), None
    except BadSchedule as error:
        _unreadable(one, str(error))
    except Exception as error:  # one of which we know nothing must not hold up all others
        log.exception("schedule_unreadable", workflow_id=str(one.row["workflow_id"]), node=one.row["node"])
        _unreadable(one, f"reading it failed with {type(error).__name__}: {error}")


def _unreadable(one: Due, why: str) -> None:
    one.fire_at = []
    one.due_at = one.row["now"] + _TRY_AGAIN
    hint = "Open the Schedule node, choose when it is to fire, and publish."
    one.error = failure(one.row["node"], f"The schedule can't be read, so it does not fire: {why}", hint)


def at_poll(one: Due, asked: asyncpg.Record | None) -> None:
    """A poll that was asked and still has no report in the books is under way, or has failed in one way or another."""
    every_s, now = one.row["poll_every_s"], one.row["now"]
    wait_s = firing.look_after_s(every_s)
    if one.row["poll_id"] is None:
        one.asks = True
    elif asked is None or asked["finished_at"] is not None:
        one.poll_id, said = None, _said(asked)
        if said is None or said.type != THROTTLED:
            one.failures += 1
            one.error = _why(one.row["node"], asked, said)
        wait_s = firing.backoff_s(every_s, one.failures)
    elif asked["status"] == ExecutionStatus.QUEUED and asked["reason"] and now - asked["created_at"] > _UNTAKEN_AFTER:
        one.error = failure(one.row["node"], f"Nobody can ask for what is new. {asked['reason']}", "Start an executor that has this node.")
    one.due_at = now + timedelta(seconds=wait_s)


def _said(asked: asyncpg.Record | None) -> ExecutionError | None:
    return ExecutionError.model_validate_json(asked["error"]) if asked is not None and asked["error"] is not None else None


def _why(node: str, asked: asyncpg.Record | None, said: ExecutionError | None) -> ExecutionError:
    if said is not None:
        return failure(node, f"Asking for what is new failed: {said.message}", said.hint)
    status = asked["status"] if asked is not None else "gone"
    return failure(node, f"Asking for what is new failed: the last poll ended without a result, it is {status}.")
