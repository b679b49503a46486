"""What fires when a schedule is due, missed times included, and when a poll asks again. Pure: the clock is an argument."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from backend.schedules.times import Schedule

ON_TIME = timedelta(seconds=5)
"""What fires no later than this was not missed, whatever kept it."""
LIMIT = 100
"""How many missed times `misfire: all` makes up for, unless `misfire_limit` says otherwise."""
LONGEST_BACKOFF_S = 3600.0
_WATCH_S = 15.0
_MANY = 1000


def times(schedule: Schedule, config: Mapping[str, Any], due_at: datetime, now: datetime) -> list[datetime]:
    """The times to fire now, oldest first, of a schedule that has been due since `due_at`.

    Where the oldest comes later than `ON_TIME`, all that have passed count as missed, and `misfire` decides: `skip` none of them,
    `last` (as it stands) the newest, `all` the newest `misfire_limit`.
    """
    if now - due_at <= ON_TIME:
        return schedule.latest(now, due_at, _MANY)
    match config.get("misfire", "last"):
        case "skip":
            return []
        case "all":
            return schedule.latest(now, due_at, min(config.get("misfire_limit") or LIMIT, _MANY))
        case _:
            return schedule.latest(now, due_at, 1)


def look_after_s(poll_every_s: float) -> float:
    """When to look whether a poll that was asked has failed. One that succeeds says itself when the next is due."""
    return min(poll_every_s, _WATCH_S)


def backoff_s(poll_every_s: float, failures: int) -> float:
    """How long a poll waits after so many failures in a row: twice as long each time, up to an hour."""
    return max(poll_every_s, min(poll_every_s * 2.0 ** min(failures, 30), LONGEST_BACKOFF_S))
