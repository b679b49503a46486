"""What n8n's parameters say: texts, and those that begin with `=` and hold JavaScript in `{{ }}`.

A plain path to data has its counterpart here. All else stays as it was written, and is told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backend.importing.sheet import Sheet
from backend.importing.texts import compiles

Kind = Literal["webhook", "http", "plain", "unsure"]
"""What a node puts out there, compared with here.

webhook: `{headers, query, body}`, which is `trigger` and `payload`; http: the response's body alone; plain: the same; unsure: several.
"""
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STEP = r"""\.[A-Za-z_]\w*|\[\s*(?:'[^'\\]*'|"[^"\\]*"|\d+)\s*\]"""
_READ = re.compile(
    r"""(?:\$json|\$input\.(?:item|first\(\))\.json
    |\$\(\s*(?P<q>['"])(?P<name>.+?)(?P=q)\s*\)\.(?:item|first\(\))\.json
    |\$node\[\s*(?P<p>['"])(?P<old>.+?)(?P=p)\s*\]\.json)"""
    rf"(?P<steps>(?:{_STEP})*)",
    re.VERBOSE,
)
_OWN = re.compile(r"\$(execution\.id|workflow\.id|workflow\.name|vars\.[A-Za-z_]\w*)")
_BRACES = re.compile(r"\{[{%#]")
_METHODS = frozenset({"length"})  # a property of JavaScript's own, not of the data


@dataclass(frozen=True)
class Source:
    """A node that data is read from."""

    key: str
    kind: Kind


class Reader:
    """Reads the parameters of one node; `before` is what its input comes from, `named` every node by its name there."""

    def __init__(self, sheet: Sheet, before: Kind, named: Mapping[str, Source]) -> None:
        self._sheet, self._before, self._named = sheet, before, named

    def carried(self, path: str, value: Any) -> Any:
        """The value with every text in it carried over. Names of fields are no texts."""
        if isinstance(value, str):
            return self.text(path, value)
        if isinstance(value, list):
            return [self.carried(f"{path}.{place}", part) for place, part in enumerate(value)]
        if isinstance(value, dict):
            return {name: self.carried(f"{path}.{name}", part) for name, part in value.items()}
        return value

    def text(self, path: str, value: str) -> str:
        """A text as it is written here."""
        if not value.startswith("="):
            return _literal(value)
        pieces, end = [], 1
        for match in _PLACE.finditer(value, 1):
            exact = self._path(match[1])
            if exact is None:
                self._sheet.lose(path, f"The expression “{match[1].strip()[:200]}” can't be taken over. Write it anew.")
            pieces += [_literal(value[end : match.start()]), match[0] if exact is None else f"{{{{ {exact} }}}}"]
            end = match.end()
        return "".join([*pieces, _literal(value[end:])])

    def operand(self, value: Any) -> str | None:
        """A side of a comparison as part of an expression; None where there is no saying it."""
        if value is None or isinstance(value, bool):
            return {None: "none", True: "true", False: "false"}[value]
        if isinstance(value, int | float):
            return repr(value)
        if not isinstance(value, str):
            return None
        if value.startswith("="):
            match = _PLACE.fullmatch(value, 1)
            return self._path(match[1]) if match else None
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"

    def _path(self, code: str) -> str | None:
        code = code.strip()
        if own := _OWN.fullmatch(code):
            return own[1]
        match = _READ.fullmatch(code)
        if match is None:
            return None
        steps = re.findall(_STEP, match["steps"])
        name = match["name"] or match["old"]
        source = self._named.get(name) if name else Source("", self._before)
        if source is None or any(_name(step) in _METHODS for step in steps):
            return None
        exact = _read(source.kind, f"nodes.{source.key}" if name else "input", steps)
        return exact if exact is not None and compiles(exact) else None


def _read(kind: Kind, root: str, steps: list[str]) -> str | None:
    if kind == "webhook":
        part = {"body": "payload", "query": "trigger.query", "headers": "trigger.headers"}.get(_name(steps[0]) if steps else "")
        return part and part + "".join(map(_stepped, steps[1:]))
    if kind == "unsure":
        return None
    return (f"{root}.body" if kind == "http" else root) + "".join(map(_stepped, steps))


def _name(step: str) -> str:
    return step.removeprefix(".").strip("[] '\"")


def _stepped(step: str) -> str:
    """A step as it is here: one that is a word of the language stands in brackets."""
    return f"['{_name(step)}']" if step.startswith(".") and not compiles(f"input{step}") else step


def _literal(piece: str) -> str:
    return _BRACES.sub(lambda match: f"{{{{ '{match[0]}' }}}}", piece)
