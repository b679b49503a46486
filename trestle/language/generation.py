"""Writes the code that the virtual machine runs: calls of guard functions, and tables for what they refer to by number."""

from dataclasses import dataclass, field
from typing import Any, Final

from trestle.language.cursor import Cursor, syntax
from trestle.language.errors import LanguageError
from trestle.language.lookup import Path, suggest

MAX_ARGUMENTS: Final = 200  # of one call in minijinja
LOOP: Final = ("index", "index0", "first", "last", "length", "revindex", "revindex0")


@dataclass(slots=True)
class Tables:
    """What generated code refers to by number."""

    paths: list[Path] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    used: set[Path] = field(default_factory=set)

    def constant(self, value: Any) -> str:
        """Code that stands for ``value``."""
        self.constants.append(value)
        return f"_c({len(self.constants) - 1})"

    def path(self, path: Path) -> int:
        """The number under which the code refers to ``path``."""
        if path not in self.paths:
            self.paths.append(path)
        return self.paths.index(path)


@dataclass(slots=True)
class Part:
    """A translated operand: code, or still a bare path, which only its reader can give a meaning (``is defined`` may miss)."""

    code: str = ""
    path: Path | None = None  # from a root of the scope
    local: Path | None = None  # from a loop's or a set's own name


class Generator(Cursor):
    """Turns parsed parts into code."""

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self.tables = tables

    def _code(self, part: Part) -> str:
        if part.path is not None:
            self.tables.used.add(part.path)
            return f"_p({self.tables.path(part.path)})"
        if part.local is None:
            return part.code
        if part.local[0] == "loop":
            if len(part.local) == 1:
                raise syntax("`loop` is not a value.", suggest("", LOOP))
            return f"loop.{part.local[1]}"
        keys = [self._constant(key) for key in part.local[1:]]
        return self._call("_get", [f"v_{part.local[0]}", *keys]) if keys else f"v_{part.local[0]}"

    def _exists(self, part: Part) -> str:
        """Code that says whether ``part`` is there; empty if it always is."""
        if part.path is not None:
            self.tables.used.add(part.path)
            return f"_has({self.tables.path(part.path)})"
        if part.local is not None and len(part.local) > 1 and part.local[0] != "loop":
            return self._call("_holds", [f"v_{part.local[0]}", *(self._constant(key) for key in part.local[1:])])
        return ""

    def _constant(self, value: str | int | float) -> str:
        if isinstance(value, int) and 0 <= value < 2**63:
            return str(value)
        if isinstance(value, str) and value.isascii() and value.isalnum():
            return f"'{value}'"
        return self.tables.constant(value)

    def _call(self, function: str, arguments: list[str]) -> str:
        if len(arguments) > MAX_ARGUMENTS:
            raise LanguageError(f"A list or a call may hold {MAX_ARGUMENTS} values.", kind="limit")
        return f"{function}({', '.join(arguments)})"
