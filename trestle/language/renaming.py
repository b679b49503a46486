"""A node gets another key: the expressions that name it follow.

Works on words, not on compiled expressions: a draft may hold texts that don't compile yet, and nothing but the name may change in
what somebody typed. The editor does the same in `renaming.js`; a test holds the two together.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_OPENING: Final = re.compile(r"\{\{|\{%")
_TOKEN: Final = re.compile(
    r"""(?P<close>-?[}%]\})|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<word>\w+)|(?P<op>[^ \t\r\n])""", re.DOTALL
)
_CONDITION: Final = "condition"
"""The field that may hold JSONLogic instead of a text."""
_READS: Final = frozenset({"var", "val", "exists", "missing", "missing_some"})


def renamed(value: Any, old: str, new: str) -> Any:
    """`value` (a config, a list of a for-each) with `nodes.old` as `nodes.new` in every expression and JSONLogic condition of it.

    Only what changes is copied. What stands outside of `{{ … }}` and `{% … %}` is never touched, nor are the keys of objects.
    """
    if isinstance(value, str):
        return _in_text(value, old, new)
    if isinstance(value, Mapping):
        changed = {
            key: _in_rule(item, old, new) if key == _CONDITION and isinstance(item, Mapping) else renamed(item, old, new)
            for key, item in value.items()
        }
        return changed if any(changed[key] is not item for key, item in value.items()) else value
    if isinstance(value, list):
        items = [renamed(item, old, new) for item in value]
        return items if any(after is not before for after, before in zip(items, value, strict=True)) else value
    return value


def _in_text(text: str, old: str, new: str) -> str:
    if old not in text:
        return text
    pieces: list[str] = []
    kept = 0
    for start, end in _named(text, old):
        pieces += [text[kept:start], new]
        kept = end
    return "".join([*pieces, text[kept:]]) if pieces else text


def _named(text: str, key: str) -> list[tuple[int, int]]:
    """Where `key` stands in `text` as the name of a node: `nodes.key` or `nodes["key"]`, within an expression."""
    found: list[tuple[int, int]] = []
    at = 0
    while opening := _OPENING.search(text, at):
        closing = "}}" if opening.group() == "{{" else "%}"
        at, depth = opening.end(), 0
        before = ["", "", ""]  # the last three words
        while True:
            match = _TOKEN.search(text, at)
            if match is None or match.group() in ("'", '"'):
                return found  # never closed: nobody knows where it ends
            kind, word, at = match.lastgroup, match.group(), match.end()
            if kind == "close":
                if word.endswith(closing) and not depth:
                    break
                word, at = word[0], match.start() + 1  # of two objects, or a minus or a percent before a bracket
            if word in ("(", "[", "{"):
                depth += 1
            elif word in (")", "]", "}"):
                depth = max(0, depth - 1)
            if before[1] == "nodes" and before[0] != ".":
                if kind == "word" and before[2] == "." and word == key:
                    found.append(match.span())
                if kind == "text" and before[2] == "[" and word[1:-1] == key:
                    found.append((match.start() + 1, match.end() - 1))
            before = [*before[1:], word]
    return found


def _in_rule(rule: Any, old: str, new: str) -> Any:
    """A JSONLogic rule: the paths that its `var`, `val`, `exists`, `missing` and `missing_some` read."""
    if isinstance(rule, list):
        parts = [_in_rule(part, old, new) for part in rule]
        return parts if any(after is not before for after, before in zip(parts, rule, strict=True)) else rule
    if not isinstance(rule, Mapping):
        return rule
    changed = {name: (_in_paths if name in _READS else _in_rule)(item, old, new) for name, item in rule.items()}
    return changed if any(changed[name] is not item for name, item in rule.items()) else rule


def _in_paths(paths: Any, old: str, new: str) -> Any:
    if isinstance(paths, str):
        return f"nodes.{new}{paths[6 + len(old) :]}" if f"{paths}.".startswith(f"nodes.{old}.") else paths
    if not isinstance(paths, list):
        return _in_rule(paths, old, new)
    if paths[:2] == ["nodes", old]:  # the steps of one path
        return ["nodes", new, *paths[2:]]
    parts = [_in_paths(part, old, new) for part in paths]
    return parts if any(after is not before for after, before in zip(parts, paths, strict=True)) else paths
