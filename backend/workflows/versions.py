"""Published versions: listed, read, compared, brought back."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.errors import NotFound
from backend.models import Snapshot, User, Version, Workflow
from backend.ownership import find
from backend.paging import Paging, cursor_of
from backend.services import Services
from backend.workflows import drafts, service
from trestle.contracts import workflows as wire
from trestle.contracts.audit import Action
from trestle.contracts.graph import Connection, Graph, Node, WorkflowSettings
from trestle.contracts.users import ProjectRole


def _fields(version: Version, workflow: Workflow) -> dict[str, Any]:
    shown = {name: getattr(version, name) for name in ("number", "message", "created_at", "created_by")}
    return {**shown, "live": version.number == workflow.published_version}


async def listed(session: AsyncSession, user: User, ident: UUID, paging: Paging) -> tuple[list[wire.Version], str | None]:
    """A page of a workflow's versions, newest first. Their cursors hold the number of the last one."""
    workflow = await find(session, user, Workflow, ident)
    statement = select(Version).where(Version.workflow_id == ident).order_by(Version.number.desc()).limit(paging.limit + 1)
    if paging.after is not None:
        statement = statement.where(Version.number < paging.after.int)
    rows = (await session.scalars(statement)).all()
    items = [wire.Version(**_fields(row, workflow)) for row in rows[: paging.limit]]
    return items, cursor_of(UUID(int=items[-1].number)) if len(rows) > paging.limit else None


async def _get(session: AsyncSession, ident: UUID, number: int) -> tuple[Version, Graph, WorkflowSettings]:
    statement = select(Version, Snapshot.graph).join(Snapshot, Snapshot.id == Version.snapshot_id)
    row = (await session.execute(statement.where(Version.workflow_id == ident, Version.number == number))).one_or_none()
    if row is None:
        raise NotFound(f"This workflow has no version {number}. List its versions.")
    version, graph = row
    return version, Graph(nodes=graph["nodes"], connections=graph["connections"]), WorkflowSettings.model_validate(graph["settings"])


async def read(session: AsyncSession, user: User, ident: UUID, number: int) -> wire.VersionWhole:
    """One version with its graph."""
    workflow = await find(session, user, Workflow, ident)
    version, graph, settings = await _get(session, ident, number)
    return wire.VersionWhole(**_fields(version, workflow), graph=graph, settings=settings)


async def restore(parts: Services, session: AsyncSession, user: User, ident: UUID, number: int) -> wire.Workflow:
    """The version's graph and settings become the draft. What is published stays so."""
    workflow = await find(session, user, Workflow, ident, needs=ProjectRole.EDITOR, lock=True)
    _, graph, settings = await _get(session, ident, number)
    before = await drafts.load(session, ident)
    workflow.settings = settings.model_dump(mode="json")
    await drafts.change(parts.doorbell, session, workflow, before, drafts.drawn(graph.nodes, graph.connections, before), user_id=user.id)
    record(session, Action.WORKFLOW_RESTORED, workflow.id, workflow.name, workflow.project_id, {"version": number})
    return await service.read(parts, session, user, ident)


async def diff(session: AsyncSession, user: User, ident: UUID, first: int, second: int) -> wire.Diff:
    """What differs from version `first` to version `second`."""
    await find(session, user, Workflow, ident)
    _, before, _ = await _get(session, ident, first)
    _, after, _ = await _get(session, ident, second)
    return compared(before, after)


def compared(before: Graph, after: Graph) -> wire.Diff:
    """What differs between two graphs, in their order."""
    old, new = {n.key: n for n in before.nodes}, {n.key: n for n in after.nodes}
    nodes: list[wire.NodeDiff] = []
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            nodes.append(wire.NodeDiff(key=key, change="removed"))
        elif key not in old:
            nodes.append(wire.NodeDiff(key=key, change="added"))
        elif fields := _field_changes(old[key], new[key]):
            nodes.append(wire.NodeDiff(key=key, change="changed", fields=fields))
    return wire.Diff(
        nodes=nodes,
        connections=[
            *(_connection("removed", c) for c in before.connections if c not in set(after.connections)),
            *(_connection("added", c) for c in after.connections if c not in set(before.connections)),
        ],
    )


def _connection(change: wire.Change, connection: Connection) -> wire.ConnectionDiff:
    return wire.ConnectionDiff(change=change, **connection.model_dump())


def _field_changes(old: Node, new: Node) -> list[wire.FieldChange]:
    before, after = _flat(old), _flat(new)
    paths = [*before, *(path for path in after if path not in before)]
    return [
        wire.FieldChange(path=path, before=before.get(path), after=after.get(path))
        for path in paths
        if before.get(path, ...) != after.get(path, ...)
    ]


def _flat(node: Node) -> dict[str, Any]:
    """Fields by path: those of the config one by one."""
    values = node.model_dump(mode="json")
    config = values.pop("config")
    return {**values, **{f"config.{name}": value for name, value in config.items()}}
