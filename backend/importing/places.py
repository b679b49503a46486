"""Where something stands in a document that was brought in, as its author would say it."""

from collections.abc import Iterable
from typing import Any

from trestle.contracts.imports import Unmapped

_ONE_OF = {"nodes": "Node", "steps": "Step", "edges": "Edge", "connections": "Connection", "cases": "Case"}
_NAMELESS = ("edges", "connections")
"""Lists of what is told by its number: its id says nothing."""
_DIGITS = 10
"""What is longer is a name, not a number."""
_HOUSING = ("definition", "data", "config", "parameters", "type")
"""Fields that only hold others, or that the reason speaks of anyway."""


def located(loss: Unmapped, document: Any) -> Unmapped:
    """The loss with its place in words."""
    return loss.model_copy(update={"where": place(loss.path.split("."), document)})


def place(path: Iterable[str | int], document: Any) -> str:
    """`Node “Send mail” › Case 2 › label` for `nodes.4.data.cases.1.label`; numbers begin at 1, as people count."""
    words: list[str] = []
    holder = ""
    inner = document
    for part in path:
        if isinstance(inner, list) and str(part).isdecimal() and len(str(part)) < _DIGITS:
            number = int(part)
            inner = inner[number] if number < len(inner) else None
            name = "" if holder in _NAMELESS else _name(inner)
            kind = _ONE_OF.get(holder, holder)
            words[-1:] = [f"{kind} “{name}”" if name else f"{kind} {number + 1}"]
            continue
        inner = inner.get(part) if isinstance(inner, dict) else None
        holder = str(part)
        if holder not in _HOUSING:
            words.append(holder)
    text = " › ".join(words) or "The document"
    return text[0].upper() + text[1:]


def _name(value: Any) -> str:
    """What the author called a part of the document; empty where it has no name."""
    if not isinstance(value, dict):
        return ""
    data = value.get("data")
    named = data.get("label") if isinstance(data, dict) else None
    for name in (named, value.get("name"), value.get("label"), value.get("id"), value.get("key")):
        if isinstance(name, str | int) and not isinstance(name, bool) and str(name).strip():
            return str(name).strip()[:200]
    return ""
