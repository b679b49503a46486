"""n8n's workflows, whole or as its clipboard holds them: `{nodes: [{name, type, parameters, …}], connections: {name: {main: [[…]]}}}`.

Nodes that have a counterpart become it, as far as what they are set to do can be said here exactly; the others keep their place.
"""

from collections.abc import Iterator
from typing import Any

from backend.errors import Unprocessable
from backend.importing.n8n_expressions import Kind, Reader, Source
from backend.importing.n8n_nodes import COUNTERPARTS, Parameters
from backend.importing.sheet import Sheet
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import ERROR, MAIN, MAX_CONNECTIONS, Node, Position, RetryPolicy

_WIDER = 1.4  # its cards are half as wide
_PLACES = 10
_FAR = 100_000
_NOTES_SIZE = 10_000
_LOOKS = ("id", "name", "type", "typeVersion", "position", "parameters", "webhookId", "notesInFlow")
_SETTINGS = ("disabled", "notes", "retryOnFail", "maxTries", "waitBetweenTries", "onError", "continueOnFail", "credentials")
_WHOLE = ("active", "createdAt", "id", "isArchived", "meta", "settings", "shared", "tags", "triggerCount", "updatedAt", "versionId")


def is_one(value: Any) -> bool:
    """Whether this is such a document."""
    nodes = value.get("nodes") if isinstance(value, dict) and "trestle" not in value and "edges" not in value else None
    return isinstance(nodes, list) and any(isinstance(node, dict) and "parameters" in node and "type" in node for node in nodes)


def drawn(document: JsonObject, name: str) -> Sheet:
    """The workflow as it is here. Raises Unprocessable where it is too large."""
    return _Drawing(document, name).sheet


class _Drawing:
    def __init__(self, document: JsonObject, name: str) -> None:
        self.sheet = Sheet(name)
        self._keys: dict[str, str] = {}
        """Keys by the names there."""
        self._given: dict[str, tuple[str, JsonObject]] = {}
        """By name: the path, and what stood there."""
        self._ports: dict[str, tuple[str, ...]] = {}
        for place, node in enumerate(document["nodes"]):
            self._add(f"nodes.{place}", node)
        self._ways = list(self._connected(document.get("connections") or {}))
        self._taken_in: dict[str, Kind] = {}
        self._put_out: dict[str, Kind] = {}
        self._follow()
        named = {title: Source(key, self._put_out.get(title, "unsure")) for title, key in self._keys.items()}
        nodes = {node.key: node for node in self.sheet.nodes}
        for title, (path, given) in self._given.items():
            self._fill(nodes[self._keys[title]], path, given, Reader(self.sheet, self._taken_in.get(title, "unsure"), named))
        for path, source, output, target in self._ways:
            self._connect(path, source, output, target)
        self.sheet.lose_others(document, ("nodes", "connections", "name", "description", "pinData", "staticData", *_WHOLE), "")
        if document.get("pinData"):
            self.sheet.lose("pinData", "Pinned data stays behind: run the nodes once, and pin what they put out.")

    def _add(self, path: str, node: Any) -> None:
        title = node.get("name") if isinstance(node, dict) else None
        if not isinstance(node, dict) or not isinstance(title, str) or not title.strip():
            self.sheet.lose(path, "A node is an object with a `name`.")
            return
        if title in self._keys:
            self.sheet.lose(path, f"There is a node “{title}” already. Connections lead to that one.")
            return
        kind = _kind(node)
        counterpart = COUNTERPARTS.get(kind)
        if counterpart is None:
            self.sheet.lose(f"{path}.type", f"There is no counterpart to “{kind}”. Its place is kept: put another node there.")
        type_ = counterpart.type if counterpart else kind
        self._keys[title] = self.sheet.add(title, type_, {}, name=title, position=_position(node.get("position")))
        self._given[title] = path, node

    def _fill(self, node: Node, path: str, given: JsonObject, read: Reader) -> None:
        parameters = _parameters(given)
        counterpart = COUNTERPARTS.get(_kind(given))
        if counterpart is None:
            node.config = parameters
        else:
            made = Parameters(self.sheet, f"{path}.parameters", parameters, read)
            node.config = counterpart.config(made)
            made.tell_others()
            self._ports[str(given["name"])] = counterpart.ports
        self._settings(node, path, given)

    def _settings(self, node: Node, path: str, given: JsonObject) -> None:
        node.disabled = given.get("disabled") is True
        if isinstance(notes := given.get("notes"), str):
            node.notes = notes[:_NOTES_SIZE]
        if given.get("retryOnFail") is True:
            tries, wait = given.get("maxTries", 3), given.get("waitBetweenTries", 1000)
            if isinstance(tries, int) and isinstance(wait, int) and 1 <= tries <= 100 and 0 <= wait <= 86_400_000:
                node.retry = RetryPolicy(max_attempts=tries, backoff="fixed", delay_s=wait / 1000)
            else:
                self.sheet.lose(f"{path}.retryOnFail", "How often it is tried can't be read. Set it in the node's policies.")
        if given.get("continueOnFail") is True or given.get("onError") == "continueRegularOutput":
            node.on_error = "continue"
        elif given.get("onError") == "continueErrorOutput":
            node.on_error = "branch"
        told = any(loss.path == f"{path}.parameters.authentication" for loss in self.sheet.unmapped)
        for kind in () if told else given.get("credentials") or ():
            self.sheet.lose(f"{path}.credentials.{kind}", "Secrets don't come along. Choose a credential, or make one.")
        self.sheet.lose_others(given, (*_LOOKS, *_SETTINGS), path)

    def _connected(self, connections: Any) -> Iterator[tuple[str, str, int, str]]:
        """Path, source, number of its output, and target of each connection."""
        if not isinstance(connections, dict):
            self.sheet.lose("connections", "This is no object with the names of nodes.")
            return
        count = 0
        for source, kinds in connections.items():
            for kind, outputs in kinds.items() if isinstance(kinds, dict) else ():
                path = f"connections.{source}.{kind}"
                if kind != "main":
                    self.sheet.lose(path, f"There are no connections of the kind “{kind}” here.")
                    continue
                for output, targets in enumerate(outputs if isinstance(outputs, list) else ()):
                    for target in targets if isinstance(targets, list) else ():
                        count += 1
                        if count > MAX_CONNECTIONS:
                            raise Unprocessable(f"The workflow has more than {MAX_CONNECTIONS:,} connections; no more can be imported.")
                        name = target.get("node") if isinstance(target, dict) else None
                        if source in self._keys and isinstance(name, str) and name in self._keys:
                            yield f"{path}.{output}", source, output, name
                        else:
                            missing = name if source in self._keys else source
                            self.sheet.lose(f"{path}.{output}", f"There is no node “{missing}” to connect.")

    def _connect(self, path: str, source: str, output: int, target: str) -> None:
        key = self._keys[source]
        ports = self._ports.get(source, (MAIN,))
        if output < len(ports):
            self.sheet.connect(path, key, self._keys[target], ports[output])
        elif output == len(ports) and any(node.key == key and node.on_error == "branch" for node in self.sheet.nodes):
            self.sheet.connect(path, key, self._keys[target], ERROR)
        else:
            self.sheet.lose(path, f"“{source}” has no output number {output + 1} here: connect “{target}” to the one that is meant.")

    def _follow(self) -> None:
        """What each node takes in and puts out; several things at once in a loop, and behind one."""
        before: dict[str, set[str]] = {title: set() for title in self._keys}
        after: dict[str, set[str]] = {title: set() for title in self._keys}
        for _, source, _, target in self._ways:
            before[target].add(source)
            after[source].add(target)
        awaited = {title: len(sources) for title, sources in before.items()}
        ready = [title for title, count in awaited.items() if not count]
        while ready:
            title = ready.pop()
            found = {self._put_out[source] for source in before[title]}
            # As it is said there, where the document doesn't hold what comes before.
            self._taken_in[title] = taken = "plain" if not found else found.pop() if len(found) == 1 else "unsure"
            self._put_out[title] = self._passed_on(title, taken)
            for target in after[title]:
                awaited[target] -= 1
                if not awaited[target]:
                    ready.append(target)

    def _passed_on(self, title: str, taken: Kind) -> Kind:
        node = self._given[title][1]
        counterpart = COUNTERPARTS.get(_kind(node))
        if counterpart is None:
            return "plain"
        return taken if node.get("disabled") is True else counterpart.puts_out(_parameters(node), taken)


def _parameters(node: JsonObject) -> JsonObject:
    found = node.get("parameters")
    return found if isinstance(found, dict) else {}


def _kind(node: JsonObject) -> str:
    return str(node.get("type") or "")


def _position(value: Any) -> Position:
    """`[x, y]` there."""
    if not isinstance(value, list) or len(value) != 2 or any(isinstance(one, bool) or not isinstance(one, int | float) for one in value):
        return Position()
    x, y = (max(-_FAR, min(_FAR, one)) for one in value)
    return Position(x=round(x * _WIDER / _PLACES) * _PLACES, y=round(y / _PLACES) * _PLACES)
