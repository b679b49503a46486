"""Filters of lists and objects. Each counts the list it walks."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from trestle.language.errors import LanguageError
from trestle.language.limits import Meter
from trestle.language.lookup import describe, get
from trestle.language.operators import as_text, comparable, equal, number

_UNSET: Any = object()


def items_of(meter: Meter, value: Any, name: str) -> list[Any]:
    """The items of a list, the keys of an object, the characters of a text, counted as work."""
    if not isinstance(value, list | dict | str):
        raise LanguageError(f"`{name}` needs a list, and this is {describe(value)}.")
    meter.items(len(value))
    return value if isinstance(value, list) else list(value)


def length(meter: Meter, value: Any) -> int:
    """Items of a list, keys of an object, characters of a text."""
    if not isinstance(value, list | dict | str):
        raise LanguageError(f"{describe(value)} has no length.")
    return len(value)


def first(meter: Meter, value: Any) -> Any:
    """The first item or character. Raises LanguageError where there is none."""
    return _end(value, "first", 0)


def last(meter: Meter, value: Any) -> Any:
    """The last item or character. Raises LanguageError where there is none."""
    return _end(value, "last", -1)


def _end(value: Any, name: str, index: int) -> Any:
    if not isinstance(value, list | str):
        raise LanguageError(f"`{name}` needs a list or a text, and this is {describe(value)}.")
    if not value:
        raise LanguageError(f"`{name}` of an empty list does not exist.", kind="undefined", hint="Test it first: {{ … if list else … }}.")
    return value[index]


def join(meter: Meter, value: Any, separator: Any = "", attribute: Any = None) -> str:
    """The texts of the items, one after another, with ``separator`` between."""
    items = items_of(meter, value, "join")
    between = as_text(meter, separator)
    meter.text(len(between) * max(0, len(items) - 1))
    texts = [as_text(meter, item if attribute is None else reach(item, attribute)) for item in items]
    meter.text(sum(map(len, texts)) + len(between) * max(0, len(items) - 1))
    return between.join(texts)


def reach(item: Any, attribute: Any) -> Any:
    """``item`` at a dotted path (``"user.name"``), or at an index."""
    if not isinstance(attribute, str):
        return get(item, attribute)
    return get(item, *(int(key) if key.isdecimal() and len(key) < 10 else key for key in attribute.split(".")))


def list_(meter: Meter, value: Any) -> list[Any]:
    """A list of the items, keys or characters."""
    return list(items_of(meter, value, "list"))


def keys(meter: Meter, value: Any) -> list[Any]:
    """An object's keys, in its order."""
    return list(_object(meter, value, "keys"))


def values(meter: Meter, value: Any) -> list[Any]:
    """An object's values, in its order."""
    return list(_object(meter, value, "values").values())


def items(meter: Meter, value: Any) -> list[Any]:
    """``[key, value]`` pairs of an object."""
    return [[key, item] for key, item in _object(meter, value, "items").items()]


def dictsort(meter: Meter, value: Any) -> list[Any]:
    """``[key, value]`` pairs by key, without regard to case."""
    return sorted(items(meter, value), key=lambda pair: str(pair[0]).lower())


def _object(meter: Meter, value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LanguageError(f"`{name}` needs an object, and this is {describe(value)}.")
    meter.items(len(value))
    return value


def reverse(meter: Meter, value: Any) -> Any:
    """The items, or the text, from the end to the start."""
    if isinstance(value, str):
        meter.text(len(value))
        return value[::-1]
    return items_of(meter, value, "reverse")[::-1]


def sort(meter: Meter, value: Any, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    """By value, or by an attribute; all numbers or all texts. Equal items keep their order."""

    def key(item: Any) -> Any:
        by = item if attribute is None else reach(item, attribute)
        return by.lower() if isinstance(by, str) and not case_sensitive else by

    keyed = [(key(item), item) for item in items_of(meter, value, "sort")]
    meter.items(2 * len(keyed))  # comparing costs more than walking
    for by, _ in keyed:
        comparable(meter, keyed[0][0], by)
    return [item for _, item in sorted(keyed, key=itemgetter(0), reverse=bool(reverse))]


def unique(meter: Meter, value: Any, attribute: Any = None) -> list[Any]:
    """Without repetitions; the first of each stays."""
    kept: list[Any] = []
    seen: set[tuple[type, Any]] = set()
    for item in items_of(meter, value, "unique"):
        by = item if attribute is None else reach(item, attribute)
        mark = (bool if isinstance(by, bool) else float, by) if not isinstance(by, list | dict | str) else (str, _mark(meter, by))
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept


def _mark(meter: Meter, value: Any) -> str:
    return "s" + value if isinstance(value, str) else "j" + as_text(meter, value)


def sum_(meter: Meter, value: Any, attribute: Any = None, start: Any = 0) -> int | float:
    """The sum of the items, or of an attribute of each, on top of ``start``."""
    total = number(start, "sum")
    for item in items_of(meter, value, "sum"):
        total += number(item if attribute is None else reach(item, attribute), "sum")
    return total


def min_(meter: Meter, value: Any, attribute: Any = None) -> Any:
    """The smallest item, or the item whose attribute is smallest."""
    return _extreme(meter, value, attribute, "min")


def max_(meter: Meter, value: Any, attribute: Any = None) -> Any:
    """The largest item, or the item whose attribute is largest."""
    return _extreme(meter, value, attribute, "max")


def _extreme(meter: Meter, value: Any, attribute: Any, name: str) -> Any:
    ordered = sort(meter, value, case_sensitive=True, attribute=attribute)
    return _end(ordered, name, 0 if name == "min" else -1)


def map_(meter: Meter, value: Any, filter: Any = None, *arguments: Any, attribute: Any = None, default: Any = _UNSET) -> list[Any]:
    """Of each item the attribute, or what the named filter makes of it."""
    every = items_of(meter, value, "map")
    if attribute is not None:
        return [_reach_or(item, attribute, default) for item in every]
    apply = _one_of(FILTERS_BY_NAME, filter, "filter")
    return [apply(meter, item, *arguments) for item in every]


def _reach_or(item: Any, attribute: Any, default: Any) -> Any:
    try:
        return reach(item, attribute)
    except LanguageError:
        if default is _UNSET:
            raise
        return default


def select(meter: Meter, value: Any, test: Any = None, *arguments: Any) -> list[Any]:
    """The items that pass the named test, or that are true."""
    passes = _passing(meter, test, arguments)
    return [item for item in items_of(meter, value, "select") if passes(item)]


def reject(meter: Meter, value: Any, test: Any = None, *arguments: Any) -> list[Any]:
    """The items that ``select`` leaves out."""
    passes = _passing(meter, test, arguments)
    return [item for item in items_of(meter, value, "reject") if not passes(item)]


def selectattr(meter: Meter, value: Any, attribute: Any, test: Any = None, *arguments: Any) -> list[Any]:
    """The items whose attribute passes the named test, or is true; an item without it fails."""
    passes = _passing(meter, test, arguments)
    return [item for item in items_of(meter, value, "selectattr") if passes(_reach_or(item, attribute, None))]


def rejectattr(meter: Meter, value: Any, attribute: Any, test: Any = None, *arguments: Any) -> list[Any]:
    """The items that ``selectattr`` leaves out."""
    passes = _passing(meter, test, arguments)
    return [item for item in items_of(meter, value, "rejectattr") if not passes(_reach_or(item, attribute, None))]


def _passing(meter: Meter, test: Any, arguments: tuple[Any, ...]) -> Callable[[Any], bool]:
    if test is None:
        return bool
    check = _one_of(TESTS_BY_NAME, test, "test")
    return lambda item: bool(check(meter, item, *arguments))


def groupby(meter: Meter, value: Any, attribute: Any) -> list[Any]:
    """``[value, [items]]`` for each value of the attribute, in the order of their first appearance."""
    groups: list[list[Any]] = []
    for item in items_of(meter, value, "groupby"):
        by = reach(item, attribute)
        meter.charge(len(groups))
        group = next((one for one in groups if equal(meter, one[0], by)), None)
        if group is None:
            groups.append([by, [item]])
        else:
            group[1].append(item)
    return groups


def batch(meter: Meter, value: Any, count: Any) -> list[Any]:
    """The list in lists of ``count`` items."""
    every = items_of(meter, value, "batch")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise LanguageError(f"`batch` needs a whole number of at least 1, and this is {describe(count)}.")
    return [every[at : at + count] for at in range(0, len(every), count)]


def merge(meter: Meter, value: Any, other: Any) -> dict[str, Any]:
    """The fields of both objects; the second wins."""
    both = {**_object(meter, value, "merge"), **_object(meter, other, "merge")}
    meter.items(len(both))
    return both


def flatten(meter: Meter, value: Any) -> list[Any]:
    """Lists in a list as one list, one level deep."""
    every = items_of(meter, value, "flatten")
    meter.items(sum(len(item) if isinstance(item, list) else 1 for item in every))
    return [one for item in every for one in (item if isinstance(item, list) else [item])]


def _one_of(known: dict[str, Callable[..., Any]], name: Any, kind: str) -> Callable[..., Any]:
    if not isinstance(name, str) or name not in known:
        raise LanguageError(f"There is no {kind} {describe(name)}.", kind="undefined")
    return known[name]


# Filled by filters.py, the one list of all filters and tests: map and select take them by name.
FILTERS_BY_NAME: dict[str, Callable[..., Any]] = {}
TESTS_BY_NAME: dict[str, Callable[..., Any]] = {}
