"""The editor's operations on a draft: pure, each gives a new draft or says why it can't."""

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from backend.errors import Unprocessable, field_errors
from backend.ids import new_id
from backend.workflows.drafts import Draft, stored_connection, stored_node, wire
from trestle.contracts import workflows as ops
from trestle.contracts.graph import Connection, Node, Position
from trestle.contracts.workflows import StoredConnection, StoredNode
from trestle.language.renaming import renamed


class Refused(Exception):
    """An operation that doesn't fit the draft as it is: why, and what stands there now."""

    def __init__(self, reason: str, current: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.current = current


def declared(operation: ops.Operation) -> set[str]:
    """The paths (as of drafts.touched) that an operation is about."""
    match operation:
        case ops.AddNode(node=node):
            return {node.key}
        case ops.MoveNodes(moves=moves):
            return {f"{move.key}/position" for move in moves}
        case ops.ConfigureNode(key=key, fields=fields):
            plain = {f"{key}/{name}" for name in fields if name != "config"}
            config = fields.get("config")
            return plain | {f"{key}/config.{name}" for name in (config if isinstance(config, dict) else ())}
        case ops.RenameNode(key=key, new_key=new_key):
            return {key, new_key}
        case ops.RemoveNodes(keys=keys):
            return set(keys)
        case ops.Connect() | ops.Disconnect():
            return {f">{operation.source}>{operation.source_port}>{operation.target}"}


def overlap(mine: set[str], theirs: set[str]) -> set[str]:
    """What of `theirs` is the same thing as something of `mine`, a part of it, or around it."""
    return {other for other in theirs if any(_same(path, other) for path in mine)}


def _same(path: str, other: str) -> bool:
    if path == other or path.startswith(other + "/") or other.startswith(path + "/"):
        return True
    # A node (a path without any part) and a connection at it.
    return "/" not in path and other.startswith(">") and (other.startswith(f">{path}>") or other.endswith(f">{path}"))


def apply(draft: Draft, operation: ops.Operation) -> Draft:
    """The draft after `operation`. Raises Refused where it makes no sense on this draft, Unprocessable where it would be impossible."""
    match operation:
        case ops.AddNode(node=node):
            return _add(draft, node)
        case ops.MoveNodes(moves=moves):
            return _move(draft, moves)
        case ops.ConfigureNode(key=key, fields=fields):
            node = _at(draft, key)
            return _put(draft, key, configured(node, fields))
        case ops.RenameNode(key=key, new_key=new_key):
            return _rename(draft, key, new_key)
        case ops.RemoveNodes(keys=keys):
            left = {key: node for key, node in draft.nodes.items() if key not in keys}
            return Draft(left, {ends: c for ends, c in draft.connections.items() if ends[0] in left and ends[2] in left})
        case ops.Connect():
            return connect(draft, Connection(source=operation.source, source_port=operation.source_port, target=operation.target))
        case ops.Disconnect():
            gone = (operation.source, operation.source_port, operation.target)
            return replace(draft, connections={ends: c for ends, c in draft.connections.items() if ends != gone})


def _at(draft: Draft, key: str) -> StoredNode:
    node = draft.nodes.get(key)
    if node is None:
        raise Refused(f"The node “{key}” is not there any more.")
    return node


def _put(draft: Draft, key: str, node: StoredNode) -> Draft:
    return replace(draft, nodes={**draft.nodes, key: node})


def _add(draft: Draft, node: Node) -> Draft:
    if node.key in draft.nodes:
        raise Refused(f"There is a node with the key “{node.key}” already. Give the new one another.", draft.nodes[node.key])
    after = _put(draft, node.key, stored_node(new_id(), node))
    after.check()
    return after


def _move(draft: Draft, moves: list[ops.Move]) -> Draft:
    nodes = dict(draft.nodes)
    for move in moves:
        nodes[move.key] = _at(draft, move.key).model_copy(update={"position": Position(x=move.x, y=move.y)})
    return replace(draft, nodes=nodes)


def configured(node: StoredNode, fields: dict[Any, Any]) -> StoredNode:
    """The node with other fields. `config` replaces the fields it names, null removes one. Raises Unprocessable for a wrong value."""
    values = {name: getattr(node, name) for name in StoredNode.model_fields}
    for name, value in fields.items():
        if name == "config" and isinstance(value, dict):
            values["config"] = {k: v for k, v in {**node.config, **value}.items() if not (k in value and v is None)}
        elif value is None:
            values[name] = StoredNode.model_fields[name].get_default(call_default_factory=True)
        else:
            values[name] = value
    return validated(values)


def validated(values: dict[str, Any]) -> StoredNode:
    """A node of these values. Raises Unprocessable, naming the node and what is wrong with it."""
    try:
        return StoredNode.model_validate(values)
    except ValidationError as error:
        found = field_errors(error.errors())
        for one in found:
            one.node = str(values.get("key"))
        raise Unprocessable(f"Node “{values.get('key')}”: {found[0].message}", errors=found) from None


def _rename(draft: Draft, key: str, new_key: str) -> Draft:
    node = _at(draft, key)
    if new_key != key and new_key in draft.nodes:
        raise Refused(f"There is a node with the key “{new_key}” already. Choose another.", draft.nodes[new_key])
    nodes = {
        new_key if k == key else k: _following(n.model_copy(update={"key": new_key}) if n is node else n, key, new_key)
        for k, n in draft.nodes.items()
    }
    connections = [_reended(c, key, new_key) for c in draft.connections.values()]
    return Draft(nodes, {wire(c): c for c in connections})


def _following(node: StoredNode, key: str, new_key: str) -> StoredNode:
    """The node with its expressions following a node that got another key."""
    update: dict[str, Any] = {}
    if (config := renamed(node.config, key, new_key)) is not node.config:
        update["config"] = config
    if node.for_each and (items := renamed(node.for_each.items, key, new_key)) is not node.for_each.items:
        update["for_each"] = node.for_each.model_copy(update={"items": items})
    return node.model_copy(update=update) if update else node


def _reended(connection: StoredConnection, key: str, new_key: str) -> StoredConnection:
    if key not in (connection.source, connection.target):
        return connection
    ends = {"source": connection.source, "target": connection.target}
    return connection.model_copy(update={end: new_key for end, at in ends.items() if at == key})


def connect(draft: Draft, connection: Connection) -> Draft:
    """The draft with one connection more; unchanged where it is there. Raises Unprocessable for a cycle or an end that isn't there."""
    if wire(connection) in draft.connections:
        return draft
    stored = stored_connection(new_id(), connection)
    after = replace(draft, connections={**draft.connections, wire(connection): stored})
    after.check()
    return after
