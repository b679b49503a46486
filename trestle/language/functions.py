"""The functions and the ``is`` tests of the language."""

from collections.abc import Callable
from typing import Any, Final

from trestle.language.errors import LanguageError
from trestle.language.limits import MAX_RANGE, Meter
from trestle.language.lookup import describe
from trestle.language.operators import compare, contains, equal, number


def range_(meter: Meter, start: Any, stop: Any = None, step: Any = 1) -> list[int]:
    """The whole numbers from ``start`` (0 if only one number is given) up to and without ``stop``."""
    for bound in (start, stop, step):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise LanguageError(f"`range` needs whole numbers, and one is {describe(bound)}.")
    if step == 0:
        raise LanguageError("The step of a range can't be 0.")
    numbers = range(0, start, step) if stop is None else range(start, stop, step)
    if abs((numbers.stop - numbers.start) // numbers.step) > MAX_RANGE:
        raise LanguageError(f"A range of more than {MAX_RANGE} numbers is not allowed.", kind="limit")
    meter.items(len(numbers))
    return list(numbers)


def dict_(meter: Meter, **fields: Any) -> dict[str, Any]:
    """An object of the named arguments."""
    meter.items(len(fields))
    return fields


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {"range": range_, "dict": dict_}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _divisible(value: Any, divisor: Any) -> bool:
    if not number(divisor, "divisibleby"):
        raise LanguageError("Nothing is divisible by zero.")
    return number(value, "divisibleby") % number(divisor, "divisibleby") == 0


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _edge(meter: Meter, value: Any, part: Any, *, at_end: bool) -> bool:
    if not isinstance(value, str) or not isinstance(part, str):
        raise LanguageError(f"Only a text starts or ends with something, and this is {describe(value)}.")
    meter.charge(len(part) // 16)
    return value.endswith(part) if at_end else value.startswith(part)


TESTS: Final[dict[str, Callable[..., bool]]] = {
    "none": lambda meter, value: value is None,
    "null": lambda meter, value: value is None,
    "true": lambda meter, value: value is True,
    "false": lambda meter, value: value is False,
    "boolean": lambda meter, value: isinstance(value, bool),
    "string": lambda meter, value: isinstance(value, str),
    "number": lambda meter, value: _numeric(value),
    "integer": lambda meter, value: _whole(value),
    "float": lambda meter, value: isinstance(value, float),
    "mapping": lambda meter, value: isinstance(value, dict),
    "sequence": lambda meter, value: isinstance(value, list),
    "iterable": lambda meter, value: isinstance(value, list | dict | str),
    "empty": lambda meter, value: _empty(value),
    "even": lambda meter, value: number(value, "even") % 2 == 0,
    "odd": lambda meter, value: number(value, "odd") % 2 == 1,
    "divisibleby": lambda meter, value, divisor: _divisible(value, divisor),
    "eq": equal,
    "ne": lambda meter, value, other: not equal(meter, value, other),
    "gt": lambda meter, value, other: compare(meter, ">", value, other),
    "ge": lambda meter, value, other: compare(meter, ">=", value, other),
    "lt": lambda meter, value, other: compare(meter, "<", value, other),
    "le": lambda meter, value, other: compare(meter, "<=", value, other),
    "in": lambda meter, value, holder: contains(meter, holder, value),
    "containing": lambda meter, value, wanted: contains(meter, value, wanted),
    "startingwith": lambda meter, value, part: _edge(meter, value, part, at_end=False),
    "endingwith": lambda meter, value, part: _edge(meter, value, part, at_end=True),
    "lower": lambda meter, value: isinstance(value, str) and value.islower(),
    "upper": lambda meter, value: isinstance(value, str) and value.isupper(),
}
