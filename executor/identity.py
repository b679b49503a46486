"""When two JSON values are the same: as `==` has it in expressions, all the way down. 1 is 1.0, and true is not 1."""

from collections.abc import Hashable
from typing import Any

import orjson

from trestle.contracts.base import JsonValue


def identity(value: Any) -> Hashable:
    """A key that is equal for values that are the same, and for no others."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool or value is None:
        return (bool, value)
    if kind is int or kind is float:
        return (float, value)
    if isinstance(value, list):
        return (list, *map(identity, value))
    return (dict, frozenset((name, identity(part)) for name, part in value.items()))


def same(left: JsonValue, right: JsonValue) -> bool:
    """Whether the two are the same."""
    return identity(left) == identity(right)


def canonical(value: JsonValue) -> bytes:
    """A text that is the same for values that are the same, also in another process."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def _plain(value: JsonValue) -> JsonValue:
    """With whole numbers as integers."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return {name: _plain(part) for name, part in value.items()} if isinstance(value, dict) else value
