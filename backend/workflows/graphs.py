"""Changes of a draft's graph by the plain routes: the whole of it, one node, one connection."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Conflict, NotFound, PreconditionRequired, StaleRevision, Unprocessable
from backend.models import Connection as ConnectionRow
from backend.models import Node as NodeRow
from backend.models import User, Workflow
from backend.ownership import find
from backend.services import Services
from backend.workflows import drafts, edits, service
from backend.workflows.drafts import Draft
from trestle.contracts import workflows as wire
from trestle.contracts.graph import Connection, Graph, Node
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole


async def _open(session: AsyncSession, user: User, ident: UUID) -> tuple[Workflow, Draft]:
    """The workflow, locked, and its draft."""
    workflow = await find(session, user, Workflow, ident, needs=ProjectRole.EDITOR, lock=True)
    return workflow, await drafts.load(session, ident)


async def replace(parts: Services, session: AsyncSession, user: User, ident: UUID, body: Graph, if_match: str | None) -> wire.Workflow:
    """Another graph instead of the draft. Keys that stay keep their ids.

    Raises PreconditionRequired without a revision, StaleRevision with an old one, Unprocessable for an impossible graph.
    """
    workflow, before = await _open(session, user, ident)
    if if_match is None:
        raise PreconditionRequired("Send the revision that this graph is based on: `If-Match: <revision>`, as GET gave it.")
    if if_match.removeprefix("W/").strip('" ') != str(workflow.revision):
        raise StaleRevision(
            f"The draft is at revision {workflow.revision} now, and this graph is based on another. Load it again and redo the change."
        )
    after = drafts.drawn(body.nodes, body.connections, before)
    await drafts.change(parts.doorbell, session, workflow, before, after, user_id=user.id)
    return await service.read(parts, session, user, ident)


async def add_node(parts: Services, session: AsyncSession, user: User, ident: UUID, body: Node) -> wire.StoredNode:
    """One node more."""
    workflow, before = await _open(session, user, ident)
    if body.key in before.nodes:
        message = f"There is a node with the key “{body.key}” already. Give the new one another."
        raise Unprocessable(message, errors=[FieldError(loc=["key"], node=body.key, message=message)])
    after = drafts.drawn([*before.nodes.values(), body], before.connections.values(), before)
    await drafts.change(parts.doorbell, session, workflow, before, after, user_id=user.id)
    return after.nodes[body.key]


async def change_node(parts: Services, session: AsyncSession, user: User, ident: UUID, body: wire.NodeChange) -> wire.StoredNode:
    """What is given of one node, changed; its id stays."""
    row = await find(session, user, NodeRow, ident, needs=ProjectRole.EDITOR)
    workflow, before = await _open(session, user, row.workflow_id)
    key = _key_of(before, ident)
    after = before
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    new_key = changes.pop("key", None) or key
    if new_key != key:
        try:
            after = edits.apply(before, wire.RenameNode(op="rename_node", id=ident, key=key, new_key=new_key))
        except edits.Refused as error:
            raise Conflict(error.reason) from None
    if changes:
        node = after.nodes[new_key]
        values = {name: getattr(node, name) for name in wire.StoredNode.model_fields}
        defaults = {name: field.get_default(call_default_factory=True) for name, field in Node.model_fields.items()}
        changed = edits.validated({**values, **{k: defaults[k] if v is None else v for k, v in changes.items()}})
        after = Draft({**after.nodes, new_key: changed}, after.connections)
    await drafts.change(parts.doorbell, session, workflow, before, after, user_id=user.id)
    return after.nodes[new_key]


def _key_of(draft: Draft, ident: UUID) -> str:
    for key, node in draft.nodes.items():
        if node.id == ident:
            return key
    raise NotFound("There is no node with this id. It may have been deleted; load the workflow again.")


async def remove_node(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """One node less, and its connections."""
    row = await find(session, user, NodeRow, ident, needs=ProjectRole.EDITOR)
    workflow, before = await _open(session, user, row.workflow_id)
    after = edits.apply(before, wire.RemoveNodes(op="remove_nodes", id=ident, keys=[_key_of(before, ident)]))
    await drafts.change(parts.doorbell, session, workflow, before, after, user_id=user.id)


async def connect(parts: Services, session: AsyncSession, user: User, ident: UUID, body: Connection) -> wire.StoredConnection:
    """One connection more. Raises Unprocessable for a cycle, an end that isn't there, or a connection that is there already."""
    workflow, before = await _open(session, user, ident)
    if drafts.wire(body) in before.connections:
        raise Unprocessable("This connection is there already.", errors=[FieldError(loc=[], message="This connection is there already.")])
    after = edits.connect(before, body)
    await drafts.change(parts.doorbell, session, workflow, before, after, user_id=user.id)
    return after.connections[drafts.wire(body)]


async def disconnect(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """One connection less."""
    row = await find(session, user, ConnectionRow, ident, needs=ProjectRole.EDITOR)
    workflow, before = await _open(session, user, row.workflow_id)
    after = Draft(before.nodes, {ends: c for ends, c in before.connections.items() if c.id != ident})
    await drafts.change(parts.doorbell, session, workflow, before, after, user_id=user.id)
