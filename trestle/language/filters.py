"""The one list of filters. ``default`` is not here: only the translator can let its operand be undefined."""

from collections.abc import Callable
from typing import Any, Final

from trestle.language import lists, numbers, texts
from trestle.language.functions import TESTS

FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "abs": numbers.abs_,
    "b64decode": texts.b64decode,
    "b64encode": texts.b64encode,
    "batch": lists.batch,
    "bool": numbers.bool_,
    "capitalize": texts.capitalize,
    "count": lists.length,
    "date": numbers.date,
    "dictsort": lists.dictsort,
    "e": texts.escape,
    "escape": texts.escape,
    "first": lists.first,
    "flatten": lists.flatten,
    "float": numbers.float_,
    "fromjson": texts.fromjson,
    "groupby": lists.groupby,
    "indent": texts.indent,
    "int": numbers.int_,
    "items": lists.items,
    "join": lists.join,
    "keys": lists.keys,
    "last": lists.last,
    "length": lists.length,
    "lines": texts.lines,
    "list": lists.list_,
    "lower": texts.lower,
    "map": lists.map_,
    "max": lists.max_,
    "merge": lists.merge,
    "min": lists.min_,
    "reject": lists.reject,
    "rejectattr": lists.rejectattr,
    "replace": texts.replace,
    "reverse": lists.reverse,
    "round": numbers.round_,
    "select": lists.select,
    "selectattr": lists.selectattr,
    "shift": numbers.shift,
    "sort": lists.sort,
    "split": texts.split,
    "string": texts.string,
    "striptags": texts.striptags,
    "sum": lists.sum_,
    "timestamp": numbers.timestamp,
    "title": texts.title,
    "tojson": texts.tojson,
    "trim": texts.trim,
    "truncate": texts.truncate,
    "unique": lists.unique,
    "upper": texts.upper,
    "urlencode": texts.urlencode,
    "values": lists.values,
}

lists.FILTERS_BY_NAME.update((name, function) for name, function in FILTERS.items() if name != "map")
lists.TESTS_BY_NAME.update(TESTS)
