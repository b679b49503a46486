"""Which node is ready and which is skipped. Pure: knows neither node types nor data, only ports.

`Layout` is the part of a graph that one kind of run takes, made once and kept; `Plan` is one run's progress over it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from executor.errors import ExecutorError
from trestle.contracts.graph import Connection, Node


class PlanError(ExecutorError):
    """The run names a node that its graph does not have, or that it can't reach."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The nodes that take part, each with the connections that reach it. `start` is among them and has none.

    Only what is reachable from `start` takes part, so a connection from elsewhere is not waited for.
    """

    start: str
    incoming: Mapping[str, tuple[Connection, ...]]
    sources: Mapping[str, tuple[str, ...]]
    join_all: frozenset[str]

    @classmethod
    def of(cls, nodes: Iterable[Node], connections: Iterable[Connection], start: str, *, until: str | None = None) -> "Layout":
        """Lays out a run from `start`; with `until`, of that node and what leads to it only.

        Raises:
            PlanError: where `start` or `until` isn't there.
        """
        joins = {node.key: node.join for node in nodes}
        if start not in joins:
            raise PlanError(f"The run starts at the node “{start}”, which its graph does not have.")
        outgoing: defaultdict[str, list[str]] = defaultdict(list)
        incoming: defaultdict[str, list[Connection]] = defaultdict(list)
        for connection in connections:
            outgoing[connection.source].append(connection.target)
            incoming[connection.target].append(connection)
        part = _closure(start, outgoing)
        if until is not None:
            if until not in part:
                raise PlanError(f"The node “{until}” can't be reached from “{start}”. Connect them, or run it from another trigger.")
            part &= _closure(until, {key: [c.source for c in found] for key, found in incoming.items()})
        reaching = {key: tuple(c for c in incoming[key] if c.source in part) if key != start else () for key in joins if key in part}
        return cls(
            start=start,
            incoming=reaching,
            sources={key: tuple(dict.fromkeys(c.source for c in found)) for key, found in reaching.items()},
            join_all=frozenset(key for key in reaching if joins[key] == "all"),
        )

    @classmethod
    def alone(cls, key: str) -> "Layout":
        """Lays out a run of one node."""
        return cls(start=key, incoming={key: ()}, sources={key: ()}, join_all=frozenset())


def _closure(key: str, neighbours: Mapping[str, list[str]]) -> set[str]:
    found, todo = {key}, [key]
    while todo:
        for neighbour in neighbours.get(todo.pop(), ()):
            if neighbour not in found:
                found.add(neighbour)
                todo.append(neighbour)
    return found


class Plan:
    """One run's progress. Every node that takes part is decided once: it is handed out by `ready`, or skipped.

    A node is ready when every connection that reaches it is decided and one was taken (`join: any`), or all were (`all`).
    A connection is taken when its source left by its port. A skipped node takes none of its connections.
    """

    __slots__ = ("_layout", "_ports", "_sorter", "skipped")

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._sorter = TopologicalSorter(layout.sources)
        self._sorter.prepare()
        self._ports: dict[str, str | None] = {}
        self.skipped: list[str] = []
        """Nodes skipped since the caller last emptied it, in order."""

    @property
    def finished(self) -> bool:
        """Whether every node is decided and settled."""
        return not self._sorter.is_active()

    def ready(self) -> list[str]:
        """The nodes that may run now, each handed out once."""
        ready: list[str] = []
        while fresh := self._sorter.get_ready():
            skipped = [key for key in fresh if not self._runs(key)]
            ready += [key for key in fresh if key not in skipped] if skipped else fresh
            for key in skipped:
                self._ports[key] = None
                self.skipped.append(key)
            self._sorter.done(*skipped)
        return ready

    def settle(self, key: str, port: str | None) -> None:
        """A node that `ready` handed out has ended, by `port`; None where nothing may follow it."""
        self._ports[key] = port
        self._sorter.done(key)

    def last(self) -> list[str]:
        """The settled nodes that no other node followed: their outputs are the run's."""
        ports = self._ports
        ran = [key for key in self._layout.incoming if ports.get(key) is not None]
        followed = {c.source for key in ran for c in self._layout.incoming[key] if ports[c.source] == c.source_port}
        return [key for key in ran if key not in followed]

    def _runs(self, key: str) -> bool:
        incoming = self._layout.incoming[key]
        if not incoming:
            return True
        ports = self._ports
        if key in self._layout.join_all:
            return all(ports[c.source] == c.source_port for c in incoming)
        return any(ports[c.source] == c.source_port for c in incoming)
