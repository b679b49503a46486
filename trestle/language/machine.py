"""The virtual machine: minijinja, with nothing in it but the guard functions that translated code calls.

One machine a thread: minijinja locks an environment while it renders and calls back into Python, so a second thread that
compiles into the same one would wait for ever.
"""

import functools
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import minijinja

from trestle.language import operators
from trestle.language.errors import LanguageError
from trestle.language.filters import FILTERS
from trestle.language.functions import FUNCTIONS, TESTS
from trestle.language.limits import FUEL, Meter
from trestle.language.lists import items_of
from trestle.language.lookup import Path, describe, exists, find, get
from trestle.language.references import Reference, whole

_MAX_LOADED: Final = 1024
_EXACT: Final = 2**127  # minijinja's integers end here; larger ones would become floats

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Program:
    """Translated code and the tables it refers to."""

    source: str
    paths: tuple[Path, ...]
    constants: tuple[Any, ...]
    name: str = field(default_factory=lambda: f"program {next(_numbers)}")


class Box:
    """A number that minijinja would change (a float loses its point, a long integer its digits) on its way through."""

    __slots__ = ("value",)

    def __init__(self, value: int | float) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return bool(self.value)


def boxed(value: Any) -> Any:
    """``value`` as it may enter minijinja."""
    if isinstance(value, float) or (isinstance(value, int) and not -_EXACT < value < _EXACT):
        return Box(value)
    return value


class Machine:
    """Loads programs, and runs one at a time."""

    def __init__(self) -> None:
        self._roots: Mapping[str, Any] = {}
        self._program = Program("", (), ())
        self._references = False
        self._meter = Meter()
        self._kept: Any = None
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._environment = minijinja.Environment(
            fuel=FUEL, undefined_behavior="strict", pycompat=False, debug=False, keep_trailing_newline=True
        )
        for name in list(self._environment.globals):
            self._environment.remove_global(name)
        for name, function in self._guards().items():
            self._environment.add_global(name, function)

    def _guards(self) -> dict[str, Callable[..., Any]]:
        metered: dict[str, Callable[..., Any]] = {
            "_chain": operators.chain,
            "_compare": operators.compare,
            "_slice": operators.slice_of,
            **{f"f_{name}": function for name, function in FILTERS.items()},
            **{f"g_{name}": function for name, function in FUNCTIONS.items()},
            **{f"t_{name}": function for name, function in TESTS.items()},
        }
        plain: dict[str, Callable[..., Any]] = {
            "_c": lambda number: self._program.constants[number],
            "_p": self._path,
            "_has": lambda number: exists(self._roots, self._program.paths[number]),
            "_holds": lambda value, *keys: exists(value, keys),
            "_get": lambda value, *keys: self._taken(get(value, *keys)),
            "_negative": operators.negative,
            "_positive": operators.positive,
            "_list": self._list,
            "_dict": self._dict,
            "_iter": self._iter,
            "_keep": self._keep,
            "_out": self._out,
            "_literal": self._literal,
        }
        return {name: _guard(function) for name, function in plain.items()} | {
            name: _guard(self._metered(function)) for name, function in metered.items()
        }

    def _metered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **named: function(self._meter, *arguments, **named)

    def _path(self, number: int) -> Any:
        value = find(self._roots, self._program.paths[number])
        return self._taken(whole(value) if self._references or type(value) is Reference else value)

    def _taken(self, value: Any) -> Any:
        # minijinja copies a text each time it gets it; a list or an object it only refers to.
        if isinstance(value, str):
            self._meter.charge(len(value))
        return value

    def _list(self, *items: Any) -> list[Any]:
        self._meter.items(len(items))
        return list(items)

    def _dict(self, *pairs: Any) -> dict[str, Any]:
        self._meter.items(len(pairs))
        made = dict(zip(pairs[::2], pairs[1::2], strict=True))
        for key in made:
            if not isinstance(key, str):
                raise LanguageError(f"A key of an object is a text, and this is {describe(key)}.", hint="Write it in quotes.")
        return made

    def _iter(self, value: Any, names: int) -> list[Any]:
        items = items_of(self._meter, value, "for")
        if names == 1:
            return [boxed(item) for item in items]
        for item in items:
            if not isinstance(item, list) or len(item) != names:
                raise LanguageError(f"`for` has {names} names, and an item is {describe(item)}.", hint="Pairs of an object: object|items.")
        return [[boxed(part) for part in item] for item in items]

    def _keep(self, value: Any) -> str:
        if isinstance(value, list | dict):
            self._meter.weigh(value)
        self._kept = value
        return ""

    def _out(self, value: Any) -> str:
        text = operators.as_text(self._meter, value)
        self._meter.emit(len(text))
        return text

    def _literal(self, number: int) -> str:
        text: str = self._program.constants[number]
        self._meter.emit(len(text))
        return text

    def load(self, program: Program) -> None:
        """Compile the program, unless it is loaded. Raises LanguageError (syntax)."""
        if program.name in self._loaded:
            self._loaded.move_to_end(program.name)
            return
        try:
            self._environment.add_template(program.name, program.source)
        except minijinja.TemplateError as error:
            raise _told(error) from None
        self._loaded[program.name] = None
        if len(self._loaded) > _MAX_LOADED:
            self._environment.remove_template(self._loaded.popitem(last=False)[0])

    def text(self, program: Program, roots: Mapping[str, Any], *, references: bool = False) -> str:
        """What the program writes. `references`: some may stand in `roots`. Raises LanguageError, Unloaded."""
        self.load(program)
        self._roots, self._program, self._meter, self._references = roots, program, Meter(), references
        try:
            return self._environment.render_template(program.name)
        except minijinja.TemplateError as error:
            raise _told(error) from None
        except RecursionError:
            raise LanguageError("The data is nested too deeply for this expression.", kind="limit") from None
        finally:
            self._roots = {}

    def value(self, program: Program, roots: Mapping[str, Any], *, references: bool = False) -> Any:
        """What the program keeps: the value of its one expression. Raises LanguageError, Unloaded."""
        try:
            self.text(program, roots, references=references)
            return self._kept
        finally:
            self._kept = None


def _guard(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        given = [one.value if type(one) is Box else one for one in arguments]
        try:
            if named:
                made = function(*given, **{name: one.value if type(one) is Box else one for name, one in named.items()})
            else:
                made = function(*given)
        except TypeError as error:
            # Python checks the number and the names of a filter's arguments.
            raise LanguageError(f"The arguments don't fit: {str(error).rpartition('() ')[2]}.") from None
        return boxed(made)

    return guarded


def _told(error: minijinja.TemplateError) -> LanguageError:
    """minijinja's own errors: little is left to it, so there are few."""
    if error.kind == "OutOfFuel":
        return LanguageError("The expression takes too many steps.", kind="limit", hint="Loop over fewer items, or use a node for it.")
    if error.kind == "SyntaxError":
        deep = "recursion" in str(error.message)
        said = str(error.detail or error.message).removeprefix("syntax error: ").partition(" (in ")[0]
        message = "The expression is nested too deeply." if deep else f"The blocks don't fit together: {said}."
        return LanguageError(message, kind="limit" if deep else "syntax", hint="" if deep else "Each {% if %} and {% for %} needs its end.")
    if error.kind == "UndefinedError":
        return LanguageError("A name that is set in only one branch is used.", kind="undefined")
    return LanguageError(f"The expression failed: {error.message}.")


_local = threading.local()


def machine() -> Machine:
    """This thread's machine."""
    found: Machine | None = getattr(_local, "machine", None)
    if found is None:
        found = _local.machine = Machine()
    return found
