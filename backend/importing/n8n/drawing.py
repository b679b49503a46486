"""n8n's workflows: `{nodes: [{name, type, parameters, …}], connections: {name: {main: [[…]]}}}`.

Nodes that have a counterpart become it, as far as what they are set to do can be said here exactly; the others keep their place.
Where a node ran once for each item there, it does so here where that is known, and otherwise it is told.
"""

from dataclasses import replace
from itertools import combinations
from typing import Any

from backend.errors import Unprocessable
from backend.importing.n8n.counterparts import COUNTERPARTS, is_each
from backend.importing.n8n.elsewhere import flow_of, instead_of
from backend.importing.n8n.expressions import Reader, Source
from backend.importing.n8n.flow import Flow
from backend.importing.n8n.parameters import Made, Parameters, each_wanted
from backend.importing.n8n.wiring import JOINING, Decided, Way, Wiring, common, exclude
from backend.importing.sheet import Sheet
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import ERROR, MAIN, MAX_NODES, ForEach, Node, Position, RetryPolicy

_WIDER = 1.4  # its cards are half as wide
_PLACES = 10
_FAR = 100_000
_BELOW = 120
_MOST_RIVALS = 50
_NOTES_SIZE = 10_000
_DIGITS = 6
_NOTHING_LEFT = "Where nothing is left, nothing runs behind this node here. n8n goes on with one empty item."
_LOOKS = ("id", "name", "type", "typeVersion", "position", "parameters", "webhookId", "notesInFlow")
_SETTINGS = (
    *("disabled", "notes", "retryOnFail", "maxTries", "waitBetweenTries", "onError", "continueOnFail", "credentials", "executeOnce"),
    "alwaysOutputData",
)
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
        if len(document["nodes"]) > MAX_NODES:
            raise Unprocessable(f"The workflow has {len(document['nodes']):,} nodes; at most {MAX_NODES} can be imported.")
        self.sheet = Sheet(name)
        settings = document.get("settings")
        zone = settings.get("timezone") if isinstance(settings, dict) else None
        self._timezone = zone if isinstance(zone, str) else None
        pinned = document.get("pinData")
        self._pinned: JsonObject = pinned if isinstance(pinned, dict) else {}
        self._given: dict[str, tuple[str, JsonObject]] = {}
        """By the names there: the path, and what stood there."""
        for place, node in enumerate(document["nodes"]):
            self._take(f"nodes.{place}", node)
        self._wiring = Wiring(self.sheet, self._given, document.get("connections") or {})
        self._keys: dict[str, str] = {}
        """Keys by the names there."""
        for title, (path, node) in self._given.items():
            if title not in self._wiring.loops:
                self._add(title, path, node)
        self._sources: dict[str, Source] = {}
        self._made: dict[str, Made] = {}
        self._decided: dict[str, Decided] = {}
        self._above: dict[str, set[str]] = {}
        """All that is on the way to a node, by names."""
        self._others: dict[str, list[tuple[int, str]]] = {}
        """Further nodes that stand for one of ours: output and key."""
        self._fill_all()
        for way in self._wiring.ways:
            self._connect(way)
        self._tell_unanswered()
        self.sheet.lose_others(document, ("nodes", "connections", "name", "description", "pinData", "staticData", *_WHOLE), "")
        if pinned:
            self.sheet.lose("pinData", "Pinned data stays behind: run the nodes once, and pin what they put out.")
        self.sheet.unmapped.sort(key=lambda loss: _place(loss.path))

    def _take(self, path: str, node: Any) -> None:
        title = node.get("name") if isinstance(node, dict) else None
        if not isinstance(node, dict) or not isinstance(title, str) or not title.strip():
            self.sheet.lose(path, "A node is an object with a `name`.")
        elif title in self._given:
            self.sheet.lose(path, f"There is a node “{title}” already. Connections lead to that one.")
        else:
            self._given[title] = path, node

    def _add(self, title: str, path: str, node: JsonObject) -> None:
        kind = _kind(node)
        type_ = COUNTERPARTS[kind].type if kind in COUNTERPARTS else kind
        self._keys[title] = self.sheet.add(title, type_, {}, name=title, position=_position(node.get("position")))

    def _fill_all(self) -> None:
        """Each node after those that lead to it; those in a circle come last, and what they take in is not known."""
        nodes = {node.key: node for node in self.sheet.nodes}
        for title in self._wiring.order(self._keys):
            node = nodes[self._keys[title]]
            made = self._made[title] = self._fill(title, node)
            out = self._taken(title) if node.disabled else made.out
            self._sources[title] = Source(node.key, self._as_pinned(title, out, node.key))
            for loop, before in self._wiring.loops.items():
                if before == title:  # what a loop gives is what led to it, item by item
                    source = self._sources[title]
                    self._sources[loop] = replace(source, flow=replace(source.flow.listed(), line=source.flow.line or node.key))

    def _as_pinned(self, title: str, out: Flow, key: str) -> Flow:
        """Pinned data shows whether a response was a list."""
        pinned = self._pinned.get(title)
        if out.amount == "one" and out.kind == "http" and isinstance(pinned, list) and len(pinned) > 1:
            return replace(out.listed(), line=key)
        return out

    def _taken(self, title: str) -> Flow:
        """What a node takes in."""
        flows = set()
        for way in self._wiring.into(title):
            source = self._sources.get(way.source)
            if source is None:
                return Flow("unsure")
            flow = source.flow
            if way.looped:
                flow = flow.listed()
            if flow.amount == "list" and not flow.line:
                flow = replace(flow, line="" if way.source in self._others else source.key)
            flows.add(replace(flow, origin=flow.origin or way.source) if flow.amount == "many" else flow)
        if len(flows) < 2:
            # As it is said there, where the document doesn't hold what comes before.
            return flows.pop() if flows else Flow()
        many = [flow for flow in flows if flow.amount != "one"]
        kinds = {(flow.kind, flow.added) for flow in flows}
        kind, added = kinds.pop() if len(kinds) == 1 else ("unsure", frozenset())
        same = len(many) == len(flows) and len({(flow.amount, flow.at) for flow in many}) == 1
        if same:
            return replace(many[0], kind=kind, added=added, line="")
        return Flow(kind, "many", added=added, origin=many[0].origin) if many else Flow(kind, added=added)

    def _fill(self, title: str, node: Node) -> Made:
        path, given = self._given[title]
        first = len(self.sheet.unmapped)
        kind, parameters = _kind(given), _parameters(given)
        taken = self._taken(title)
        counterpart = COUNTERPARTS.get(kind)
        before = self._before(title)
        self._tell_rivals(title, path)
        if counterpart is None:
            often = " It ran once for each item there." if taken.amount != "one" and given.get("executeOnce") is not True else ""
            self.sheet.lose(f"{path}.type", f"There is no counterpart to “{kind}”; its place is kept. {instead_of(kind)}{often}")
            node.config = parameters
            self._settings(node, path, {**given, "credentials": None}, first)
            return Made(parameters, flow_of(kind, title, parameters, taken))
        root, each = "input", is_each(kind, parameters)
        once = given.get("executeOnce") is True
        several = taken.amount != "one"
        if several and not once and each:
            if taken.amount == "many":
                self.sheet.lose(path, each_wanted(taken))
            node.for_each = ForEach(items=f"{{{{ input{taken.at} }}}}", concurrency=5 if node.type == "http.request" else 1)
            root = "item"
        elif counterpart.runs == "list":
            taken, root = self._listed(title, taken), "item"
        elif several and not once and counterpart.runs == "sieve":
            root = "item"
        elif several:
            root = taken.first("input")
        seen = replace(taken, amount="one", at="") if once and several and counterpart.runs != "list" else taken
        read = Reader(self.sheet, seen, before, root)
        used = frozenset(self._wiring.outputs(title))
        made_of = Parameters(self.sheet, path, node.key, _version(given), parameters, read, seen, self._inputs(title), used, self._timezone)
        made = counterpart.make(made_of)
        made_of.tell_others()
        node.type, node.config, node.join = made.type or node.type, made.config, made.join
        self._settings(node, path, given, first)
        if given.get("alwaysOutputData") is True and (node.type == "filter" or made.out.amount != "one"):
            self.sheet.lose(f"{path}.alwaysOutputData", _NOTHING_LEFT)
        self._add_others(title, node, made)
        if node.for_each is not None:
            made = replace(made, out=replace(made.out, amount="list", at="", line=taken.line or node.key))
        return made

    def _listed(self, title: str, taken: Flow) -> Flow:
        """What a node of lists takes in."""
        origin = next((way.source for way in self._wiring.into(title)), "")
        return replace(taken.listed(), origin=taken.origin or origin)

    def _inputs(self, title: str) -> dict[int, list[tuple[str, Flow]]]:
        """By the number of the input: the keys of what leads there, and what comes."""
        found: dict[int, list[tuple[str, Flow]]] = {}
        for place, ways in self._wiring.by_input(title).items():
            sources = [self._sources[way.source] for way in ways if way.source in self._sources]
            found[place] = [(source.key, source.flow) for source in sources]
        return found

    def _add_others(self, title: str, node: Node, made: Made) -> None:
        for other in made.others:
            at = Position(x=node.position.x, y=node.position.y + _BELOW * (len(self._others.get(title, ())) + 1))
            key = self.sheet.add(f"{title} {other.output + 1}", other.type, other.config, name=f"{title} ({other.output + 1})", position=at)
            self.sheet.nodes[-1].disabled = node.disabled
            self._others.setdefault(title, []).append((other.output, key))

    def _before(self, title: str) -> dict[str, Source]:
        """The nodes on the way to this one, by their names, with the loops that were on it. Of a circle something is taken out later."""
        above: set[str] = set()
        for way in self._wiring.into(title):
            circles = {way.source, title} <= self._wiring.circular
            if way.source in self._made and self._leaving(way) and not circles:
                above |= {way.source} | self._above[way.source]
        self._above[title] = above
        loops = {loop for loop, before in self._wiring.loops.items() if before in above}
        return {name: self._sources[name] for name in above | loops if name in self._sources}

    def _tell_unanswered(self) -> None:
        """A webhook that waits for a node's answer, and no node that gives one."""
        if any(node.type == "webhook.respond" for node in self.sheet.nodes):
            return
        for title, key in self._keys.items():
            if any(node.key == key and node.config.get("respond") == "node" for node in self.sheet.nodes):
                reason = "No node answers the caller. Put a Respond node where it is to, or choose another answer."
                self.sheet.lose(f"{self._given[title][0]}.parameters.responseMode", reason)

    def _tell_rivals(self, title: str, path: str) -> None:
        """Where several nodes lead to one, which n8n runs for each of them. Those of which one only is ever taken are no matter."""
        circular = self._wiring.circular
        ways = [way for way in self._wiring.into(title) if title not in circular or way.source not in circular]
        decided: list[Decided] = []
        for way in ways:
            found = {name: set(outputs) for name, outputs in self._decided.get(way.source, {}).items()}
            if way.source in self._made and not self._others.get(way.source):
                found.setdefault(way.source, set()).add(way.output)
            decided.append(found)
        begun = {} if ways or not self._is_trigger(title) else {"": {title}}
        self._decided[title] = common(decided) if ways else begun
        if _kind(self._given[title][1]) in JOINING:
            return
        for place, rival in combinations(range(min(len(ways), _MOST_RIVALS)), 2):
            one, other = ways[place].source, ways[rival].source
            if one != other and not exclude(decided[place], decided[rival]):
                self.sheet.lose(path, _rivals(one, other))
                return

    def _is_trigger(self, title: str) -> bool:
        kind = _kind(self._given[title][1])
        return kind.endswith("Trigger") or (kind in COUNTERPARTS and COUNTERPARTS[kind].type.startswith("trigger."))

    def _settings(self, node: Node, path: str, given: JsonObject, first: int) -> None:
        """`first`: the number of this node's first remark."""
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
        told = any(loss.path == f"{path}.parameters.authentication" for loss in self.sheet.unmapped[first:])
        for kind in () if told else given.get("credentials") or ():
            self.sheet.lose(f"{path}.credentials.{kind}", "Secrets don't come along. Choose a credential, or make one.")
        self.sheet.lose_others(given, (*_LOOKS, *_SETTINGS), path)

    def _connect(self, way: Way) -> None:
        targets = [self._keys[way.target], *(key for _, key in self._others.get(way.target, ()))]
        leaving = self._leaving(way)
        if not leaving:
            self.sheet.lose(
                way.path, f"“{way.source}” has no output number {way.output + 1} here: connect “{way.target}” to the one that is meant."
            )
        for source, port in leaving:
            for target in targets:
                self.sheet.connect(way.path, source, target, port)

    def _leaving(self, way: Way) -> list[tuple[str, str]]:
        """Key and port of what it begins at here; several where several cases left by one output."""
        key, made = self._keys[way.source], self._made[way.source]
        other = next((other for output, other in self._others.get(way.source, ()) if output == way.output), None)
        if other is not None:
            return [(other, MAIN)]
        if way.output < len(made.ports):
            return [(key, port) for port in made.ports[way.output]]
        branches = way.output == len(made.ports) and any(node.key == key and node.on_error == "branch" for node in self.sheet.nodes)
        return [(key, ERROR)] if branches else []


def _rivals(one: str, other: str) -> str:
    return (
        f"“{one}” and “{other}” both lead here, and n8n runs this node for each of them. Here it runs once, with both: its input is an "
        "object of their outputs by their keys. Put a node like this one behind each of them, or a Merge in front."
    )


def _place(path: str) -> int:
    """Remarks stand in the order of the nodes, and the others behind them."""
    first, _, rest = path.partition(".")
    number = rest.partition(".")[0]
    return int(number) if first == "nodes" and number.isdecimal() and len(number) < _DIGITS else MAX_NODES


def _parameters(node: JsonObject) -> JsonObject:
    found = node.get("parameters")
    return found if isinstance(found, dict) else {}


def _kind(node: JsonObject) -> str:
    return str(node.get("type") or "")


def _version(node: JsonObject) -> float:
    """0 where none is said."""
    found = node.get("typeVersion")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < _FAR else 0


def _position(value: Any) -> Position:
    """`[x, y]` there."""
    if not isinstance(value, list) or len(value) != 2 or any(isinstance(one, bool) or not isinstance(one, int | float) for one in value):
        return Position()
    x, y = (max(-_FAR, min(_FAR, one)) for one in value)
    return Position(x=round(x * _WIDER / _PLACES) * _PLACES, y=round(y / _PLACES) * _PLACES)
