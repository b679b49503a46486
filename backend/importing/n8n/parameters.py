"""The parameters of one node of n8n while its counterpart is made, and what that is."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.errors import BadRequest, Unprocessable
from backend.importing.n8n.expressions import Reader
from backend.importing.n8n.flow import ONE, Flow
from backend.importing.sheet import Sheet
from backend.json_body import decode
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAIN

# What is never closed reaches to the end, or the next one would be looked for in it over and over.
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*+"?|\{\{.*?(?:\}\}|\Z)', re.DOTALL)
_AS_JSON = re.compile(r"\{\{\s*JSON\.stringify\(([^()]+)\)\s*\}\}")
Runs = Literal["each", "sieve", "list", "once"]
"""For many items there. each: once for each of them; sieve: it sends each its own way; list: it works on all of them; once: all together,
or the first one counts."""


@dataclass
class Parameters:
    """What nothing has asked for is told in the end. `inputs`: by the number of the input there, what leads to it, by key.
    `used`: the outputs that something leaves by."""

    sheet: Sheet
    node: str
    """The path of the node."""
    key: str
    version: float
    values: JsonObject
    read: Reader
    taken: Flow
    inputs: dict[int, list[tuple[str, Flow]]] = field(default_factory=dict)
    used: frozenset[int] = frozenset()
    timezone: str | None = None
    _known: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        """Of the parameters."""
        return f"{self.node}.parameters"

    def get(self, name: str, default: Any = None) -> Any:
        """As it stands there."""
        self._known.add(name)
        return self.values.get(name, default)

    def word(self, name: str, default: str = "") -> str:
        """A choice among several, whatever stands there."""
        return word(self.get(name), default)

    def inner(self, *names: str) -> Any:
        """What stands under these names, one within the other; None where nothing does."""
        value = self.get(names[0])
        for name in names[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def entries(self, *names: str) -> list[JsonObject]:
        """The objects of a list that stands under these names."""
        found = self.inner(*names)
        return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

    def carried(self, name: str, default: Any = None) -> Any:
        """As it is written here."""
        return self.read.carried(f"{self.path}.{name}", self.get(name, default))

    def pairs(self, name: str, inner: str) -> JsonObject:
        """`{inner: [{name, value}]}` as an object, written as it is here."""
        found: JsonObject = {}
        for place, entry in enumerate(self.entries(name, inner)):
            if isinstance(entry.get("name"), str) and entry["name"]:
                path = f"{self.path}.{name}.{inner}.{place}"
                found[entry["name"]] = self.read.carried(f"{path}.value", entry.get("value", ""))
                if entry["name"].startswith("="):
                    self.lose(f"{name}.{inner}.{place}.name", "The name of a field is no expression here. Write it anew.")
        return found

    def options(self, *known: str) -> JsonObject:
        """The options there; those that are not `known` are told."""
        found = self.get("options")
        if not isinstance(found, dict):
            return {}
        said = {name: value for name, value in found.items() if value not in ({}, [], "", None, False)}
        self.sheet.lose_others(said, known, f"{self.path}.options")
        return found

    def items(self) -> str:
        """The list that a node of lists works on. Told where nobody knows where it is."""
        flow = self.taken.listed()
        if flow.amount == "many":
            self.sheet.lose(self.node, list_wanted(flow))
            return "{{ input }}"
        return f"{{{{ input{flow.at} }}}}"

    def lose(self, name: str, reason: str) -> None:
        """Tell that this one was not taken over."""
        self._known.add(name)
        self.sheet.lose(f"{self.path}.{name}", reason)

    def tell_others(self) -> None:
        """Tell of every parameter that nothing has asked for and that says something."""
        said = {name: value for name, value in self.values.items() if value not in ({}, [], "", None)}
        self.sheet.lose_others(said, self._known, self.path)


def each_wanted(flow: Flow) -> str:
    """What is said where a node runs for each item of a list that nobody has found yet."""
    return (
        f"{_many(flow)}, and n8n runs this node once for each of them. Here “Run for each item of a list” does that. "
        "Its list is {{ input }} now: write there where the items are in what comes before this node, such as {{ input.body.rows }}."
    )


def list_wanted(flow: Flow) -> str:
    """The same where it works on the list itself."""
    return (
        f"{_many(flow)}. Here they are one list. “Items” is {{{{ input }}}} now: write there where the items are in what comes before "
        "this node, such as {{ input.body.rows }}."
    )


def _many(flow: Flow) -> str:
    return f"“{flow.origin}” gives many items" if flow.origin else "Many items come in"


@dataclass(frozen=True)
class Other:
    """A further node that stands for one output. What leads to the first node leads to this one too."""

    type: str
    config: JsonObject
    output: int


@dataclass(frozen=True)
class Made:
    """A node's counterpart. `type` where it isn't the usual one; `ports`: for each output there, those here that leave by it."""

    config: JsonObject
    out: Flow = ONE
    type: str = ""
    ports: tuple[tuple[str, ...], ...] = ((MAIN,),)
    join: Literal["any", "all"] = "any"
    others: tuple[Other, ...] = ()


@dataclass(frozen=True)
class Counterpart:
    """The type of node that does the same here, and how it is set up."""

    type: str
    make: Callable[[Parameters], Made]
    runs: Runs = "once"


def word(value: Any, default: str = "") -> str:
    """A choice among several as a text."""
    return value if isinstance(value, str) else default if value is None else str(value)[:100]


def parsed(text: str) -> Any:
    """A JSON text as a value whose texts are still to be carried over. Raises ValueError."""
    try:
        if not text.startswith("="):
            return _each_text(decode(text.encode()), _plain)
        # An expression between two commas is a value of its own; as JSON of a value it is that value.
        return _each_text(decode(_PIECES.sub(_as_text, text[1:]).encode()), "={}".format)
    except (BadRequest, Unprocessable) as error:
        raise ValueError(str(error)) from None


def _as_text(piece: "re.Match[str]") -> str:
    is_code = piece[0].startswith("{{") and piece[0].endswith("}}")
    return json.dumps(_AS_JSON.sub(lambda match: f"{{{{ {match[1].strip()} }}}}", piece[0])) if is_code else piece[0]


def _plain(text: str) -> str:
    """A text of JSON that is no expression, though it may begin like one: a formula of a table."""
    return "=" + text.replace("{{", "{{ '{{' }}") if text.startswith("=") else text


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed. Names of fields are no texts."""
    if isinstance(value, dict):
        return {name: _each_text(part, change) for name, part in value.items()}
    return [_each_text(part, change) for part in value] if isinstance(value, list) else change(value) if isinstance(value, str) else value
