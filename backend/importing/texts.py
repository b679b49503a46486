"""Texts with `{{payload.field}}` in them. The syntax is the same here; what would read differently is written so that it doesn't."""

import re
from collections.abc import Iterator
from typing import Any

from trestle.language import LanguageError, compile_expression

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH = re.compile(r"payload(?:\.[^.\s{}()\[\]'\"|]+)*")
_NAME = re.compile(r"[A-Za-z_]\w*|0|[1-9]\d*", re.ASCII)
_INDEX = re.compile(r"0|[1-9]\d*", re.ASCII)
_BRACES = re.compile(r"\{[%#]")


def places(text: str, start: int = 0) -> "Iterator[re.Match[str]]":
    """Every `{{ … }}` of the text from there on. Behind the last `}}` there is none: a text full of `{{` would be searched for ever."""
    return _PLACE.finditer(text, start, text.rfind("}}") + 2)


def carried(value: Any) -> Any:
    """`value` with every text in it carried over. Names of fields are no texts."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [carried(part) for part in value]
    if isinstance(value, dict):
        return {name: carried(part) for name, part in value.items()}
    return value


def text(value: str) -> str:
    """A text with templates: `{{payload.first-name}}` becomes `{{ payload['first-name'] }}`, and `{%` stays two characters."""
    pieces, end = [], 0
    for match in places(value):
        pieces += [_literal(value[end : match.start()]), _expression(match)]
        end = match.end()
    return "".join([*pieces, _literal(value[end:])])


def path_of(value: Any) -> str | None:
    """The expression (`payload.score`) where the text is one `{{path}}` and nothing else."""
    match = _PLACE.fullmatch(value.strip()) if isinstance(value, str) else None
    inner = match[1].strip() if match else ""
    return _bracketed(inner) if _PATH.fullmatch(inner) else None


def _expression(match: "re.Match[str]") -> str:
    inner = match[1].strip()
    if not _PATH.fullmatch(inner):
        return match[0]  # whatever else it is: publishing says where it can't be read
    exact = _bracketed(inner)
    return match[0] if exact == inner else f"{{{{ {exact} }}}}"


def _bracketed(path: str) -> str:
    root, *steps = path.split(".")
    if all(_NAME.fullmatch(step) for step in steps) and compiles(path):
        return path
    return root + "".join(f"[{step}]" if _INDEX.fullmatch(step) else f"['{_escaped(step)}']" for step in steps)


def _escaped(step: str) -> str:
    return step.replace("\\", "\\\\")


def compiles(path: str) -> bool:
    """Whether this can be read as an expression."""
    try:
        compile_expression(f"{{{{ {path} }}}}")
    except LanguageError:
        return False
    return True


def _literal(piece: str) -> str:
    return _BRACES.sub(lambda match: f"{{{{ '{match[0]}' }}}}", piece)
