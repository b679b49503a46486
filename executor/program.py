"""A snapshot made ready to run: nodes found, expressions compiled, layouts kept. One serves all executions pinned to it."""

from typing import Any

from executor.config import ConfigTemplate
from executor.errors import NodeError, UnknownNodeType
from executor.node import Node as Kind
from executor.plan import Layout
from executor.registry import Registry
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAIN, Node, RetryPolicy, Snapshot
from trestle.contracts.node_types import Effect
from trestle.contracts.resume_tokens import TokenKind
from trestle.language import LanguageError, Template, compile_config

NO_RETRY = RetryPolicy()


class Prepared:
    """One node of a snapshot. What is wrong with it is told when it runs: a draft may hold half-finished nodes that aren't reached."""

    def __init__(self, node: Node, registry: Registry, default_on_error: str) -> None:
        self.node = node
        self.key = node.key
        self.label = f"The node “{node.key}”"
        self.looks_at_payload = True
        self.type = node.type
        self.retry = node.retry or NO_RETRY
        self.on_error = node.on_error or default_on_error
        self._registry = registry
        self._kind: Kind[Any] | None = None
        self._schema: JsonObject = {}
        self._compiled: ConfigTemplate[Any] | None = None
        self._items: Template | None = None
        self._effect_varies = False
        self.pass_port = MAIN
        """The port by which a disabled or pinned node passes something on."""
        if node.type in registry:
            self._kind = registry.get(node.type)
            described = registry.type_of(node.type)
            self._schema = described.config_schema
            self._effect_varies = type(self._kind).effect_of is not Kind.effect_of
            ports = described.ports(node.config)
            self.pass_port = MAIN if MAIN in ports or not ports else ports[0]

    @property
    def kind(self) -> Kind[Any]:
        """What runs it. Raises `NodeError` where this executor has no such node."""
        if self._kind is not None:
            return self._kind
        try:
            return self._registry.get(self.type)
        except UnknownNodeType as error:
            raise NodeError(str(error), hint="Install the node on the executor, or use another one.", type="UnknownNodeType") from None

    def require(self) -> None:
        """Raises `NodeError` or `LanguageError` where the node can't run at all."""
        self.template  # noqa: B018  # compiling it is the check

    @property
    def template(self) -> ConfigTemplate[Any]:
        """Its config, compiled when first asked for. Raises `LanguageError`, `NodeError`."""
        if self._compiled is None:
            self._compiled = ConfigTemplate(self.kind, self._schema, self.node.config)
            self.looks_at_payload = "payload" in self._compiled.names()
        return self._compiled

    @property
    def items(self) -> Template:
        """The for-each list, compiled. Raises `LanguageError`."""
        if self._items is None:
            if self.node.for_each is None:
                raise ValueError(f"{self.key} has no for_each")
            try:
                self._items = compile_config({"items": self.node.for_each.items})
            except LanguageError as error:
                raise error.at("for_each.items", "") from None
        return self._items

    def effect(self, config: Any) -> Effect:
        """What a step with this config does to the world."""
        return self.kind.effect_of(config) if self._effect_varies else self.kind.effect

    @property
    def pure(self) -> bool:
        """Whether it is pure whatever its config. An unknown node fails before it does anything."""
        return self._kind is None or (self._kind.effect == "pure" and not self._effect_varies)

    @property
    def answered_by(self) -> TokenKind | None:
        """Who ends its waits from outside."""
        return self._kind.answered_by if self._kind is not None else None

    def ports(self) -> list[str]:
        """The ports that it may leave by."""
        return self._registry.type_of(self.type).ports(self.node.config)


class Program:
    """A snapshot's nodes, prepared, and the layouts of the runs over it."""

    def __init__(self, snapshot: Snapshot, registry: Registry) -> None:
        self.snapshot = snapshot
        self.registry = registry
        self.nodes = {node.key: Prepared(node, registry, snapshot.settings.on_error) for node in snapshot.nodes}
        self._layouts: dict[tuple[str, str | None], Layout] = {}
        self.answered = {key: kind for key, prepared in self.nodes.items() if (kind := prepared.answered_by) is not None}
        """Nodes whose waits are answered from outside, and by whom."""

    def layout(self, start: str, until: str | None) -> Layout:
        """The part of the graph that a run from `start` takes. Raises `PlanError`."""
        layout = self._layouts.get((start, until))
        if layout is None:
            layout = Layout.of(self.snapshot.nodes, self.snapshot.connections, start, until=until)
            self._layouts[start, until] = layout
        return layout

    def layout_alone(self, key: str) -> Layout:
        """A run of one node. Raises `PlanError`."""
        self.layout(key, key)
        return Layout.alone(key)
