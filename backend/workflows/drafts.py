"""A workflow's draft: what the editor edits, loaded whole, changed as a value, stored by its differences."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import after_commit
from backend.errors import Unprocessable
from backend.executions.doorbell import Doorbell
from backend.ids import new_id
from backend.models import Connection as ConnectionRow
from backend.models import Node as NodeRow
from backend.models import Operation, Workflow
from trestle.contracts.base import JsonObject
from trestle.contracts.graph import MAX_CONNECTIONS, MAX_NODES, Connection, Node, impossible
from trestle.contracts.problems import FieldError
from trestle.contracts.workflows import SETTINGS_PATH, StoredConnection, StoredNode

POLICIES = ("retry", "timeout_s", "on_error", "disabled", "for_each", "join", "notes", "pinned")
_KEPT_DAYS = 30

Wire = tuple[str, str, str]
"""A connection by source, port and target."""


@dataclass(frozen=True)
class Draft:
    """Nodes by key and connections by ends, both in the graph's order. A change makes a new one that shares what stayed."""

    nodes: dict[str, StoredNode]
    connections: dict[Wire, StoredConnection]

    def check(self) -> None:
        """Raises Unprocessable where the graph is impossible: a cycle, a connection to nowhere."""
        check_possible(list(self.nodes.values()), list(self.connections.values()))


def check_possible(nodes: list[Any], connections: list[Any]) -> None:
    """Raises Unprocessable where these can be no graph, naming everything that is wrong."""
    if len(connections) > MAX_CONNECTIONS:
        message = f"A workflow has at most {MAX_CONNECTIONS:,} connections; this one has {len(connections):,}. Remove some."
        raise Unprocessable(message, errors=[FieldError(loc=["connections"], message=message)])
    found = impossible(nodes, [Connection(source=c.source, source_port=c.source_port, target=c.target) for c in connections])
    if len(nodes) > MAX_NODES:
        message = f"A workflow has at most {MAX_NODES} nodes; this one has {len(nodes)}. Move a part of it to a workflow of its own."
        found.append(FieldError(loc=["nodes"], message=message))
    if found:
        raise Unprocessable(found[0].message, errors=found)


def wire(connection: Connection) -> Wire:
    """What identifies a connection within its workflow."""
    return (connection.source, connection.source_port, connection.target)


def drawn(nodes: Iterable[Node], connections: Iterable[Connection], before: Draft | None = None) -> Draft:
    """A draft of these nodes and connections. A key, or a connection, that was there before keeps its id.

    Raises Unprocessable where they can be no graph.
    """
    nodes, connections = list(nodes), list(connections)
    check_possible(nodes, connections)
    known = before or Draft({}, {})
    kept_nodes = {n.key: known.nodes[n.key].id if n.key in known.nodes else new_id() for n in nodes}
    kept_wires = {wire(c): known.connections[wire(c)].id if wire(c) in known.connections else new_id() for c in connections}
    return Draft(
        {n.key: stored_node(kept_nodes[n.key], n) for n in nodes},
        {wire(c): stored_connection(kept_wires[wire(c)], c) for c in connections},
    )


def stored_node(ident: UUID, node: Node) -> StoredNode:
    """The node with this id."""
    values = {name: getattr(node, name) for name in Node.model_fields}
    return StoredNode.model_construct(id=ident, **values)


def stored_connection(ident: UUID, connection: Connection) -> StoredConnection:
    """The connection with this id."""
    return StoredConnection(id=ident, source=connection.source, source_port=connection.source_port, target=connection.target)


async def load(session: AsyncSession, workflow_id: UUID) -> Draft:
    """The draft as it is stored."""
    nodes = await session.execute(_NODES, {"workflow": workflow_id})
    connections = await session.execute(_CONNECTIONS, {"workflow": workflow_id})
    return Draft(
        {row.key: _node(row) for row in nodes},
        {(row.source, row.source_port, row.target): StoredConnection.model_validate(dict(row._mapping)) for row in connections},
    )


_N, _C = NodeRow.__table__.c, ConnectionRow.__table__.c
_NODES = (
    select(_N.id, _N.key, _N.type, _N.name, _N.config, _N.policies, _N.x, _N.y)
    .where(_N.workflow_id == bindparam("workflow"))
    .order_by(_N.place, _N.id)
)
_CONNECTIONS = select(_C.id, _C.source, _C.source_port, _C.target).where(_C.workflow_id == bindparam("workflow")).order_by(_C.place, _C.id)


def _node(row: Any) -> StoredNode:
    position = {"x": row.x, "y": row.y}
    values = {"id": row.id, "key": row.key, "type": row.type, "name": row.name, "config": row.config, "position": position}
    return StoredNode.model_validate({**values, **row.policies})


def _alike(one: StoredNode, other: StoredNode) -> bool:
    # The order of a config's fields counts too: two objects that are equal may hold theirs in another order.
    return one == other and json.dumps([one.config, one.pinned]) == json.dumps([other.config, other.pinned])


def _node_values(workflow_id: UUID, place: int, node: StoredNode) -> dict[str, Any]:
    # What stands at its default is left out; what is set is stored whole, so that a later default changes nothing.
    policies = {name: getattr(node, name) for name in POLICIES if getattr(node, name) != Node.model_fields[name].default}
    return {
        "id": node.id,
        "workflow_id": workflow_id,
        "key": node.key,
        "type": node.type,
        "name": node.name,
        "config": node.config,
        "policies": {name: v.model_dump(mode="json") if hasattr(v, "model_dump") else v for name, v in policies.items()},
        "x": node.position.x,
        "y": node.position.y,
        "place": place,
    }


async def save(session: AsyncSession, workflow_id: UUID, before: Draft, after: Draft) -> None:
    """Writes the differences between two states of a draft. The caller holds the workflow's lock."""
    old_places = {node.id: place for place, node in enumerate(before.nodes.values())}
    old = {node.id: node for node in before.nodes.values()}
    new = {node.id: node for node in after.nodes.values()}
    gone_wires = {c.id for c in before.connections.values()} - {c.id for c in after.connections.values()}
    if gone_wires:
        await session.execute(delete(ConnectionRow).where(ConnectionRow.id.in_(gone_wires)))
    if gone := old.keys() - new.keys():
        await session.execute(delete(NodeRow).where(NodeRow.id.in_(gone)))
    renamed = [(node.id, node.key) for node in new.values() if node.id in old and old[node.id].key != node.key]
    for ident, _ in renamed if len(renamed) > 1 else []:  # by way of a key that nobody else can have: two may swap theirs
        await session.execute(update(NodeRow).where(NodeRow.id == ident).values(key=str(ident)))
    for ident, key in renamed:
        await session.execute(update(NodeRow).where(NodeRow.id == ident).values(key=key))
    added, changed = [], []
    for place, node in enumerate(after.nodes.values()):
        known = old.get(node.id)
        if known is None:
            added.append(_node_values(workflow_id, place, node))
        elif (known is not node and not _alike(known, node)) or old_places[node.id] != place:
            changed.append(_node_values(workflow_id, place, node))
    if added:
        await session.execute(insert(NodeRow), added)
    if changed:
        await session.execute(update(NodeRow), changed)  # by primary key
    known_wires = {c.id for c in before.connections.values()}
    fresh = [
        {"id": c.id, "workflow_id": workflow_id, "source": c.source, "source_port": c.source_port, "target": c.target, "place": place}
        for place, c in enumerate(after.connections.values())
        if c.id not in known_wires
    ]
    if fresh:
        await session.execute(insert(ConnectionRow), fresh)


class Applied(NamedTuple):
    """An operation that was applied: what it touched, and the operation itself where an editor sent it."""

    touched: set[str]
    body: JsonObject | None = None


async def change(
    doorbell: Doorbell,
    session: AsyncSession,
    workflow: Workflow,
    before: Draft,
    after: Draft,
    *,
    user_id: UUID,
    operations: dict[UUID, Applied] | None = None,
) -> None:
    """Stores a new state of a locked workflow's draft under the next revision, and tells those who look at it once it is committed.

    `operations` are the editor's; without them the change is recorded as one operation, so that what an editor sends on an
    older revision is compared with it too.
    """
    await save(session, workflow.id, before, after)
    await record(session, workflow, operations or {new_id(): Applied(touched(before, after))}, user_id)
    after_commit(session, partial(_ring, doorbell, workflow.id))


async def settle(doorbell: Doorbell, session: AsyncSession, workflow: Workflow, user_id: UUID) -> None:
    """The next revision of a locked workflow whose settings are others now; its graph is as it was."""
    await record(session, workflow, {new_id(): Applied({SETTINGS_PATH})}, user_id)
    after_commit(session, partial(_ring, doorbell, workflow.id))


async def _ring(doorbell: Doorbell, workflow_id: UUID) -> None:
    doorbell.ring_draft(workflow_id)


async def record(session: AsyncSession, workflow: Workflow, operations: dict[UUID, Applied], user_id: UUID) -> None:
    """The next revision, and what led to it."""
    workflow.revision += 1
    workflow.updated_at = func.now()
    rows = [
        {
            "workflow_id": workflow.id,
            "id": ident,
            "revision": workflow.revision,
            "place": place,
            "touched": sorted(applied.touched),
            "body": applied.body,
            "user_id": user_id,
        }
        for place, (ident, applied) in enumerate(operations.items())
    ]
    await session.execute(insert(Operation), rows)
    if workflow.revision % 100 == 0:
        old = Operation.created_at < func.now() - func.make_interval(0, 0, 0, _KEPT_DAYS)
        await session.execute(delete(Operation).where(Operation.workflow_id == workflow.id, old))
    await session.flush()


def touched(before: Draft, after: Draft) -> set[str]:
    """Paths of what differs: `key` (a node came, went or was renamed), `key/field`, `key/config.name`, `>source>port>target`."""
    paths = before.nodes.keys() ^ after.nodes.keys()
    for key in before.nodes.keys() & after.nodes.keys():
        old, new = before.nodes[key], after.nodes[key]
        if old is new:
            continue
        if old.id != new.id:
            paths.add(key)
        for name in Node.model_fields:
            if name != "config" and getattr(old, name) != getattr(new, name):
                paths.add(f"{key}/{name}")
        names = old.config.keys() | new.config.keys()
        paths |= {f"{key}/config.{name}" for name in names if old.config.get(name, ...) != new.config.get(name, ...)}
    return paths | {">" + ">".join(ends) for ends in before.connections.keys() ^ after.connections.keys()}
