"""Workflows in n8n's shapes, what they become, and whether publishing would refuse anything that no remark names; and they run."""

import json
from typing import Any

from backend.catalogue.service import NodeTypes
from backend.importing import n8n
from backend.importing.sheet import Sheet
from backend.workflows.checks import Checks
from backend.workflows.problems import find
from tests.backend.catalogue import shipped
from tests.executor.engine_kit import Kit
from trestle.contracts.graph import Connection, WorkflowSettings, impossible
from trestle.contracts.node_types import NodeType

TYPES = NodeTypes((), {kind["type"]: NodeType.model_validate(kind) for kind in json.loads(shipped())})


def node(name: str, kind: str, parameters: dict[str, Any] | None = None, version: float = 1, **others: Any) -> dict[str, Any]:
    """A node as the clipboard has it."""
    return {
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters or {},
        **others,
    }


def document(nodes: list[dict[str, Any]], *ways: str, **others: Any) -> dict[str, Any]:
    """A workflow with these connections: `A > B`, `A:1 > B` from the second output, `A > B:1` into the second input."""
    connections: dict[str, Any] = {}
    for way in ways:
        (source, output), (target, place) = (_end(part) for part in way.split(" > "))
        outputs = connections.setdefault(source, {"main": []})["main"]
        outputs += [[] for _ in range(output + 1 - len(outputs))]
        outputs[output].append({"node": target, "type": "main", "index": place})
    return {"nodes": nodes, "connections": connections, **others}


def _end(part: str) -> tuple[str, int]:
    name, _, number = part.strip().partition(":")
    return name, int(number or 0)


class Converted:
    """What an import makes of a document."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.sheet: Sheet = n8n.drawn(given, "W")
        self.connections: list[Connection] = self.sheet.connections()
        self.nodes = {node.key: node for node in self.sheet.nodes}
        self.configs: dict[str, list[Any]] = {node.key: [node.type, node.config] for node in self.sheet.nodes}
        self.wires = {f"{wire.source}:{wire.source_port}>{wire.target}" for wire in self.connections}
        self.told = {loss.path: loss.reason for loss in self.sheet.unmapped}
        names = {node["name"]: place for place, node in enumerate(given["nodes"])}
        self._places = {node.key: names.get(node.name) for node in self.sheet.nodes}
        assert impossible(self.sheet.nodes, self.connections) == []
        unsaid = [problem for problem in self._problems() if not self._is_told(problem.node)]
        assert unsaid == [], "a red field that no remark names"

    def _problems(self) -> list[Any]:
        found = find(self.sheet.nodes, self.connections, WorkflowSettings(), TYPES, {}, Checks())
        return [problem for problem in found if problem.node is not None]

    def _is_told(self, key: str) -> bool:
        place = f"nodes.{self._places[key]}"
        return any(path == place or path.startswith(f"{place}.") for path in self.told)

    def said_of(self, key: str) -> list[str]:
        """The remarks at a node."""
        place = f"nodes.{self._places[key]}"
        return [reason for path, reason in self.told.items() if path == place or path.startswith(f"{place}.")]

    async def run(self, input: Any, **told: Any) -> Any:
        """The outputs by key of an execution that begins at the first node; `told`: what requests give, by the key of their node."""
        kit = Kit()
        kit.nodes = [item.model_copy(update={"type": "told"}) if item.key in told else item for item in self.sheet.nodes]
        kit.connections = self.connections
        kit.does("told", lambda config, value, ctx: told[ctx.node](config, ctx.item))
        await kit.execute(input, trigger={"node": self.sheet.nodes[0].key, "kind": "manual"})
        self.reporter = kit.reporter
        return {step.node: kit.reporter.output(step.node) for step in kit.reporter.steps if step.item is None}


START = node("Start", "webhook", {"path": "x", "httpMethod": "POST"}, 2)


def behind(kind: str, parameters: dict[str, Any], version: float = 1, **others: Any) -> Converted:
    """The node behind a Set that gives `{a: …}`."""
    before = node("Before", "set", {"values": {"string": [{"name": "a", "value": "1"}]}, "keepOnlySet": True}, 1)
    begins = kind in ("cron", "interval") or kind.endswith("Trigger")
    ways = ["Start > Before", *([] if begins else ["Before > It"])]
    return Converted(document([START, before, node("It", kind, parameters, version, **others)], *ways))


def told_of(converted: Converted) -> set[str]:
    """Where in it something is told: parameters by their own path."""
    return {path.removeprefix("nodes.2.").removeprefix("parameters.") for path in converted.told}
