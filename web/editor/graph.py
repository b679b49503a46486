"""What the canvas is handed: workflows, past executions and steps, as plain JSON. Pure."""

from collections.abc import Iterable
from typing import Any

from trestle.contracts.base import JsonObject
from trestle.contracts.executions import Execution, Step
from trestle.contracts.graph import Connection, Node
from trestle.contracts.workflows import Workflow

_NODE = {"key", "type", "name", "config", "position", "retry", "timeout_s", "on_error", "disabled", "for_each", "join", "notes", "pinned"}
_CONNECTION = {"source", "source_port", "target"}
_PUBLICATION = {"name", "enabled", "published_version", "has_unpublished_changes", "webhooks", "settings"}


def drawn(nodes: Iterable[Node], connections: Iterable[Connection]) -> JsonObject:
    """`{nodes, connections}` as the canvas draws them, without ids."""
    return {
        "nodes": [node.model_dump(mode="json", include=_NODE) for node in nodes],
        "connections": [connection.model_dump(mode="json", include=_CONNECTION) for connection in connections],
    }


def publication(workflow: Workflow) -> JsonObject:
    """What changes when a workflow is published, enabled, renamed or set otherwise."""
    return workflow.model_dump(mode="json", include=_PUBLICATION)


def draft_document(workflow: Workflow, *, load: int, public_url: str) -> JsonObject:
    """A workflow's draft, to be edited. A new `load` makes the canvas take it in whole."""
    return {
        "mode": "edit",
        "id": str(workflow.id),
        "load": load,
        "revision": workflow.revision,
        "public_url": public_url,
        "problems": [problem.model_dump(mode="json") for problem in workflow.problems],
        **publication(workflow),
        **drawn(workflow.nodes, workflow.connections),
    }


def run_document(execution: Execution, nodes: Iterable[Node], connections: Iterable[Connection], *, load: int) -> JsonObject:
    """The graph that an execution ran, to be looked at."""
    summary = execution.model_dump(mode="json", include={"id", "workflow_id", "version", "status", "trigger", "error", "created_at"})
    summary |= execution.model_dump(mode="json", include={"started_at", "finished_at", "reason"})
    return {
        "mode": "view",
        "id": str(execution.id),
        "load": load,
        "name": execution.workflow_name or "",
        "execution": summary,
        **drawn(nodes, connections),
    }


def run_of(execution: Execution) -> JsonObject:
    """How an execution is doing, as the canvas shows it: `{execution_id, status, error, started_at, finished_at}`."""
    state = execution.model_dump(mode="json", include={"status", "error", "started_at", "finished_at"})
    return {"execution_id": str(execution.id), **state}


def status_of(step: Any) -> JsonObject:
    """One node's `{status, ms, items, attempt, port}`, from a step or from a step's event."""
    items = getattr(step, "items", None)
    return {"status": str(step.status), "ms": step.duration_ms, "items": items, "attempt": step.attempt, "port": step.port}


def statuses(steps: Iterable[Step]) -> dict[str, JsonObject]:
    """The status of each node: that of its last attempt. `steps` are oldest first."""
    return {step.node: status_of(step) for step in steps if step.item is None}


def attempts(steps: Iterable[Step], node: str) -> list[JsonObject]:
    """The attempts at one node without their values, oldest first."""
    shown = {"id", "status", "attempt", "item", "port", "error", "wait", "due_at", "started_at", "duration_ms"}
    return [step.model_dump(mode="json", include=shown) for step in steps if step.node == node]
