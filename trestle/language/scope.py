"""What an expression can see: JSON, under a fixed list of names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

ROOTS: Final = ("payload", "trigger", "input", "nodes", "item", "index", "vars", "execution", "workflow", "now")

# Why a name of the language may be absent from a scope: said in the error.
ABSENT: Final = {
    "item": "`item` exists only in a node that runs for each item of a list.",
    "index": "`index` exists only in a node that runs for each item of a list.",
}


class _Missing:
    """Marks a name that this scope does not have (None is a value)."""


MISSING: Final = _Missing()


class Scope:
    """The names an expression can use, each JSON (``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``).

    Nothing is copied or frozen: no operation of the language can change a value or call it, and none reaches an attribute.
    ``nodes`` (by node key) and ``vars`` (by name) may be any Mapping, so that their values can be decoded when first asked for.
    A name that is left out is undefined, except ``now``, an RFC 3339 text in UTC: the moment the scope was made.
    Values that an expression passes on whole are the scope's own objects: treat them as read-only.
    ``references`` says that a `Reference` may stand somewhere in the values: only then are they looked for.
    """

    __slots__ = ("references", "roots")

    def __init__(
        self,
        *,
        payload: Any = MISSING,
        trigger: Any = MISSING,
        input: Any = MISSING,
        nodes: Mapping[str, Any] | _Missing = MISSING,
        item: Any = MISSING,
        index: int | _Missing = MISSING,
        vars: Mapping[str, Any] | _Missing = MISSING,
        execution: Any = MISSING,
        workflow: Any = MISSING,
        now: str | datetime | None = None,
        references: bool = False,
    ) -> None:
        self.references = references
        given = (payload, trigger, input, nodes, item, index, vars, execution, workflow, moment(now))
        self.roots: dict[str, Any] = {name: value for name, value in zip(ROOTS, given, strict=True) if value is not MISSING}

    def with_item(self, item: Any, index: int) -> "Scope":
        """The same scope seen from one item of a for-each; the values are shared."""
        scope = Scope.__new__(Scope)
        scope.references = self.references
        scope.roots = {**self.roots, "item": item, "index": index}
        return scope


def moment(now: str | datetime | None) -> str:
    """``now`` as RFC 3339 text with a zone; the present in UTC if it isn't given."""
    if isinstance(now, str):
        return now
    return (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
