"""What n8n's parameters say: texts, and those that begin with `=` and hold JavaScript in `{{ }}`.

A plain path to data has its counterpart here. All else stays as it was written, and is told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.importing.n8n.flow import Flow, name_of, quoted, read
from backend.importing.sheet import Sheet
from backend.importing.texts import compiles, places
from trestle.language import check_config

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STEP = r"""\.[A-Za-z_]\w*|\[\s*(?:'[^'\\]*'|"[^"\\]*"|\d+)\s*\]"""
_READ = re.compile(
    r"""(?:\$json|\$input\.(?P<of>item|first\(\)|last\(\))\.json
    |\$\(\s*(?P<q>['"])(?P<name>.+?)(?P=q)\s*\)\.(?P<which>item|first\(\)|last\(\))\.json
    |\$node\[\s*(?P<p>['"])(?P<old>.+?)(?P=p)\s*\]\.json)"""
    rf"(?P<steps>(?:{_STEP})*)",
    re.VERBOSE,
)
_OWN = re.compile(r"\$(execution\.id|workflow\.id|workflow\.name|vars\.[A-Za-z_]\w*)")
_NOW = ("$now", "$now.toISO()", "new Date().toISOString()")
_LITERAL = re.compile(r"""-?\d+(?:\.\d+)?|'[^'\\]*'|"[^"\\]*"|\[\s*\]""")
_WORDS = {"true": "true", "false": "false", "null": "none", "undefined": "none"}
_AROUND = re.compile(r"(JSON\.stringify|JSON\.parse|String)\((.+)\)", re.DOTALL)
_BEHIND = re.compile(r"(.+)\.(trim|toLowerCase|toUpperCase|toString|toJsonString)\(\)", re.DOTALL)
_ELSE = re.compile(r"(.+?)(\|\||\?\?)(.+)", re.DOTALL)
_FILTERS = {
    "JSON.stringify": "tojson",
    "JSON.parse": "fromjson",
    "String": "string",
    "trim": "trim",
    "toLowerCase": "lower",
    "toUpperCase": "upper",
    "toString": "string",
    "toJsonString": "tojson",
}
_DEEPEST = 8
_BRACES = re.compile(r"\{[{%#]")
_LENGTH = "length"  # a property of JavaScript's own, not of the data


@dataclass(frozen=True)
class Source:
    """A node that data is read from."""

    key: str
    flow: Flow


class Reader:
    """Reads the parameters of one node. `before` is what its input comes from, and `root` an item of that here; `named` has every node
    that comes before this one, by its name there."""

    def __init__(self, sheet: Sheet, before: Flow, named: Mapping[str, Source], root: str = "input") -> None:
        self._sheet, self.before, self._named, self.root = sheet, before, named, root

    @property
    def is_each(self) -> bool:
        """Whether it reads one item of several."""
        return self.root == "item"

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
        pieces, end, exact_all = [], 1, True
        for match in places(value, 1):
            exact = self.code(match[1])
            if exact is None:
                exact_all = False
                self._sheet.lose(path, f"The expression “{match[1].strip()[:200]}” can't be taken over. Write it anew.")
            pieces += [_literal(value[end : match.start()]), match[0] if exact is None else f"{{{{ {exact} }}}}"]
            end = match.end()
        said = "".join([*pieces, _literal(value[end:])])
        if exact_all and not compiled(said):
            self._sheet.lose(path, "This text is too long to have expressions in it. Write it anew, in parts.")
        return said

    def alone(self, value: Any) -> str | None:
        """The expression of a text that is one `{{ }}` and nothing else; None where it isn't, or where there is no saying it."""
        match = _PLACE.fullmatch(value.strip(), 1) if isinstance(value, str) and value.startswith("=") else None
        return self.code(match[1]) if match else None

    def operand(self, value: Any) -> str | None:
        """A side of a comparison as part of an expression; None where there is no saying it."""
        if value is None or isinstance(value, bool):
            return {None: "none", True: "true", False: "false"}[value]
        if isinstance(value, int | float):
            return repr(value)
        if not isinstance(value, str):
            return None
        if not value.startswith("="):
            return quoted(value)
        if "{{" in value:
            return self.alone(value)
        return value[1:] if re.fullmatch(r"-?\d+(\.\d+)?", value[1:]) else quoted(value[1:])

    def part(self, steps: list[str]) -> str | None:
        """The path to a part of the item that the node takes in."""
        return _checked(read(self.before, self.root, [_stepped(step) for step in steps]))

    def code(self, code: str, depth: int = 0) -> str | None:
        """The JavaScript between two braces as an expression: a value, and what filters make of it."""
        code = code.strip()
        if (exact := self._value(code)) is not None or depth == _DEEPEST:
            return exact
        if around := _AROUND.fullmatch(code):
            inner, name = self.code(around[2], depth + 1), around[1]
            return _checked(inner and f"{inner}|{_FILTERS[name]}")
        if (instead := _ELSE.fullmatch(code)) and (literal := _literal_of(instead[3].strip())) is not None:
            inner = self.code(instead[1], depth + 1)
            if instead[2] == "||":
                return _checked(inner and f"{inner}|default({literal}, true)")
            return _checked(inner and f"({inner} if {inner}|default(none) is not none else {literal})")
        if behind := _BEHIND.fullmatch(code):
            inner = self.code(behind[1], depth + 1)
            return _checked(inner and f"{inner}|{_FILTERS[behind[2]]}")
        return None

    def _value(self, code: str) -> str | None:
        if own := _OWN.fullmatch(code):
            return own[1]
        if code in _NOW:
            return "now"
        if (literal := _literal_of(code)) is not None:
            return literal
        if "?." in code:
            path = self._path(code.replace("?.[", "[").replace("?.", "."))
            return path and f"{path}|default(none)"
        return self._path(code)

    def _path(self, code: str) -> str | None:
        match = _READ.fullmatch(code)
        if match is None:
            return None
        steps = re.findall(_STEP, match["steps"])
        counted = bool(steps) and steps[-1] == f".{_LENGTH}"
        steps = [_stepped(step) for step in (steps[:-1] if counted else steps)]
        if any(name_of(step) == _LENGTH for step in steps):
            return None
        name = match["name"] or match["old"]
        if name:
            source = self._named.get(name)
            root = self._named_root(source, match["which"] or "item") if source else None
            path = read(source.flow, root, steps) if source and root else None
        else:
            path = read(self.before, self._own_root(match["of"] or "item"), steps)
        return _checked(f"{path}|length" if path and counted else path)

    def _own_root(self, which: str) -> str:
        if which == "item" or self.before.amount != "list":
            return self.root
        return self.before.nth("input", "-1" if which == "last()" else "0")

    def _named_root(self, source: Source, which: str) -> str | None:
        root, flow = f"nodes.{source.key}", source.flow
        if flow.amount == "one":
            return root
        if flow.amount == "many":
            return None
        if which != "item":
            return flow.nth(root, "-1" if which == "last()" else "0")
        return flow.nth(root, "index") if self.is_each and flow.line and flow.line == self.before.line else None


def compiled(text: str) -> bool:
    """Whether a text with expressions can be read."""
    return not check_config({"text": text}, static=())


def _literal_of(code: str) -> str | None:
    return _WORDS.get(code) or (code if _LITERAL.fullmatch(code) else None)


def _checked(path: str | None) -> str | None:
    return path if path is not None and compiles(path) else None


def _stepped(step: str) -> str:
    """A step as it is here: one that is a word of the language stands in brackets."""
    return f"['{name_of(step)}']" if step.startswith(".") and not compiles(f"input{step}") else step


def _literal(piece: str) -> str:
    return _BRACES.sub(lambda match: f"{{{{ '{match[0]}' }}}}", piece)
