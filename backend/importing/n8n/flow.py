"""What goes from node to node there, compared with what goes here.

There it is a list of items, and most nodes run once for each of them. Here it is one value, and a node runs once, or for each item of
a list that it names.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["webhook", "http", "text", "full", "plain", "unsure"]
"""What one item is there.

webhook: `{headers, query, body}`, which is `trigger` and `payload` here; http: the response's body alone; text: the same in a field
`data`; full: `{statusCode, headers, body}` of a response; plain: the same as here; unsure: several of these.
"""
Amount = Literal["one", "list", "many"]
"""one: an item there, and its value here. list: many, and a list of them here. many: the same, but nobody knows where the list is."""

_STEP = re.compile(r"""\.[A-Za-z_]\w*|\[\s*(?:'[^'\\]*'|"[^"\\]*"|\d+)\s*\]""")
FLATTENED = "|flatten"


@dataclass(frozen=True)
class Flow:
    """What leaves a node. `at`: where in its output the list is; `line`: the node whose list it follows item by item; `added`: fields
    that were set on top of what `kind` says; `origin`: the name of the node that many items come from."""

    kind: Kind = "plain"
    amount: Amount = "one"
    at: str = ""
    line: str = ""
    added: frozenset[str] = frozenset()
    origin: str = ""

    def listed(self) -> "Flow":
        """The same where nodes work on lists: a response's body is one then, and all else is many."""
        if self.amount != "one":
            return self
        if self.kind == "http" and not self.added:
            return replace(self, kind="plain", amount="list", at=".body")
        return replace(self, amount="many")

    def first(self, root: str) -> str:
        """The first item as an expression."""
        return self.nth(root, "0") if self.amount == "list" else root

    def nth(self, root: str, number: str) -> str:
        """An item of the list as an expression."""
        return f"({root}{self.at})[{number}]" if self.at == FLATTENED else f"{root}{self.at}[{number}]"


ONE = Flow()
"""An item that is the same here."""


def read(flow: Flow, root: str, steps: list[str]) -> str | None:
    """The path to a part of an item, which is `root` here; None where nobody can say."""
    first = name_of(steps[0]) if steps else ""
    if flow.kind == "plain" or first in flow.added:
        return root + "".join(steps)
    if flow.kind == "unsure" or (flow.added and not steps):
        return None
    if flow.kind == "webhook":
        part = {"body": "payload", "query": "trigger.query", "headers": "trigger.headers"}.get(first)
        return part and part + "".join(steps[1:])
    if flow.kind == "full":
        part = {"body": ".body", "headers": ".headers", "statusCode": ".status"}.get(first)
        return part and root + part + "".join(steps[1:])
    if flow.kind == "text":
        return f"{root}.body" + "".join(steps[1:]) if first == "data" else None
    return f"{root}.body" + "".join(steps)


def name_of(step: str) -> str:
    """`id` of `.id` and of `['id']`."""
    return step.removeprefix(".").strip("[] '\"")


def steps_of(path: str) -> list[str]:
    """The steps of a field's name there, in which dots lead inwards: `customer.city`, `tags[0]`."""
    found: list[str] = []
    for part in re.sub(r"\[(\d+)\]", r".\1", path.removeprefix("$json.")).split("."):
        plain = part.strip()
        found.append(f"[{plain}]" if plain.isdecimal() else f".{plain}" if re.fullmatch(r"[A-Za-z_]\w*", plain) else f"[{quoted(plain)}]")
    return found


def path_steps(path: str) -> list[str]:
    """The steps of a path behind its root: `.body` and `['a b']` of `item.body['a b']`."""
    return _STEP.findall(path)


def quoted(text: str) -> str:
    """The text as expressions and Python write it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def python(path: str) -> str:
    """A path of an expression as Python writes it: `input.body['a b']` → `input['body']['a b']`."""
    return _STEP.sub(lambda step: f"['{step[0][1:]}']" if step[0].startswith(".") else step[0], path)
