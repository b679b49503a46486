"""What can be wrong with an expression: one error, which says where, what, and what to do."""

from typing import Literal

Kind = Literal["syntax", "undefined", "type", "limit"]


class LanguageError(Exception):
    """An expression that can't be compiled, or that failed on this data.

    ``kind`` is ``syntax`` (can't be compiled), ``undefined`` (a name that isn't there), ``type`` (a value that doesn't fit)
    or ``limit`` (too large or too long). ``field`` is the JSON pointer of the config field, ``""`` for a lone expression;
    ``expression`` the text as it was written; ``hint`` what to do about it, when that is known.
    """

    def __init__(self, message: str, *, kind: Kind = "type", field: str = "", expression: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind: Kind = kind
        self.field = field
        self.expression = expression
        self.hint = hint

    def at(self, field: str, expression: str) -> "LanguageError":
        """The same error, told where it happened; what is known already stays."""
        return LanguageError(
            self.message, kind=self.kind, field=self.field or field, expression=self.expression or expression, hint=self.hint
        )

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        what = f" In: {shorten(self.expression)}" if self.expression else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{where}{self.message}{hint}{what}"


def shorten(text: str, limit: int = 200) -> str:
    """``text`` on one line, at most ``limit`` characters of it."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
