"""Filters of numbers and of moments."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trestle.language.errors import LanguageError
from trestle.language.limits import Meter
from trestle.language.lookup import describe
from trestle.language.operators import number

_DIRECTIVE: Final = re.compile(r"%[-]?[aAbBdHIjmMpSyYzZfGuVwU%]")
_MAX_FORMAT: Final = 200
_INTEGER: Final = re.compile(r"\s*[-+]?\d{1,300}\s*")


def int_(meter: Meter, value: Any) -> int:
    """A whole number from a number (cut towards zero), a text or a boolean."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    made = _finite(value, "int")
    return int(made)


def float_(meter: Meter, value: Any) -> float:
    """A number with a fraction, from a number, a text or a boolean."""
    return float(_finite(value, "float"))


def _finite(value: Any, name: str) -> int | float:
    try:
        made: Any = float(value) if isinstance(value, str) and len(value) <= 400 and "_" not in value else value
        if isinstance(made, int | float) and math.isfinite(made):
            return made if isinstance(made, float) else int(made)
    except (ValueError, OverflowError):
        pass  # told below, as for every other value
    raise LanguageError(f"{describe(value)} can't be made a number.", hint=f"Test it first: `is number`, or use |default before |{name}.")


def round_(meter: Meter, value: Any, precision: Any = 0, method: Any = "common") -> int | float:
    """Rounded half away from zero (``common``), up (``ceil``) or down (``floor``); a whole number without a precision."""
    if isinstance(precision, bool) or not isinstance(precision, int) or not 0 <= precision <= 15:
        raise LanguageError(f"`round` needs a precision from 0 to 15, and this is {describe(precision)}.")
    if method not in ("common", "ceil", "floor"):
        raise LanguageError(f"`round` has no method {describe(method)}.", hint="There is common, ceil, floor.")
    source = number(value, "round")
    if isinstance(source, int):
        return source
    scaled: float = source * 10**precision
    if not math.isfinite(scaled):
        return source
    if method == "common":
        # repr's digits, not the binary ones: 2.675 is 2.68 to a person.
        scaled = float(f"{source!r}e{precision}") if "e" not in repr(source) else scaled
        made = math.floor(abs(scaled) + 0.5) * (1 if scaled >= 0 else -1)
    else:
        made = math.ceil(scaled) if method == "ceil" else math.floor(scaled)
    return made if precision == 0 else float(made / 10**precision)


def abs_(meter: Meter, value: Any) -> int | float:
    """The number without its sign."""
    return abs(number(value, "abs"))


def bool_(meter: Meter, value: Any) -> bool:
    """Whether ``value`` is neither null, false, 0 nor empty; the texts ``false``, ``no``, ``off`` and ``0`` are false."""
    return value.strip().lower() not in ("", "false", "no", "off", "0") if isinstance(value, str) else bool(value)


def moment(value: Any, zone: Any = None) -> datetime:
    """A date or time in RFC 3339 text, or in seconds since 1970. Raises LanguageError. Without a zone it is UTC."""
    try:
        if isinstance(value, str) and len(value) <= 40:
            when = datetime.fromisoformat(value)
        else:
            when = datetime.fromtimestamp(number(value, "date"), UTC)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return when if zone is None else when.astimezone(_zone(zone))
    except (ValueError, OverflowError, OSError):
        raise LanguageError(
            f"{describe(value)} is not a date.", hint="Dates are RFC 3339 texts (2030-01-31T12:00:00Z) or seconds since 1970."
        ) from None


def _zone(name: Any) -> ZoneInfo:
    try:
        if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        pass  # told below, as for every other name
    raise LanguageError(f"There is no time zone {describe(name)}.", hint="Zones are named like Europe/Berlin.")


def date(meter: Meter, value: Any, format: Any = "%Y-%m-%d", zone: Any = None) -> str:
    """A moment in the given form (``%Y-%m-%d %H:%M``), in the given zone."""
    if not isinstance(format, str) or len(format) > _MAX_FORMAT or "%" in _DIRECTIVE.sub("", format):
        raise LanguageError(f"{describe(format)} is not a date format.", hint="Use %Y %m %d %H %M %S %j %a %A %b %B %y %I %p %z %Z %V.")
    return moment(value, zone).strftime(format.encode("utf-8", "replace").decode())


def timestamp(meter: Meter, value: Any) -> int | float:
    """A moment in seconds since 1970."""
    seconds = moment(value).timestamp()
    return int(seconds) if seconds.is_integer() else seconds


def shift(meter: Meter, value: Any, days: Any = 0, hours: Any = 0, minutes: Any = 0, seconds: Any = 0) -> str:
    """A moment moved by that much, as RFC 3339 text."""
    given = [number(part, "shift") for part in (days, hours, minutes, seconds)]
    try:
        moved = moment(value) + timedelta(days=given[0], hours=given[1], minutes=given[2], seconds=given[3])
    except OverflowError:
        raise LanguageError("The date is out of range.", kind="limit") from None
    return moved.isoformat().replace("+00:00", "Z")
