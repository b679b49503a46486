"""The one place where JSON that a caller sent is read."""

import re
from math import isfinite
from typing import Any

import jiter

from backend.errors import BadRequest, Unprocessable

MAX_DEPTH = 100
_MAY_OVERFLOW = re.compile(rb"\d{300}|\d[eE]\+?\d{3}")


def decode(body: bytes, called: str = "The body") -> Any:
    """The JSON value in `body`, which errors call so.

    Raises:
        BadRequest: not JSON, which NaN and Infinity aren't either.
        Unprocessable: a key twice in one object, deeper than 100 levels, or a number that no computer number can hold.
    """
    try:
        value = jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        why = str(error)
        if why.startswith("Detected duplicate key"):
            raise Unprocessable(f"{why}. Give each key once.") from None
        if why.startswith("recursion limit"):
            raise _too_deep() from None
        raise BadRequest(f"{called} is not valid JSON: {why}. NaN and Infinity are not JSON either.") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if _MAY_OVERFLOW.search(body):
        _check_numbers(value)
    return value


def _too_deep() -> Unprocessable:
    return Unprocessable(f"The JSON is nested deeper than {MAX_DEPTH} levels. Flatten it.")


def _children(containers: list[Any]) -> list[Any]:
    return [child for c in containers for child in (c.values() if type(c) is dict else c)]


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for child in _children(level) if type(child) is dict or type(child) is list]
        if not level:
            return
    raise _too_deep()


def _check_numbers(value: Any) -> None:
    level = [value]
    while level:
        for leaf in level:
            too_large = (type(leaf) is float and not isfinite(leaf)) or (type(leaf) is int and leaf.bit_length() > 1024)
            if too_large:
                raise Unprocessable("A number is larger than 1.8e308. Send it as text.")
        level = _children([child for child in level if type(child) is dict or type(child) is list])
