"""Cuts a field's text into literal text, ``{{ … }}`` and ``{% … %}``, and these into tokens."""

import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from trestle.language.errors import LanguageError
from trestle.language.limits import MAX_SOURCE

TokenKind = Literal["name", "text", "int", "float", "op", "end"]
SegmentKind = Literal["literal", "output", "statement"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression; ``value`` is the decoded text of a string, else the word as written."""

    kind: TokenKind
    value: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a field: literal ``text``, or the ``tokens`` (closed by an ``end``) of an output or a statement."""

    kind: SegmentKind
    text: str
    tokens: tuple[Token, ...] = ()


_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<close>-?[}%]\})
    | (?P<float>\d+(?:_\d+)*(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+))
    | (?P<int>\d+(?:_\d+)*)
    | (?P<name>[^\W\d]\w*)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<op>\*\*|//|==|!=|<=|>=|[-+*/%~<>=|.,:()\[\]{}])
    )""",
    re.VERBOSE | re.DOTALL,
)
_OPENING: Final = re.compile(r"\{\{|\{%")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


def has_markup(text: str) -> bool:
    """Whether ``text`` holds anything to evaluate."""
    return "{{" in text or "{%" in text


def split(source: str) -> list[Segment]:
    """The segments of a field's text. Raises LanguageError (syntax, limit)."""
    if len(source) > MAX_SOURCE:
        raise LanguageError(
            f"The text has {len(source)} characters, and a text with expressions may have {MAX_SOURCE}.",
            kind="limit",
            hint="Move long literal text into a variable and name it: {{ vars.NAME }}.",
        )
    segments: list[Segment] = []
    at, strip_next = 0, False
    while at < len(source):
        opening = _OPENING.search(source, at)
        text = source[at : opening.start()] if opening else source[at:]
        if strip_next:
            text = text.lstrip()
        if opening is None:
            if text:
                segments.append(Segment("literal", text))
            break
        start = opening.end()
        if source.startswith("-", start):  # {{- trims the text before it
            start += 1
            text = text.rstrip()
        if text:
            segments.append(Segment("literal", text))
        tokens, at, strip_next = _tokens(source, start, closing="}}" if opening.group() == "{{" else "%}")
        kind: SegmentKind = "output" if opening.group() == "{{" else "statement"
        segments.append(Segment(kind, source[opening.start() : at], tuple(tokens)))
    return segments


def _tokens(source: str, at: int, *, closing: str) -> tuple[list[Token], int, bool]:
    """The tokens from ``at`` to ``closing``, where the text goes on, and whether it loses its leading space."""
    tokens: list[Token] = []
    open_brackets: list[str] = []
    while True:
        match = _TOKEN.match(source, at)
        if match is None:
            _fail_at(source, at, closing)
        kind, word = match.lastgroup, match.group(match.lastgroup or 0)
        if kind == "close":
            if word.endswith(closing) and not open_brackets:
                tokens.append(Token("end", ""))
                return tokens, match.end(), word.startswith("-")
            word, kind = word[0], "op"  # }} that closes two dicts, or a minus or a percent before a bracket
        at = match.start(match.lastgroup or 0) + len(word)
        if kind == "text":
            tokens.append(Token("text", _decode(word[1:-1])))
        elif kind == "op":
            if word in "([{":
                open_brackets.append(word)
            elif word in _PAIRS and not open_brackets:
                raise LanguageError(f"`{word}` closes nothing.", kind="syntax")
            elif word in _PAIRS and (opened := open_brackets.pop()) != _PAIRS[word]:
                raise LanguageError(f"`{_CLOSING[opened]}` is missing before `{word}`.", kind="syntax")
            tokens.append(Token("op", word))
        elif kind == "int" or kind == "float":
            tokens.append(Token("int" if kind == "int" else "float", word.replace("_", "")))
        else:
            tokens.append(Token("name", word))


def _fail_at(source: str, at: int, closing: str) -> NoReturn:
    rest = source[at:].lstrip()
    if not rest:
        opening = "{{" if closing == "}}" else "{%"
        raise LanguageError(
            f"`{opening}` is not closed by `{closing}`.", kind="syntax", hint=f"Literal braces are written {{{{ '{opening}' }}}}."
        )
    if rest[0] in "'\"":
        raise LanguageError(f"A text opened by {rest[0]} is not closed.", kind="syntax")
    raise LanguageError(f"`{rest[0]}` has no meaning in an expression.", kind="syntax")


def _decode(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code[1:], 16)) if code[0] in "ux" and len(code) > 1 else _ESCAPES.get(code, code)

    if "\\" not in text:
        return text
    # A pair of \u escapes may spell one character outside the basic plane; a lone half can't be encoded.
    return _ESCAPE.sub(one, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
