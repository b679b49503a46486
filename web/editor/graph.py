"""What the canvas is handed: workflows, past executions and steps, as plain JSON. Pure."""

from collections.abc import Iterable

from trestle.contracts.base import JsonObject
from trestle.contracts.executions import Execution, Step, StepEvent
from trestle.contracts.graph import Connection, Node
from trestle.contracts.states import StepStatus
from trestle.contracts.users import Project
from trestle.contracts.workflows import Workflow
from web.projects import edits, runs

_NODE = {"key", "type", "name", "config", "position", "retry", "timeout_s", "on_error", "disabled", "for_each", "join", "notes", "pinned"}
_SETTINGS = {"type", "config", "retry", "timeout_s", "on_error", "disabled", "for_each", "join"}
_CONNECTION = {"source", "source_port", "target"}
_PUBLICATION = {"name", "enabled", "published_version", "has_unpublished_changes", "webhooks", "settings", "revision"}


def drawn(nodes: Iterable[Node], connections: Iterable[Connection]) -> JsonObject:
    """`{nodes, connections}` as the canvas draws them, without ids."""
    return {
        "nodes": [node.model_dump(mode="json", include=_NODE) for node in nodes],
        "connections": [connection.model_dump(mode="json", include=_CONNECTION) for connection in connections],
    }


def publication(workflow: Workflow) -> JsonObject:
    """What changes when a workflow is published, enabled, renamed or set otherwise, and the draft's revision then."""
    return workflow.model_dump(mode="json", include=_PUBLICATION)


def standing(workflow: Workflow, *, stamp: int) -> JsonObject:
    """How a workflow stands, but for its graph: `{stamp, of, problems}` and its `publication`."""
    problems = [problem.model_dump(mode="json") for problem in workflow.problems]
    return {"stamp": stamp, "of": str(workflow.id), "problems": problems, **publication(workflow)}


def triggers(nodes: Iterable[JsonObject]) -> list[JsonObject]:
    """The nodes that start a published workflow, `{type, name, config}` of each."""
    shown = ("type", "name", "config")
    starting = [node for node in nodes if node["type"].startswith("trigger.") and not node.get("disabled")]
    return [{name: node.get(name) for name in shown} for node in starting]


def _may(project: Project | None) -> JsonObject:
    return {"may_edit": project is not None and edits(project), "may_run": project is not None and runs(project)}


def draft_document(workflow: Workflow, *, load: int, public_url: str, project: Project | None) -> JsonObject:
    """A workflow's draft: to be edited, or by the person's role in its `project` only to be run or looked at.

    A new `load` makes the canvas take it in whole.
    """
    return {
        "mode": "edit",
        "id": str(workflow.id),
        "load": load,
        "project_id": str(workflow.project_id),
        "public_url": public_url,
        **_may(project),
        "problems": [problem.model_dump(mode="json") for problem in workflow.problems],
        **publication(workflow),
        **drawn(workflow.nodes, workflow.connections),
    }


def run_document(
    execution: Execution, nodes: Iterable[Node], connections: Iterable[Connection], *, load: int, project: Project | None
) -> JsonObject:
    """The graph that an execution ran, to be looked at; the person's role in its `project` says what else they may do with it."""
    summary = execution.model_dump(mode="json", include={"id", "workflow_id", "version", "status", "trigger", "error", "created_at"})
    summary |= execution.model_dump(mode="json", include={"started_at", "finished_at", "reason"})
    return {
        "mode": "view",
        "id": str(execution.id),
        "load": load,
        "name": execution.workflow_name or "",
        **_may(project),
        "execution": {**summary, "origins": origins(execution), "reruns": reruns(execution)},
        **drawn(nodes, connections),
    }


def origins(execution: Execution) -> list[JsonObject]:
    """The executions that this one comes from, `{text, href}` of each: what it repeats, what called it, whose failure it handles."""
    found = []
    if execution.retry_of:
        found.append(("Retry of an earlier run", execution.retry_of))
    if execution.replay_of:
        found.append(("Replay of an earlier run", execution.replay_of))
    if execution.parent_id:
        found.append(("Called by another execution", execution.parent_id))
    if execution.trigger.get("kind") == "error" and (failed := execution.trigger.get("execution_id")):
        told = execution.input if isinstance(execution.input, dict) else {}
        workflow = told.get("workflow")
        name = workflow.get("name") if isinstance(workflow, dict) else None
        found.append((f"“{name}” failed" if name else "Another execution failed", failed))
    return [{"text": text, "href": f"/executions/{execution_id}"} for text, execution_id in found]


def reruns(execution: Execution) -> list[JsonObject]:
    """How it was run again, `{text, href}` of the newest retry and of the newest replay."""
    found = (("Retried", execution.retried_by), ("Replayed", execution.replayed_by))
    return [{"text": text, "href": f"/executions/{newest[0]}"} for text, newest in found if newest]


def changed_since(execution: Execution, ran: Iterable[JsonObject], draft: Iterable[Node]) -> JsonObject:
    """`{execution_id, version, nodes}`: the nodes of an execution that the draft has with other settings, each by its key as it ran;
    null for those of the draft that the execution didn't have. `ran` are its nodes, as GET /executions/{id}/graph gives them."""
    then = {node["key"]: Node.model_validate({name: value for name, value in node.items() if name != "id"}) for node in ran}
    found: dict[str, JsonObject | None] = {}
    for node in draft:
        before = then.get(node.key)
        if before is None:
            found[node.key] = None
        elif before.model_dump(include=_SETTINGS) != node.model_dump(include=_SETTINGS):
            found[node.key] = before.model_dump(mode="json", include=_SETTINGS)
    return {"execution_id": str(execution.id), "version": execution.version, "nodes": found}


def run_of(execution: Execution) -> JsonObject:
    """How an execution is doing, as the canvas shows it: `{execution_id, status, error, failed_steps, started_at, finished_at}`."""
    state = execution.model_dump(mode="json", include={"status", "error", "failed_steps", "started_at", "finished_at"})
    return {"execution_id": str(execution.id), **state}


def status_of(step: Step | StepEvent) -> JsonObject:
    """One node's `{status, ms, items, failed_items, attempt, port}`, from a step or from a step's event; of a waiting one `wait` too:
    `{due, reason, answer}`: until when, why, and whose answer it waits for (approval, webhook, child), each as far as it is known."""
    found: JsonObject = {
        "status": str(step.status),
        "ms": step.duration_ms,
        "items": step.items,
        "failed_items": step.failed_items,
        "attempt": step.attempt,
        "port": step.port,
    }
    if step.status == StepStatus.WAITING:
        wait = step.wait if isinstance(step, Step) and isinstance(step.wait, dict) else {}
        reason = step.reason if isinstance(step, StepEvent) else wait.get("reason")
        found["wait"] = {"due": step.due_at.isoformat() if step.due_at else None, "reason": reason, "answer": step.waits_for}
    return found


def statuses(steps: Iterable[Step]) -> dict[str, JsonObject]:
    """The status of each node: that of its last attempt. `steps` are oldest first."""
    return {step.node: status_of(step) for step in steps if step.item is None}


def attempts(steps: Iterable[Step], node: str) -> list[JsonObject]:
    """The attempts at one node without their values, oldest first."""
    shown = {"id", "status", "attempt", "item", "port", "error", "wait", "due_at", "waits_for", "calls", "started_at", "duration_ms"}
    return [step.model_dump(mode="json", include=shown) for step in steps if step.node == node]
