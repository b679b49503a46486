"""What publishing a draft would refuse, and why."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Text, cast, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.service import NodeTypes
from backend.db import encode_json
from backend.models import Credential, Trigger, Workflow
from backend.schedules.registration import broken_by_schedule
from backend.services import Services
from backend.workflows.checks import Checks
from backend.workflows.configs import Findings, dotted, examine
from backend.workflows.drafts import Draft
from backend.workflows.promises import broken_by_event, broken_by_settings, broken_by_webhook
from trestle.contracts.graph import ERROR, NOTE, Connection, Node, WorkflowSettings
from trestle.contracts.node_types import NodeType
from trestle.contracts.problems import FieldError

_MANY_NODES = 20


async def of(parts: Services, session: AsyncSession, workflow: Workflow, draft: Draft) -> list[FieldError]:
    """The problems of a workflow's draft, with the node types and credentials there are now."""
    types = await parts.catalogue.current(session)
    query = select(Credential.id, Credential.type).where(Credential.project_id == workflow.project_id).order_by(Credential.id)
    credentials = {str(ident): kind for ident, kind in (await session.execute(query)).all()}
    key = (workflow.id, workflow.revision, types.key, tuple(credentials.items()))
    found = parts.checks.drafts.get(key)
    if found is None:
        settings = WorkflowSettings.model_validate(workflow.settings)
        nodes, connections = list(draft.nodes.values()), list(draft.connections.values())
        arguments = (nodes, connections, settings, types, credentials, parts.checks)
        found = await asyncio.to_thread(find, *arguments) if len(nodes) > _MANY_NODES else find(*arguments)
        parts.checks.drafts[key] = found
    parts.checks.drafts.move_to_end(key)
    parts.checks.trim()
    return [*found, *await _of_error_workflow(session, workflow)]


def find(
    nodes: Sequence[Node],
    connections: Sequence[Connection],
    settings: WorkflowSettings,
    types: NodeTypes,
    credentials: Mapping[str, str],
    checks: Checks,
) -> list[FieldError]:
    """Every problem of a graph that is possible (contracts.graph.impossible finds nothing). `credentials`: type by id."""
    found: list[FieldError] = [*_of_settings(settings), *broken_by_settings(settings)]
    nodes = [node for node in nodes if node.type != NOTE]  # they never run: nothing of them can be wrong
    by_key = {node.key: node for node in nodes}
    upstream = _upstream(nodes, connections)
    for node in nodes:
        kind = types.get(node.type)
        if kind is None or kind.broken is not None:
            found.append(_no_type(node, kind))
        elif not node.disabled:
            findings = _findings(node, kind, types, checks)
            found += findings.errors
            found += _of_names(node, findings, by_key, upstream[node.key])
            found += _of_credentials(node, findings, credentials)
            found += _of_ports(node, kind)
            found += broken_by_webhook(node, nodes, credentials)
            if not findings.errors:  # else they say it already
                found += broken_by_schedule(node, settings)
            found += broken_by_event(node)
    for position, connection in enumerate(connections):
        error = _of_connection(connection, by_key, types)
        if error:
            found.append(FieldError(loc=["connections", position], node=error[0], message=error[1]))
    if not any((kind := types.get(node.type)) and kind.is_trigger for node in nodes):
        message = "There is no trigger. Add one, so that the workflow can start: “Manual” to start it by hand."
        found.append(FieldError(loc=["nodes"], message=message))
    return found


def _no_type(node: Node, kind: NodeType | None) -> FieldError:
    if kind is None:
        what = f"There is no node type “{node.type}”. Start an executor that has it, or put another node here."
    else:
        what = f"The node type “{node.type}” could not be loaded: {kind.broken}. Mend it and restart the executor."
    return FieldError(loc=["type"], node=node.key, message=what)


def _findings(node: Node, kind: NodeType, types: NodeTypes, checks: Checks) -> Findings:
    items = None if node.for_each is None else node.for_each.items
    key = (types.key, node.key, node.type, encode_json([node.config, items]))
    found = checks.nodes.get(key)
    if found is None:
        found = checks.nodes[key] = examine(node, kind, types.validator(node.type))
    return found


def _upstream(nodes: Iterable[Node], connections: Iterable[Connection]) -> dict[str, set[str]]:
    """For each node all that run before it."""
    sources: dict[str, set[str]] = {node.key: set() for node in nodes}
    for connection in connections:
        sources[connection.target].add(connection.source)
    before: dict[str, set[str]] = {}
    for start in sources:
        seen, pending = set[str](), [start]
        while pending:
            for source in sources[pending.pop()]:
                if source in before:
                    seen |= before[source] | {source}
                elif source not in seen:
                    seen.add(source)
                    pending.append(source)
        before[start] = seen
    return before


def _of_names(node: Node, findings: Findings, by_key: Mapping[str, Node], upstream: set[str]) -> Iterable[FieldError]:
    for path, names in findings.names:
        where = dotted(path[1:] if path[0] == "config" else path)
        for name in sorted(names):
            root, _, key = name.partition(".")
            what = None
            if root == "nodes" and key and key not in by_key:
                what = f"There is no node “{key}”. Correct the name, or add the node before this one."
            elif root == "nodes" and key and key not in upstream:
                what = f"The node “{key}” does not run before this one. Connect it so that it does, or use another."
            elif root in ("item", "index") and (node.for_each is None or path[0] == "for_each"):
                what = f"“{root}” is there only in a node that runs for each item. Set “for each”, or use another name."
            if what:
                yield FieldError(loc=list(path), node=node.key, message=f"{where}: {what}")


def _of_credentials(node: Node, findings: Findings, credentials: Mapping[str, str]) -> Iterable[FieldError]:
    for field in findings.credentials:
        kind = credentials.get(str(field.value))
        what = None
        if kind is None:
            what = "This credential is not in the workflow's project. Choose one, or create it."
        elif kind not in field.credential_types:
            what = f"A credential of the type {kind} does not fit here: choose one of {', '.join(field.credential_types)}."
        if what:
            yield FieldError(loc=["config", *field.path], node=node.key, message=f"{dotted(field.path)}: {what}")


def _of_ports(node: Node, kind: NodeType) -> Iterable[FieldError]:
    ports = kind.ports(node.config)
    for port in sorted({port for port in ports if ports.count(port) > 1}):
        yield FieldError(
            loc=["config", kind.ports_from or ""], node=node.key, message=f"Two ports are called “{port}”. Rename one of them."
        )


def _of_connection(connection: Connection, by_key: Mapping[str, Node], types: NodeTypes) -> tuple[str, str] | None:
    """The node to blame and what is wrong, or None."""
    source, target = by_key[connection.source], by_key[connection.target]
    kind, target_kind = types.get(source.type), types.get(target.type)
    if target_kind is not None and target_kind.is_trigger:
        return target.key, f"“{target.key}” is a trigger: executions start there, nothing leads to it. Remove the connection."
    if kind is None or source.disabled:
        return None
    if connection.source_port == ERROR:
        if source.on_error == "branch":
            return None
        return source.key, f"The port “error” of “{source.key}” is there only with on error = branch. Set that, or remove the connection."
    ports = kind.ports(source.config)
    if connection.source_port not in ports:
        has = f"Its ports are {', '.join(ports)}." if ports else "It has none."
        return source.key, f"“{source.key}” has no port “{connection.source_port}”. {has} Connect one of them."
    return None


def _of_settings(settings: WorkflowSettings) -> Iterable[FieldError]:
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"There is no time zone “{settings.timezone}”. Use a name like Europe/Berlin, or UTC."
        yield FieldError(loc=["settings", "timezone"], message=message)


async def _of_error_workflow(session: AsyncSession, workflow: Workflow) -> Iterable[FieldError]:
    """Whether the workflow that is to start after a failure can start."""
    named = workflow.settings.get("error_workflow")
    if named is None:
        return []
    what = None
    query = select(Workflow).where(Workflow.project_id == workflow.project_id, cast(Workflow.id, Text) == str(named))
    target = await session.scalar(query)
    if target is None:
        what = "There is no such workflow in this project. Choose another one."
    elif target.id == workflow.id:
        what = "A workflow does not start after its own failures. Choose another one."
    elif target.published_version is None:
        what = f"“{target.name}” is not published. Publish it first, so that it can start."
    elif not await session.scalar(select(exists().where(Trigger.workflow_id == target.id, Trigger.kind == "error"))):
        what = f"The published version of “{target.name}” has no trigger for failures. Add “Workflow failed” to it and publish it."
    return [FieldError(loc=["settings", "error_workflow"], message=f"Error workflow: {what}")] if what else []
