"""Follows a path into JSON, and says what is there when it ends too early."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from trestle.language.errors import LanguageError, shorten
from trestle.language.references import Reference
from trestle.language.scope import ABSENT

Path = tuple[str | int, ...]

_JSON: Final = (str, int, float, bool, type(None), dict, list)
_SHOWN: Final = 8


def find(roots: Mapping[str, Any], path: Path) -> Any:
    """The value at ``path``; a `Reference` where that is what stands there.

    Raises LanguageError (undefined) that says which step fails and what there is instead, or Unloaded where it leads into a reference.
    """
    value: Any = roots
    try:
        for key in path:
            value = value[key]
    except (LookupError, TypeError):
        raise missing(roots, path) from None
    # A text can be indexed by number too; nothing else that Python can index is data of the language.
    if type(value) in _JSON or type(value) is Reference:
        return value
    return json_value(value)


def exists(roots: Any, path: Sequence[Any]) -> bool:
    """Whether there is a value (it may be null) at ``path``."""
    value = roots
    for key in path:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return False
    return True


def get(value: Any, *keys: Any) -> Any:
    """One step after another into a value that isn't a root."""
    found = value
    for number, key in enumerate(keys):
        if type(key) is bool or not isinstance(key, str | int):
            raise LanguageError(f"{describe(key)} can't be a key or an index.")
        try:
            found = found[key]
        except (LookupError, TypeError):
            raise absent("the value", keys[:number], found, key) from None
    return json_value(found)


def json_value(value: Any) -> Any:
    """``value`` if it is JSON; a lazy mapping becomes a dict. Raises LanguageError for anything else."""
    if type(value) in _JSON:
        return value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str | int | float | list):  # a subclass: its text or number, not its methods
        return list(value) if isinstance(value, list) else next(kind(value) for kind in (str, int, float) if isinstance(value, kind))
    raise LanguageError(f"A value of Python's type `{type(value).__name__}` is not JSON.")


def missing(roots: Mapping[str, Any], path: Path) -> LanguageError:
    """Why ``path`` has no value."""
    if path[0] not in roots:
        name = str(path[0])
        there = listing(roots)
        return LanguageError(f"`{name}` does not exist here.", kind="undefined", hint=ABSENT.get(name) or f"There is {there}.")
    value: Any = roots
    for number, key in enumerate(path):
        if type(value) is Reference:
            value = value.content
        try:
            value = value[key]
        except (LookupError, TypeError):
            return absent(str(path[0]), path[1:number], value, key)
    return LanguageError(f"`{written(str(path[0]), path[1:])}` is not JSON.")


def absent(root: str, steps: Sequence[Any], value: Any, key: Any) -> LanguageError:
    """The error for ``key`` that is not in ``value``, which is found at ``root`` and ``steps``."""
    holder, wanted = written(root, steps), written(root, [*steps, key])
    if isinstance(value, Mapping):
        kind = "no field"
        hint = suggest(key, value) if isinstance(key, str) else f"It is an object with {listing(value)}."
        hint = hint if value else f"`{holder}` is an empty object."
    elif isinstance(value, list | str) and isinstance(key, int):
        what = "list" if isinstance(value, list) else "text"
        kind, hint = "no item", f"`{holder}` is a {what} of length {len(value)}, counted from 0."
    elif isinstance(value, list):
        kind, hint = "no field", f"`{holder}` is a list of length {len(value)}: pick an item, {holder}[0], or use |map(attribute='{key}')."
    else:
        kind, hint = "no field", f"`{holder}` is {describe(value)}."
    return LanguageError(f"`{wanted}` does not exist: `{holder}` has {kind} `{key}`.", kind="undefined", hint=hint)


def suggest(name: Any, known: Iterable[Any]) -> str:
    """The nearest of ``known``, if one is near, and all of them, if they are few."""
    names = [str(one) for one in known]
    near = get_close_matches(str(name), names[:1000], n=1, cutoff=0.6) if len(str(name)) <= 100 else []
    return (f"Did you mean `{near[0]}`? " if near else "") + f"There is {listing(names)}."


def listing(names: Iterable[Any]) -> str:
    """Some of the names, for a message."""
    every = [shorten(str(name), 40) for name in names]
    if not every:
        return "nothing"
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def written(root: str, steps: Sequence[Any]) -> str:
    """A path as one writes it."""
    text = root
    for step in steps:
        plain = isinstance(step, str) and step.isidentifier()
        text += f".{step}" if plain else f"[{shorten(repr(step), 40)}]"
    return shorten(text, 120)


def describe(value: Any) -> str:
    """What kind of value it is, for a message; short, since values may be large and private."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {shorten(repr(value), 40)}"
    if isinstance(value, str):
        return f"the text {shorten(value, 30)!r}"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"
