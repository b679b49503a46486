"""A workflow's graph: nodes, connections, settings, and what can be said of it without knowing any node type."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from trestle.contracts.base import JsonObject, JsonValue, Key, Request
from trestle.contracts.problems import FieldError

MAIN = "main"
ERROR = "error"
NOTE = "note"
"""The type of sticky notes: text on the canvas. They stand among the nodes, so that whatever is done to a graph is done to them; nothing
leads to or from one, and nothing of them runs."""
STOPPED = ""
"""Left by a step that ended its execution. No connection can hang on it."""
MAX_NODES = 500
MAX_CONNECTIONS = 5_000


class Position(Request):
    """Where the card stands on the canvas, in pixels at zoom 1."""

    x: float = 0
    y: float = 0


class RetryPolicy(Request):
    """How often a failing node is tried, and how long to wait in between. Delays are in seconds."""

    max_attempts: int = Field(1, ge=1, le=100)
    backoff: Literal["fixed", "exponential"] = "exponential"
    delay_s: float = Field(1, ge=0, le=86_400)
    max_delay_s: float = Field(60, ge=0, le=604_800)

    def delay_after(self, attempt: int) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1), without jitter."""
        if self.backoff == "fixed":
            return min(self.delay_s, self.max_delay_s)
        return float(min(self.delay_s * 2.0 ** min(attempt - 1, 60), self.max_delay_s))


class ForEach(Request):
    """Run the node once for each item; its output is the list of results in the items' order."""

    items: JsonValue = Field(description="An expression that gives a list, or a list")
    concurrency: int = Field(5, ge=1, le=1000)
    per_second: float | None = Field(None, gt=0)


class Node(Request):
    """One node of a graph, as it is drawn, stored, exported and run."""

    key: Key
    type: str = Field(min_length=1, max_length=100)
    name: str = Field("", max_length=200)
    config: JsonObject = Field(default_factory=dict)
    position: Position = Field(default_factory=Position)
    retry: RetryPolicy | None = None
    timeout_s: float | None = Field(None, gt=0, le=604_800)
    on_error: Literal["stop", "continue", "branch"] | None = Field(None, description="None: the workflow's setting")
    disabled: bool = False
    for_each: ForEach | None = None
    join: Literal["any", "all"] = "any"
    notes: str = Field("", max_length=10_000)
    pinned: JsonValue = Field(None, description="An output used instead of running, in test runs only")


class Connection(Request):
    """From a node's output port to a node's input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Key
    source_port: str = Field(MAIN, min_length=1, max_length=100)
    target: Key


class ConcurrencyLimit(Request):
    """At most `limit` executions at once, per value of the expression `key` where there is one."""

    limit: int = Field(ge=1)
    key: str | None = None


class WorkflowSettings(Request):
    """What holds for a workflow as a whole. Times are in seconds, ages in days."""

    on_error: Literal["stop", "continue"] = "stop"
    timeout_s: float = Field(3600, gt=0)
    concurrency: ConcurrencyLimit | None = None
    timezone: str = "UTC"
    save_data: Literal["all", "failed", "none"] = "all"
    keep_days: int | None = Field(30, ge=1, le=36_500, description="None: for ever")
    keep_failed_days: int | None = Field(None, ge=1, le=36_500, description="None: twice keep_days")
    keep_count: int | None = Field(None, ge=1, le=2**62, description="Finished executions to keep; None: all")
    keep_bytes: int | None = Field(None, ge=1, le=2**62, description="The same by the size of their data")
    error_workflow: str | None = None


class Graph(Request):
    """Nodes and connections. May be incomplete; `impossible` says whether it is more than that."""

    nodes: list[Node] = Field(default_factory=list, max_length=MAX_NODES)
    connections: list[Connection] = Field(default_factory=list, max_length=MAX_CONNECTIONS)


class Snapshot(BaseModel):
    """An immutable graph with its settings. Executions are pinned to one, whether published or a draft."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="SHA-256 of the canonical JSON of the rest, in hex")
    nodes: list[Node]
    connections: list[Connection]
    settings: WorkflowSettings


def impossible(nodes: Iterable[Node], connections: Iterable[Connection]) -> list[FieldError]:
    """What no draft may hold: duplicate keys, connections to nowhere, to a note or doubled, cycles. Empty where there is none."""
    found: list[FieldError] = []
    keys: set[str] = set()
    notes: set[str] = set()
    for position, node in enumerate(nodes):
        if node.key in keys:
            message = f"Two nodes have the key “{node.key}”. Give one of them another key."
            found.append(FieldError(loc=["nodes", position, "key"], node=node.key, message=message))
        keys.add(node.key)
        if node.type == NOTE:
            notes.add(node.key)
    seen: set[Connection] = set()
    order: TopologicalSorter[str] = TopologicalSorter({key: [] for key in keys})
    for position, connection in enumerate(connections):
        for end, key in (("source", connection.source), ("target", connection.target)):
            if key not in keys:
                message = f"There is no node with the key “{key}”. Add it, or remove the connection."
                found.append(FieldError(loc=["connections", position, end], message=message))
            elif key in notes:
                message = f"“{key}” is a note: nothing leads to it or from it. Remove the connection."
                found.append(FieldError(loc=["connections", position, end], node=key, message=message))
        if connection in seen:
            found.append(FieldError(loc=["connections", position], message="This connection is there twice. Remove one of the two."))
        seen.add(connection)
        order.add(connection.target, connection.source)
    try:
        order.prepare()
    except CycleError as error:
        path = " → ".join(reversed(error.args[1]))
        found.append(FieldError(loc=["connections"], message=f"The connections form a cycle: {path}. Remove one of them."))
    return found


class Outcome(NamedTuple):
    """How a node ended, as its successors see it: the port it left by (None: skipped or failed for good) and its output."""

    port: str | None
    output: Any


def step_input(incoming: Iterable[Connection], outcomes: Mapping[str, Outcome]) -> JsonValue:
    """What reaches a node through its `incoming` connections.

    One taken connection hands on its source's output; several give an object by the sources' keys. A connection is taken
    when its source left by its port. None where nothing was taken: a trigger, or a node that was skipped.
    """
    taken = {c.source: outcomes[c.source].output for c in incoming if c.source in outcomes and outcomes[c.source].port == c.source_port}
    if len(taken) == 1:
        return next(iter(taken.values()))
    return taken or None
