"""n8n's connections: `{name: {main: [[{node, index}, …], …]}}`, by output.

Its loops are taken apart: here a node runs for each item itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from backend.errors import Unprocessable
from backend.importing.n8n.counterparts import COUNTERPARTS
from backend.importing.n8n.merging import first_input
from backend.importing.sheet import Sheet
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAX_CONNECTIONS

LOOP = "n8n-nodes-base.splitInBatches"
"""Loop Over Items."""
_NOTE = "n8n-nodes-base.stickyNote"
_MERGE = "n8n-nodes-base.merge"
JOINING = (_MERGE, _NOTE)
"""Nodes that take what comes from several."""
Decided = dict[str, set[Any]]
"""On the way to a node: the nodes that chose a way, and the outputs by which it may have been reached; by no name, the triggers."""
_LOOP_SECOND = 3
"""From this version on its first output is what follows the loop, and the second one the loop."""
_NO_LOOPS = (
    "There is no node for loops here. Each node of the loop runs for all items of the list before the next one begins. A pause between "
    "items is “per second” under “Run for each item of a list”."
)


@dataclass(frozen=True)
class Way:
    """A connection by names. `looped`: it led into a loop."""

    path: str
    source: str
    output: int
    target: str
    input: int
    looped: bool = False


class Wiring:
    """All connections between the nodes that are `given` by name, each with its path."""

    def __init__(self, sheet: Sheet, given: Mapping[str, tuple[str, JsonObject]], connections: Any) -> None:
        self._sheet, self._given = sheet, given
        self.ways = self._connected(connections)
        self.loops: dict[str, str] = {}
        """Loops by name: the node that leads to it; empty where there are several."""
        for title, (path, node) in given.items():
            if node.get("type") == LOOP and self._is_left(title):
                self._open(title, path, node)
        self.ways.sort(key=self._rank)
        self.circular: set[str] = set()
        """Nodes in a circle, and behind one, once `order` was asked for."""

    def into(self, title: str) -> list[Way]:
        """What leads to the node."""
        return [way for way in self.ways if way.target == title]

    def by_input(self, title: str) -> dict[int, list[Way]]:
        """The same by the number of the input."""
        found: dict[int, list[Way]] = {}
        for way in self.into(title):
            found.setdefault(way.input, []).append(way)
        return found

    def outputs(self, title: str) -> set[int]:
        """The outputs that something leaves by."""
        return {way.output for way in self.ways if way.source == title}

    def order(self, titles: Iterable[str]) -> list[str]:
        """The nodes, each after those that lead to it; those in a circle, and behind one, at the end."""
        titles = list(titles)
        awaited = dict.fromkeys(titles, 0)
        after: dict[str, list[str]] = {title: [] for title in titles}
        for way in self.ways:
            awaited[way.target] += 1
            after[way.source].append(way.target)
        ready = [title for title in titles if not awaited[title]]
        found: list[str] = []
        while ready:
            title = ready.pop(0)
            found.append(title)
            for target in after[title]:
                awaited[target] -= 1
                if not awaited[target]:
                    ready.append(target)
        done = set(found)
        self.circular = {title for title in titles if title not in done}
        return [*found, *(title for title in titles if title in self.circular)]

    def _connected(self, connections: Any) -> list[Way]:
        found: list[Way] = []
        if not isinstance(connections, dict):
            self._sheet.lose("connections", "This is no object with the names of nodes.")
            return found
        for source, kinds in connections.items():
            for kind, outputs in kinds.items() if isinstance(kinds, dict) else ():
                path = f"connections.{source}.{kind}"
                if kind != "main":
                    if kind.startswith("ai_") and source in self._given and str(self._given[source][1].get("type")) not in COUNTERPARTS:
                        continue  # a model or the like: that there is none is told of the node
                    self._sheet.lose(path, f"There are no connections of the kind “{kind}” here.")
                    continue
                for output, targets in enumerate(outputs if isinstance(outputs, list) else ()):
                    for target in targets if isinstance(targets, list) else ():
                        if way := self._way(f"{path}.{output}", source, output, target):
                            found.append(way)
                        if len(found) > MAX_CONNECTIONS:
                            raise Unprocessable(f"The workflow has more than {MAX_CONNECTIONS:,} connections; no more can be imported.")
        return found

    def _way(self, path: str, source: str, output: int, target: Any) -> Way | None:
        name = target.get("node") if isinstance(target, dict) else None
        known = source in self._given and isinstance(name, str) and name in self._given
        if known and _NOTE in (self._given[source][1].get("type"), self._given[str(name)][1].get("type")):
            self._sheet.lose(path, "Nothing leads to a note, or from one.")
            return None
        if known:
            number = target.get("index", 0)
            return Way(path, source, output, str(name), number if isinstance(number, int) and 0 <= number < 100 else 0)
        self._sheet.lose(path, f"There is no node “{name if source in self._given else source}” to connect.")
        return None

    def _rank(self, way: Way) -> int:
        """Inputs in their order, after the one that a Merge takes its data from."""
        parameters = self._given[way.target][1].get("parameters")
        merges = self._given[way.target][1].get("type") == _MERGE and isinstance(parameters, dict)
        return -1 if merges and way.input == first_input(parameters or {}) else way.input

    def _is_left(self, title: str) -> bool:
        return any(way.source == title for way in self.ways)

    def _open(self, title: str, path: str, node: JsonObject) -> None:
        """Take a loop out: what led to it leads into it, and what led back to it leads to what follows."""
        version = node.get("typeVersion", 1)
        looping, done = (1, 0) if isinstance(version, int | float) and version >= _LOOP_SECOND else (0, 1)
        bodies = [way for way in self.ways if way.source == title and way.output == looping and way.target != title]
        after = [way for way in self.ways if way.source == title and way.output == done and way.target != title]
        inner = self._reached({way.target for way in bodies}, without=title)
        arriving = [way for way in self.ways if way.target == title and way.source != title]
        before = [way for way in arriving if way.source not in inner]
        back = [way for way in arriving if way.source in inner]
        if len(before) * len(bodies) + len(back or before) * len(after) + len(self.ways) > MAX_CONNECTIONS:
            raise Unprocessable(f"The workflow has more than {MAX_CONNECTIONS:,} connections without its loops; no more can be imported.")
        entering = [replace(one, target=way.target, input=way.input, looped=True) for one in before for way in bodies]
        leaving = [replace(one, target=way.target, input=way.input) for one in back or before for way in after]
        self.ways = [way for way in self.ways if title not in (way.source, way.target)] + entering + leaving
        sources = {way.source for way in before}
        self.loops[title] = sources.pop() if len(sources) == 1 else ""
        self._sheet.lose(f"{path}.type", _NO_LOOPS)

    def _reached(self, titles: set[str], *, without: str) -> set[str]:
        after: dict[str, list[str]] = {}
        for way in self.ways:
            after.setdefault(way.source, []).append(way.target)
        found, ahead = set(titles), list(titles)
        while ahead:
            fresh = {target for target in after.get(ahead.pop(), ()) if target != without} - found
            found |= fresh
            ahead += fresh
        return found


def common(ways: list[Decided]) -> Decided:
    """What is decided whichever of the ways was taken."""
    shared = set.intersection(*(set(way) for way in ways))
    return {name: set().union(*(way[name] for way in ways)) for name in shared}


def exclude(one: Decided, other: Decided) -> bool:
    """Whether never both of two ways are taken."""
    return any(name in other and not outputs & other[name] for name, outputs in one.items())
