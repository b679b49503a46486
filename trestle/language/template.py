"""A node's whole config: fields in fields, some with expressions, some literal."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from trestle.language.errors import LanguageError
from trestle.language.expressions import Expression, compile_expression
from trestle.language.lexer import has_markup
from trestle.language.lookup import Path
from trestle.language.scope import Scope

_Render = Callable[[Scope], Any]
_MAX_DEPTH = 100  # of a config; what the API accepts


class Template:
    """A compiled config. Immutable; may be shared by threads. Made by ``compile_config``."""

    __slots__ = ("_names", "_render")

    def __init__(self, render: _Render, names: frozenset[str]) -> None:
        self._render = render
        self._names = names

    def render(self, scope: Scope) -> Any:
        """The config with every expression replaced by its value. Raises LanguageError that names the field.

        What has no expression in it, and values that are passed on whole, are not copied: treat the result as read-only.
        """
        return self._render(scope)

    def names(self) -> set[str]:
        """What the config mentions: roots (``payload``), and for a certain node ``nodes.<key>`` (``nodes`` alone: any node)."""
        return set(self._names)


def has_expression(value: Any) -> bool:
    """Whether there is an expression in ``value``, or anywhere in it. Keys of objects are never expressions."""
    if isinstance(value, str):
        return has_markup(value)
    if isinstance(value, Mapping):
        return any(has_expression(item) for item in value.values())
    return isinstance(value, list) and any(has_expression(item) for item in value)


def compile_config(config: Mapping[str, Any], *, static: Collection[str] = ()) -> Template:
    """Compile every expression in ``config``. Raises the first LanguageError; ``check_config`` finds all.

    ``static`` names what is literal: names of top-level fields, or JSON pointers in which ``*`` stands for any one step
    (``/cases/*/label``); everything beneath is literal too.
    """
    compiling = _Compiling(static)
    render = compiling.value(config, ())
    if compiling.errors:
        raise compiling.errors[0]
    return Template(render or (lambda scope: config), frozenset(names_of(compiling.paths)))


def check_config(config: Mapping[str, Any], *, static: Collection[str] = ()) -> list[LanguageError]:
    """Everything wrong with the expressions of ``config``, each error with the JSON pointer of its ``field``."""
    compiling = _Compiling(static)
    compiling.value(config, ())
    return compiling.errors


def names_of(paths: Collection[Path]) -> set[str]:
    """The roots of ``paths``, and for nodes the key as well: ``{"payload", "nodes.fetch"}``."""
    return {f"nodes.{path[1]}" if path[0] == "nodes" and len(path) > 1 else str(path[0]) for path in paths}


def pointer(steps: tuple[str, ...]) -> str:
    """The JSON pointer (RFC 6901) of a field."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


class _Compiling:
    def __init__(self, static: Collection[str]) -> None:
        self.errors: list[LanguageError] = []
        self.paths: set[Path] = set()
        self._static = [
            tuple(step.replace("~1", "/").replace("~0", "~") for step in name[1:].split("/")) if name.startswith("/") else (name,)
            for name in static
        ]

    def value(self, value: Any, steps: tuple[str, ...]) -> _Render | None:
        """How to render ``value``; None if it is literal throughout."""
        if self._is_static(steps):
            return None
        if isinstance(value, str):
            return self._text(value, steps) if has_markup(value) else None
        if len(steps) > _MAX_DEPTH:
            self.errors.append(LanguageError(f"The config is nested deeper than {_MAX_DEPTH} levels.", kind="limit", field=pointer(steps)))
            return None
        if isinstance(value, Mapping):
            return _fields(dict(value), {key: self.value(item, (*steps, str(key))) for key, item in value.items()})
        if isinstance(value, list):
            return _items(list(value), [self.value(item, (*steps, str(index))) for index, item in enumerate(value)])
        return None

    def _is_static(self, steps: tuple[str, ...]) -> bool:
        return any(
            len(name) == len(steps) and all(want in ("*", step) for want, step in zip(name, steps, strict=True)) for name in self._static
        )

    def _text(self, text: str, steps: tuple[str, ...]) -> _Render | None:
        field = pointer(steps)
        try:
            expression: Expression = compile_expression(text)
        except LanguageError as error:
            self.errors.append(error.at(field, text))
            return None
        self.paths |= expression.paths
        return lambda scope: expression.render(scope, field=field)


def _fields(literal: dict[str, Any], renders: dict[str, _Render | None]) -> _Render | None:
    live = [(key, render) for key, render in renders.items() if render is not None]
    if not live:
        return None
    # Updating a copy keeps the order of the fields.
    return lambda scope: {**literal, **{key: render(scope) for key, render in live}}


def _items(literal: list[Any], renders: list[_Render | None]) -> _Render | None:
    if not any(renders):
        return None
    pairs = list(zip(literal, renders, strict=True))
    return lambda scope: [item if render is None else render(scope) for item, render in pairs]
