"""When a schedule fires: cron with a time zone, or every so many seconds. The only place that computes it.

Cron's fields are cronsim's: five, or six with seconds first; lists, ranges, steps, names, `L` and `#`. Daylight saving:

- A schedule whose hour field begins with `*` runs on real time: `*/15 * * * *` fires every fifteen minutes, on every day.
- Any other follows the clock on the wall. A time that the clock skips fires at the first minute that exists after it. A time
  that the clock shows twice fires once, the first time.

`every_s` counts real seconds from 1970-01-01 UTC: neither a restart nor publishing again shifts it, and `every_s: 3600` fires on
the hour.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

LONGEST_S = 366 * 86_400
_LONGEST_CRON = 200
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


class BadSchedule(ValueError):
    """A schedule that can't be: `field` is the config's field to mend, the text says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Schedule:
    """A valid schedule. Exactly one of `cron` and `every_s` is set. Every time here is aware and UTC, in whole seconds."""

    cron: str | None
    every_s: int | None
    timezone: str

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The times after `moment`, each later than the one before. Ends where there is none in the next fifty years."""
        moment = moment.astimezone(UTC)  # in another zone, Python counts on the wall
        if self.every_s is not None:
            at = (math.floor(moment.timestamp()) // self.every_s + 1) * self.every_s
            while True:
                yield datetime.fromtimestamp(at, UTC)
                at += self.every_s
        for time in self._cron(moment, reverse=False):
            if time > moment:
                moment = time
                yield time

    def upcoming(self, moment: datetime, count: int) -> list[datetime]:
        """The next `count` times after `moment`."""
        return list(islice(self.after(moment), count))

    def latest(self, until: datetime, since: datetime, count: int) -> list[datetime]:
        """The last `count` times from `since` to `until`, both included, oldest first."""
        found: list[datetime] = []
        for time in self._before(until):
            if time < since or len(found) == count:
                break
            found.append(time)
        return found[::-1]

    def _before(self, moment: datetime) -> Iterator[datetime]:
        """The times up to `moment`, newest first."""
        moment = moment.astimezone(UTC)
        if self.every_s is not None:
            at = math.floor(moment.timestamp()) // self.every_s * self.every_s
            while True:
                yield datetime.fromtimestamp(at, UTC)
                at -= self.every_s
        last = None
        for time in self._cron(moment, reverse=True):
            if time <= moment and time != last:
                last = time
                yield time

    def _cron(self, moment: datetime, *, reverse: bool) -> Iterator[datetime]:
        """Times around and beyond `moment` in one direction; a few may be on the wrong side of it, or the same again."""
        zone = ZoneInfo(self.timezone)
        moment = moment.replace(microsecond=0)
        # cronsim leaves out where it starts: forward that is right, `moment` itself is not after it.
        start = moment + _SECOND if reverse else moment
        return self._in_real_time(start, zone, reverse) if self._on_real_time else self._on_the_wall(start, zone, reverse)

    def _in_real_time(self, start: datetime, zone: ZoneInfo, reverse: bool) -> Iterator[datetime]:
        """Every moment at which the zone's clock shows a time that fits, from one change of its offset to the next."""
        offset = _offset(start - _SECOND if reverse else start, zone)
        while True:
            for naive in CronSim(self._six, (start + offset).replace(tzinfo=None), reverse=reverse):
                time = naive.replace(tzinfo=UTC) - offset
                here = _offset(time, zone)
                if here != offset:
                    break
                start = time
                yield time
            else:
                return
            # Go on in the stretch of time beyond the change, from its very edge: where cronsim starts it leaves out.
            change = _change(time, start, zone) if reverse else _change(start, time, zone)
            start = change if reverse else change - _SECOND
            offset = _offset(change - _SECOND if reverse else change, zone)

    def _on_the_wall(self, start: datetime, zone: ZoneInfo, reverse: bool) -> Iterator[datetime]:
        """For every time on the clock the one moment at which it is meant."""
        wall = start.astimezone(zone).replace(tzinfo=None)
        if reverse:
            # Where the clock went back lately, it showed later times before.
            wall += max(_offset(start - _DAY, zone) - _offset(start, zone), timedelta())
        for naive in CronSim(self._six, wall, reverse=reverse):
            yield _moment(naive, zone)

    @property
    def _six(self) -> str:
        cron = self.cron or ""
        return cron if len(cron.split()) == 6 else f"0 {cron}"

    @property
    def _on_real_time(self) -> bool:
        return self._six.split()[2].startswith("*")


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _moment(naive: datetime, zone: ZoneInfo) -> datetime:
    """When a clock in `zone` first shows this, or, where it never does, first shows anything later."""
    local = naive.replace(tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == naive:
        return moment
    # The clock jumped over it. Read with the new offset it lies before the jump, with the old one after.
    return _change(local.replace(fold=1).astimezone(UTC), moment, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second of the offset that holds at `after`, and did not at `before`."""
    new = _offset(after, zone)
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _offset(middle, zone) == new:
            after = middle
        else:
            before = middle
    return after


def parse(config: Mapping[str, Any], *, timezone: str = "UTC") -> Schedule:
    """The schedule of a `trigger.schedule`'s config (or a preview's). `timezone`: where the config names none.

    Raises BadSchedule.
    """
    cron, every_s = config.get("cron") or None, config.get("every_s")
    if (cron is None) == (every_s is None):
        raise BadSchedule("cron", "A schedule needs either cron or every_s: one of the two.")
    zone = config.get("timezone") or timezone
    if not is_zone(zone):
        raise BadSchedule("timezone", f"There is no time zone “{zone}”. Use a name like Europe/Berlin, or UTC.")
    if every_s is not None:
        if isinstance(every_s, bool) or not isinstance(every_s, int | float) or every_s != int(every_s):
            raise BadSchedule("every_s", "every_s is a whole number of seconds.")
        if not 1 <= every_s <= LONGEST_S:
            raise BadSchedule("every_s", f"every_s is a number of seconds from 1 to {LONGEST_S:,} (a year).")
        return Schedule(None, int(every_s), zone)
    return Schedule(_checked(cron), None, zone)


def _checked(cron: Any) -> str:
    if not isinstance(cron, str) or len(cron) > _LONGEST_CRON:
        raise BadSchedule("cron", f"cron is a text of at most {_LONGEST_CRON} characters.")
    fields = cron.split()
    if len(fields) not in (5, 6):
        shape = "minute hour day month weekday, with seconds before them if you like"
        raise BadSchedule("cron", f"“{cron}” has {len(fields)} fields; a cron expression has 5 or 6: {shape}. For example 0 9 * * 1-5.")
    try:
        times = CronSim(" ".join(fields), datetime(2000, 1, 1))  # noqa: DTZ001 - only to see whether it can be read
        next(times)
    except CronSimError as error:
        what = str(error).removeprefix("Bad ")
        raise BadSchedule("cron", f"“{cron}” is no cron expression: its {what} is wrong. For example 0 9 * * 1-5.") from None
    except StopIteration:
        raise BadSchedule("cron", f"“{cron}” never fires: there is no such day.") from None
    return " ".join(fields)


def is_zone(name: Any) -> bool:
    """Whether there is a time zone of this name."""
    if not isinstance(name, str):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
