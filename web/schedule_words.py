"""A schedule in words, as the editor's cards have it (web/editor/browser/schedule.js says the same). Pure."""

import re

_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_SHORT = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_UNITS = [(604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")]
_ANY = ("*", "?")


def schedule_words(cron: str, every_s: float, timezone: str) -> str:
    """`every 5 minutes`, `weekdays 9:00 Europe/Berlin`; the expression itself where it has no short name. Empty where nothing is set."""
    if every_s > 0 and every_s == int(every_s):
        return _every(int(every_s))
    if not cron.strip():
        return ""
    return " ".join(filter(None, (_cron(cron) or cron.strip(), timezone)))


def _every(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"every {unit}" if seconds == size else f"every {seconds // size} {unit}s"


def _is_number(field: str) -> bool:
    return re.fullmatch("[0-9]+", field) is not None


def _evenly(field: str, whole: int) -> int:
    """The step of a field like */5 where it divides the whole, so that the times are evenly apart; else 0."""
    step = int(field[2:]) if re.fullmatch(r"\*/[0-9]+", field) else 0
    return step if step and whole % step == 0 else 0


def _day(text: str) -> int:
    """The number of a day, Sunday's is 0; -1 where it is none."""
    if _is_number(text):
        return int(text) % 7
    return _SHORT.index(text.lower()) if text.lower() in _SHORT else -1


def _days(field: str) -> str:
    """Empty where they have no short name."""
    if field in _ANY:
        return "every day"
    ends = [_day(part) for part in field.split("-")]
    if len(ends) == 2 and min(ends) >= 0:
        return "weekdays" if ends == [1, 5] else f"{_DAYS[ends[0]]} to {_DAYS[ends[1]]}"
    listed = [_day(part) for part in field.split(",")]
    if min(listed) < 0:
        return ""
    return "weekends" if sorted(listed) == [0, 6] else f"every {', '.join(_DAYS[day] for day in listed)}"


def _cron(cron: str) -> str:
    """Empty where the expression has no short name."""
    fields = cron.split()
    if len(fields) == 6 and fields[0] == "0":
        fields = fields[1:]
    if len(fields) != 5 or fields[3] != "*":
        return ""
    minute, hour, day, _, weekday = fields
    always = day in _ANY and weekday == "*"
    past = f" at :{minute.zfill(2)}" if _is_number(minute) and int(minute) else ""
    if always and hour == "*":
        return _hourly(minute, past)
    if always and _is_number(minute) and (step := _evenly(hour, 24)):
        return _every(3600 * step) + past
    if not _is_number(minute) or not all(map(_is_number, hour.split(","))):
        return ""
    at = ", ".join(f"{one}:{minute.zfill(2)}" for one in hour.split(","))
    if day not in _ANY:
        return f"on day {day} of each month, {at}" if _is_number(day) and weekday == "*" else ""
    on = _days(weekday)
    return on and f"{on} {at}"


def _hourly(minute: str, past: str) -> str:
    if minute == "*":
        return "every minute"
    if step := _evenly(minute, 60):
        return _every(60 * step)
    return f"every hour{past}" if _is_number(minute) else ""
