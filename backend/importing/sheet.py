"""What an import draws on: nodes with good keys, connections without loops, and a list of what found no place."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from backend.workflows.layout import place
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAIN, Connection, Node, Position
from trestle.contracts.imports import Unmapped

_KEY_SIZE = 63
_NAME_SIZE = 200
_TYPE_SIZE = 100


@dataclass
class Wire:
    """A connection to be, and where it stood."""

    path: str
    source: str
    port: str
    target: str


@dataclass
class Role:
    """A node that tells whoever has this role."""

    node: str
    role: str


@dataclass
class Sheet:
    """An imported graph while it is drawn. Paths are as `nodes.2.data.ms`."""

    name: str
    description: str = ""
    nodes: list[Node] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)
    _drawn: set[tuple[str, str, str]] = field(default_factory=set)

    def lose(self, path: str, reason: str) -> None:
        """Tell that this part was not taken over."""
        self.unmapped.append(Unmapped(path=path, reason=reason))

    def lose_others(self, value: JsonObject, known: Iterable[str], path: str) -> None:
        """Tell of every field that is not `known`."""
        for name in value.keys() - set(known):
            self.lose(f"{path}.{name}" if path else name, f"Nothing here corresponds to “{name}”.")

    def add(self, ident: str, kind: str, config: JsonObject, *, name: Any = None, position: Position | None = None) -> str:
        """Draw a node; its key, which is made of `ident`."""
        key = self._key(ident or kind)
        title = str(name) if isinstance(name, str) and name.strip() else ident if ident != key else ""
        kind = kind[:_TYPE_SIZE] or "unknown"
        self.nodes.append(Node(key=key, type=kind, name=title[:_NAME_SIZE], config=config, position=position or Position()))
        return key

    def connect(self, path: str, source: str, target: str, port: str = MAIN) -> None:
        """Draw a connection. The same a second time is one."""
        if (source, port, target) not in self._drawn:
            self._drawn.add((source, port, target))
            self.wires.append(Wire(path, source, port, target))

    def connections(self) -> list[Connection]:
        """The connections, without those that would close a loop: these are told instead."""
        closing = _closing(self.wires)
        for wire in closing:
            self.lose(wire.path, f"It leads from “{wire.source}” back to “{wire.target}”: there are no loops here. Use “for each”.")
        apart = {id(wire) for wire in closing}
        self.wires = [wire for wire in self.wires if id(wire) not in apart]
        return [Connection(source=wire.source, source_port=wire.port, target=wire.target) for wire in self.wires]

    def arrange(self) -> None:
        """Places for nodes that say none: from left to right in the order in which they run. Call it once there are no loops."""
        if any(node.position != Position() for node in self.nodes):
            return
        place(self.nodes, [(wire.source, wire.target) for wire in self.wires])

    def _key(self, ident: str) -> str:
        slug = re.sub(r"[^a-z0-9]+", "_", ident.lower()).strip("_")
        if not slug[:1].isalpha():
            slug = f"node_{slug}".rstrip("_")
        taken = {node.key for node in self.nodes}
        key, number = slug[:_KEY_SIZE], 1
        while key in taken:
            number += 1
            ending = f"_{number}"
            key = slug[: _KEY_SIZE - len(ending)] + ending
        return key


def free_label(label: str, taken: dict[str, int], size: int = 100) -> str:
    """The label of a case, with a number behind it where it is `taken`: by name, the last number that was tried for it."""
    name = label
    while name in taken:
        number = taken[label] = taken[label] + 1
        name = f"{label[: size - 8]} {number}"
    taken[name] = 1
    return name


def _closing(wires: list[Wire]) -> list[Wire]:
    """The wires that lead back to a node on the way to them."""
    leaving: dict[str, list[Wire]] = {}
    for wire in wires:
        leaving.setdefault(wire.source, []).append(wire)
    found: list[Wire] = []
    done: set[str] = set()
    for start in leaving:
        way: dict[str, list[Wire]] = {} if start in done else {start: list(leaving[start])}
        while way:
            node, pending = next(reversed(way.items()))
            if not pending:
                done.add(node)
                del way[node]
                continue
            wire = pending.pop(0)
            if wire.target in way:
                found.append(wire)
            elif wire.target not in done:
                way[wire.target] = list(leaving.get(wire.target, []))
    return found
