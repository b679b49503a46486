"""`{nodes, edges, trigger?}`: graphs of start, send_notification, http_call, delay and branch nodes, with JSONLogic for conditions."""

from collections.abc import Callable, Iterator
from typing import Any

from backend.errors import Unprocessable
from backend.importing.logic import under_payload
from backend.importing.requests import http_request
from backend.importing.sheet import Role, Sheet, free_label
from backend.importing.texts import carried, path_of
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAX_CONNECTIONS, MAX_NODES, Position

_PARTS = ("nodes", "edges", "trigger", "name", "description")
# How nodes and edges look in the editor that they come from.
_LOOKS = ("className", "selected", "style", "type", "zIndex")
_NODE_LOOKS = (
    *("draggable", "dragging", "height", "measured", "position", "positionAbsolute", "sourcePosition", "targetPosition", "width"),
    *_LOOKS,
)
_EDGE_LOOKS = ("animated", "interactionWidth", "labelBgStyle", "labelStyle", "markerEnd", "markerStart", *_LOOKS)
_RESERVED = ("main", "error", "else", "timeout")
_LABEL_SIZE = 100
_DIGITS = 16
_FAR = 100_000


def is_one(value: Any) -> bool:
    """Whether this is such a graph, and not a document of ours."""
    if not isinstance(value, dict) or "trestle" in value or not isinstance(value.get("nodes"), list):
        return False
    return "edges" in value or any(isinstance(node, dict) and "id" in node and "key" not in node for node in value["nodes"])


def drawn(graph: JsonObject, name: str) -> Sheet:
    """The graph as it is here. Raises Unprocessable where it is too large."""
    return _Drawing(graph, name).sheet


class _Drawing:
    def __init__(self, graph: JsonObject, name: str) -> None:
        self.sheet = Sheet(name)
        self._trigger = graph.get("trigger")
        self._keys: dict[str, str] = {}
        """Keys by the ids there. Every start is the one trigger."""
        self._ports: dict[str, dict[str, str]] = {}
        """Of branches, by key: a case's label → its port."""
        self._nexts: list[tuple[str, str, str, Any]] = []
        """Of branches: path, key, port and where the case leads."""
        nodes, edges = graph["nodes"], graph.get("edges") or []
        if not isinstance(edges, list):
            self.sheet.lose("edges", "This is no list.")
            edges = []
        if len(nodes) > MAX_NODES:
            raise Unprocessable(f"The graph has {len(nodes):,} nodes; at most {MAX_NODES} can be imported.")
        if len(edges) > MAX_CONNECTIONS:
            raise Unprocessable(f"The graph has {len(edges):,} edges; at most {MAX_CONNECTIONS:,} can be imported.")
        self._draw_trigger(nodes)
        for place, node in enumerate(nodes):
            self._draw(f"nodes.{place}", node)
        if sum(len(target) if isinstance(target, list) else 1 for *_, target in self._nexts) > MAX_CONNECTIONS:
            raise Unprocessable(f"The graph's cases lead to more than {MAX_CONNECTIONS:,} nodes; no more can be imported.")
        for path, key, port, target in self._nexts:
            self._lead(path, key, port, target)
        for place, edge in enumerate(edges):
            self._connect(f"edges.{place}", edge)
        self._begin()
        self.sheet.lose_others(graph, _PARTS, "")

    def _draw_trigger(self, nodes: list[Any]) -> None:
        start = next((node for node in nodes if isinstance(node, dict) and node.get("type") == "start"), {})
        kind, config = self._of_trigger()
        ident, data = _ident(start), start.get("data")
        label = data.get("label") if isinstance(data, dict) else None
        self._start = self.sheet.add(ident or "start", kind, config, name=label, position=_position(start))

    def _of_trigger(self) -> tuple[str, JsonObject]:
        rule = self._trigger
        if rule is None or rule == {}:
            return "trigger.webhook", {}
        if rule is True:
            return "trigger.event", {}
        if isinstance(rule, dict):
            return "trigger.event", {"condition": rule}  # its data is the event itself, there as here
        self.sheet.lose("trigger", "This is no JSONLogic rule: as it stands now, no event starts the workflow. Write the condition anew.")
        return "trigger.event", {"condition": {"==": [1, 0]}}

    def _draw(self, path: str, node: Any) -> None:
        ident = _ident(node) if isinstance(node, dict) else ""
        if not isinstance(node, dict) or not ident:
            self.sheet.lose(path, "A node is an object with an `id`.")
            return
        if ident in self._keys:
            self.sheet.lose(path, f"There is a node with the id “{ident}” already. Edges lead to that one.")
            return
        data = node.get("data")
        if not isinstance(data, dict):
            if data is not None:
                self.sheet.lose(f"{path}.data", "This is no object.")
            data = {}
        self.sheet.lose_others(node, ("id", "data", *_NODE_LOOKS), path)
        kind = str(node.get("type") or "")
        if kind == "start":
            self._keys[ident] = self._start
            self.sheet.lose_others(data, ("label",), f"{path}.data")
            return
        read = _KINDS.get(kind)
        if read is None:
            self.sheet.lose(f"{path}.type", f"There is no counterpart to “{kind}”. Its place is kept: put another node there.")
            type_, config = kind, data
        else:
            type_, config, known = read(self, f"{path}.data", data)
            self.sheet.lose_others(data, ("label", *known), f"{path}.data")
        key = self._keys[ident] = self.sheet.add(ident, type_, config, name=data.get("label"), position=_position(node))
        if kind == "send_notification" and isinstance(role := config.get("to_role"), str) and "{{" not in role:
            self.sheet.roles.append(Role(key, role))
        if kind == "branch":
            self._ports[key] = {}
            for where, label, port, target in self._cases:
                self._ports[key].setdefault(label or port, port)
                self._nexts.append((where, key, port, target))

    def _notification(self, path: str, data: JsonObject) -> tuple[str, JsonObject, tuple[str, ...]]:
        config = {"to_role": carried(data.get("toRole")), "message": carried(data.get("message")), "title": carried(data.get("title"))}
        return "notify", {name: value for name, value in config.items() if value is not None}, ("toRole", "message", "title")

    def _http(self, path: str, data: JsonObject) -> tuple[str, JsonObject, tuple[str, ...]]:
        return "http.request", http_request(self.sheet, path, data, body="body"), ("method", "url", "headers", "body")

    def _delay(self, path: str, data: JsonObject) -> tuple[str, JsonObject, tuple[str, ...]]:
        ms = data.get("ms")
        if isinstance(ms, str) and (expression := path_of(ms)):
            return "delay", {"duration_s": f"{{{{ {expression} / 1000 }}}}"}, ("ms",)
        if isinstance(ms, str) and ms.strip().isdecimal() and len(ms) < _DIGITS:
            ms = int(ms)
        if isinstance(ms, bool) or not isinstance(ms, int | float) or ms < 0:
            if ms is not None:
                self.sheet.lose(f"{path}.ms", "This is no number of milliseconds. Give the delay a duration.")
            return "delay", {}, ("ms",)
        return "delay", {"duration_s": int(ms) // 1000 if ms % 1000 == 0 else ms / 1000}, ("ms",)

    def _branch(self, path: str, data: JsonObject) -> tuple[str, JsonObject, tuple[str, ...]]:
        self._cases = list(self._read_cases(f"{path}.cases", data.get("cases")))
        return "branch", {"cases": self._conditions}, ("cases",)

    def _read_cases(self, path: str, cases: Any) -> Iterator[tuple[str, str, str, Any]]:
        """Path, label there, port here and target of each case."""
        self._conditions: list[JsonObject] = []
        taken = dict.fromkeys(_RESERVED, 1)
        has_else = False
        if not isinstance(cases, list):
            self.sheet.lose(path, "This is no list of cases.")
            return
        for place, case in enumerate(cases):
            where = f"{path}.{place}"
            if not isinstance(case, dict):
                self.sheet.lose(where, "A case is an object.")
                continue
            self.sheet.lose_others(case, ("label", "condition", "next", "else"), where)
            label = str(case.get("label") or "").strip()
            if case.get("else") is True:
                if has_else:
                    self.sheet.lose(where, "There is one “else” only: this one is never reached.")
                    continue
                has_else = True
                if "condition" in case:
                    self.sheet.lose(f"{where}.condition", "“Else” has no condition.")
                yield where, label or "else", "else", case.get("next")
                continue
            port = free_label(label[:_LABEL_SIZE] or f"case {place + 1}", taken)
            if label and port != label:
                self.sheet.lose(f"{where}.label", f"“{label}” is taken here, or too long: the case is called “{port}”.")
            self._conditions.append({"label": port, "condition": self._condition(f"{where}.condition", case.get("condition"))})
            yield where, label, port, case.get("next")

    def _condition(self, path: str, rule: Any) -> Any:
        if isinstance(rule, bool) or (isinstance(rule, dict) and rule):
            return under_payload(rule)
        self.sheet.lose(path, "This is no JSONLogic rule. Write the condition anew.")
        return rule

    def _lead(self, path: str, key: str, port: str, target: Any) -> None:
        for one in target if isinstance(target, list) else [target]:
            if one is None or one == "":
                continue
            found = self._keys.get(str(one))
            if found is None or found == self._start:
                self.sheet.lose(f"{path}.next", f"There is no node “{one}” to lead to.")
            else:
                self.sheet.connect(f"{path}.next", key, found, port)

    def _connect(self, path: str, edge: Any) -> None:
        if not isinstance(edge, dict):
            self.sheet.lose(path, "An edge is an object with `source` and `target`.")
            return
        source, target = (self._keys.get(_text(edge.get(end))) for end in ("source", "target"))
        if source is None or target is None:
            missing = edge.get("source") if source is None else edge.get("target")
            self.sheet.lose(path, f"There is no node “{missing}” to connect.")
            return
        if target == self._start:
            if source != target:
                self.sheet.lose(path, "Nothing leads to the start: executions begin there.")
            return
        self.sheet.lose_others(edge, ("id", "source", "target", "sourceHandle", "targetHandle", "label", *_EDGE_LOOKS), path)
        if source not in self._ports:
            self.sheet.connect(path, source, target)
            return
        labels = self._ports[source]
        said = next((labels[text] for name in ("sourceHandle", "label") if (text := _text(edge.get(name))) in labels), None)
        if said is not None:
            self.sheet.connect(path, source, target, said)
        elif all((wire.source, wire.target) != (source, target) for wire in self.sheet.wires):
            self.sheet.lose(path, "It leaves a branch, and no case leads there: connect the case that is meant.")

    def _begin(self) -> None:
        """Without a start, what nothing leads to begins."""
        if any(wire.source == self._start for wire in self.sheet.wires) or self._start in self._keys.values():
            return
        reached = {wire.target for wire in self.sheet.wires}
        for node in self.sheet.nodes:
            if node.key not in reached and node.key != self._start:
                self.sheet.connect("nodes", self._start, node.key)


_Reader = Callable[[_Drawing, str, JsonObject], tuple[str, JsonObject, tuple[str, ...]]]
_KINDS: dict[str, _Reader] = {
    "send_notification": _Drawing._notification,
    "http_call": _Drawing._http,
    "delay": _Drawing._delay,
    "branch": _Drawing._branch,
}


def _ident(node: JsonObject) -> str:
    return _text(node.get("id"))


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _position(node: JsonObject) -> Position:
    at = node.get("position")
    x, y = (at.get("x"), at.get("y")) if isinstance(at, dict) else (None, None)
    if isinstance(x, int | float) and isinstance(y, int | float):
        return Position(x=max(-_FAR, min(_FAR, x)), y=max(-_FAR, min(_FAR, y)))
    return Position()
