"""JSONLogic whose data was the payload itself, rewritten for data in which it stands under `payload`.

    {">": [{"var": "score"}, 80]}  →  {">": [{"var": "payload.score"}, 80]}

What reads `payload.…` already stays. In the body of map, filter, reduce, all, some and none the data is an element of the list: those stay.
"""

from collections.abc import Callable
from typing import Any

_ROOT = "payload"
_OVER_ELEMENTS = frozenset({"map", "filter", "reduce", "all", "some", "none"})


def under_payload(rule: Any) -> Any:
    """The rule with every path to its data beginning at `payload`. A new value; `rule` stays as it is."""
    if isinstance(rule, list):
        return [under_payload(part) for part in rule]
    if not isinstance(rule, dict) or len(rule) != 1:
        return rule  # an object of several keys is no operation, but a value
    ((operator, arguments),) = rule.items()
    rewrite = _SPECIAL.get(operator)
    if rewrite is not None:
        return {operator: rewrite(arguments)}
    if operator in _OVER_ELEMENTS and isinstance(arguments, list):
        # [list, body, (reduce) what to start with]
        return {operator: [part if place == 1 else under_payload(part) for place, part in enumerate(arguments)]}
    return {operator: under_payload(arguments)}


def _path(path: Any) -> Any:
    """The path of a `var`, which a rule may compute."""
    if path is None or path == "" or path == []:
        return _ROOT
    if isinstance(path, str):
        return path if path == _ROOT or path.startswith(f"{_ROOT}.") else f"{_ROOT}.{path}"
    if isinstance(path, bool):
        return path
    if isinstance(path, int | float):
        return f"{_ROOT}.{int(path)}"  # an index
    return {"cat": [f"{_ROOT}.", under_payload(path)]}


def _var(arguments: Any) -> Any:
    if isinstance(arguments, list) and arguments:
        return [_path(arguments[0]), *map(under_payload, arguments[1:])]  # path, what to take where nothing is there
    return _path(arguments)


def _paths(arguments: Any) -> Any:
    """The paths of `missing`: one, a list, or a rule that gives a list."""
    if isinstance(arguments, list):
        if len(arguments) == 1 and isinstance(arguments[0], dict):
            return [_each(arguments[0])]
        if len(arguments) == 1 and isinstance(arguments[0], list):
            return [_paths(arguments[0])]
        return [_path(path) for path in arguments]
    return _each(arguments) if isinstance(arguments, dict) else _path(arguments)


def _each(rule: Any) -> Any:
    return {"map": [under_payload(rule), {"cat": [f"{_ROOT}.", {"var": ""}]}]}


def _paths_of_some(arguments: Any) -> Any:
    if isinstance(arguments, list) and len(arguments) == 2:
        return [under_payload(arguments[0]), _paths(arguments[1])]
    return under_payload(arguments)


_SPECIAL: dict[str, Callable[[Any], Any]] = {"var": _var, "missing": _paths, "missing_some": _paths_of_some}
