"""Reads the tokens of one expression: what the translator and nothing else stands on."""

import math
from collections.abc import Callable
from typing import TypeVar

from trestle.language.errors import LanguageError
from trestle.language.lexer import Segment, Token
from trestle.language.limits import MAX_NESTING

Parsed = TypeVar("Parsed")


class Cursor:
    """The tokens of one segment and how far they are read."""

    def __init__(self) -> None:
        self._tokens: tuple[Token, ...] = ()
        self._at = 0
        self._depth = 0

    def _start(self, segment: Segment) -> None:
        self._tokens, self._at, self._depth = segment.tokens, 0, 0
        if len(self._tokens) == 1:
            raise syntax(f"`{segment.text}` is empty.", "Literal braces are written {{ '{{' }}.")

    def _nested(self, parse: Callable[[], Parsed]) -> Parsed:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise LanguageError(f"The expression is nested deeper than {MAX_NESTING} levels.", kind="limit")
        value = parse()
        self._depth -= 1
        return value

    def _peek(self, kind: str, value: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == kind and token.value == value

    def _take(self, kind: str, value: str) -> bool:
        found = self._peek(kind, value)
        self._at += found
        return found

    def _name(self, what: str) -> str:
        token = self._tokens[self._at]
        if token.kind != "name":
            raise syntax(f"The name of {what} is missing.")
        self._at += 1
        return token.value

    def _expect(self, value: str) -> None:
        if not self._take("op", value):
            found = self._tokens[self._at].value
            raise syntax(f"`{value}` is missing before `{found}`." if found else f"`{value}` is missing at the end.")

    def _expect_end(self) -> None:
        token = self._tokens[self._at]
        if token.kind != "end":
            raise syntax(f"`{token.value}` is not expected here.", "Texts are written in quotes; texts are joined with ~.")


def integer(digits: str) -> int:
    """A whole number; Python would take a second over a million digits."""
    if len(digits) > 300:
        raise LanguageError("The number has more than 300 digits.", kind="limit")
    return int(digits)


def float_(digits: str) -> float:
    """A finite number."""
    value = float(digits)
    if not math.isfinite(value):
        raise LanguageError(f"The number {digits} is too large.", kind="limit")
    return value


def syntax(message: str, hint: str = "") -> LanguageError:
    """An error of writing."""
    return LanguageError(message, kind="syntax", hint=hint)
