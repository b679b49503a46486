"""Large values that lie elsewhere: a `Reference` stands in their place until somebody looks inside.

A field that is only a path hands the reference on. Whatever looks inside of the value or computes with it gets all of it, or raises
`Unloaded`, which names what is missing: whoever rendered loads that and renders again. No reference ever enters the virtual machine.
Data can't forge one: it is an object of Python's, and JSON has none.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

_NOTHING: Final[Mapping[UUID, Any]] = {}


class Reference:
    """A large value: which, how large (bytes), and what it is (`application/json`: JSON; else bytes of that type).

    `opened` holds the values, by id, that are loaded at the moment.
    """

    __slots__ = ("_opened", "id", "media_type", "size")

    def __init__(self, id: UUID, size: int, media_type: str, opened: Mapping[UUID, Any] = _NOTHING) -> None:
        self.id = id
        self.size = size
        self.media_type = media_type
        self._opened = opened

    @property
    def loaded(self) -> bool:
        """Whether its value is here."""
        return self.id in self._opened

    @property
    def content(self) -> Any:
        """The value. Raises Unloaded."""
        try:
            return self._opened[self.id]
        except KeyError:
            raise Unloaded([self]) from None

    def __getitem__(self, key: Any) -> Any:
        return self.content[key]

    def __repr__(self) -> str:
        return f"Reference({self.id}, {self.size} bytes, {self.media_type})"


class Unloaded(Exception):  # a request rather than an error: whoever renders loads, and renders again
    """Something looks inside of values that aren't loaded: `references`."""

    def __init__(self, references: Iterable[Reference]) -> None:
        self.references = list(references)
        super().__init__(f"{len(self.references)} large values are not loaded")


def references_in(value: Any) -> list[Reference]:
    """Every reference in `value`, itself included."""
    if type(value) is Reference:
        return [value]
    found: list[Reference] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        for inner in one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ():
            if type(inner) is Reference:
                found.append(inner)
            elif isinstance(inner, Mapping | list):
                waiting.append(inner)
    return found


def whole(value: Any) -> Any:
    """`value` with every large value in its place: the same object where it has none. Raises Unloaded, which names all that lack."""
    found = references_in(value)
    if not found:
        return value
    require(found)
    return replaced(value, lambda reference: reference.content)


def require(references: Collection[Reference]) -> None:
    """Raises Unloaded unless all of them are loaded."""
    missing = {reference.id: reference for reference in references if not reference.loaded}
    if missing:
        raise Unloaded(missing.values())


def replaced(value: Any, instead: Callable[[Reference], Any]) -> Any:
    """`value` with what `instead` says in the place of each reference. Only what holds one is copied."""
    if type(value) is Reference:
        return instead(value)
    if not references_in(value):
        return value
    if isinstance(value, Mapping):
        return {key: replaced(inner, instead) for key, inner in value.items()}
    return [replaced(inner, instead) for inner in value]


def put(value: Any, pointer: str, reference: Reference) -> Any:
    """The value, changed: with the reference where the JSON pointer says."""
    if not pointer:
        return reference
    *way, last = (name.replace("~1", "/").replace("~0", "~") for name in pointer[1:].split("/"))
    holder = value
    for name in way:
        holder = holder[int(name)] if isinstance(holder, list) else holder[name]
    holder[int(last) if isinstance(holder, list) else last] = reference
    return value


def taken_out(value: Any, into: dict[str, Reference], pointer: str = "") -> Any:
    """The value with null in the place of each reference; which it was goes `into`, by JSON pointer."""
    if type(value) is Reference:
        into[pointer] = value
        return None
    if isinstance(value, dict):
        return {key: taken_out(inner, into, f"{pointer}/{pointer_step(key)}") for key, inner in value.items()}
    if isinstance(value, list):
        return [taken_out(inner, into, f"{pointer}/{place}") for place, inner in enumerate(value)]
    return value


def pointer_step(key: Any) -> str:
    """A key as a part of a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")
