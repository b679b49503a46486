"""Snapshots: immutable graphs by their hash. Versions and draft runs point at one; equal graphs share one."""

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import encode_json
from backend.models import Snapshot
from trestle.contracts.graph import Connection, Node, WorkflowSettings


async def ensure(session: AsyncSession, nodes: Iterable[Node], connections: Iterable[Connection], settings: WorkflowSettings) -> str:
    """The id of the snapshot of this graph, stored if it wasn't: the SHA-256 of its JSON, in hex."""
    nodes = list(nodes)
    graph = frozen(nodes, connections, settings)
    ident = hashlib.sha256(encode_json(graph).encode()).hexdigest()
    types = sorted({node.type for node in nodes if not node.disabled})
    limited = settings.concurrency is not None
    row = insert(Snapshot).values(id=ident, graph=graph, types=types, timeout_s=settings.timeout_s, limited=limited)
    await session.execute(row.on_conflict_do_nothing())
    return ident


def frozen(nodes: Iterable[Node], connections: Iterable[Connection], settings: WorkflowSettings) -> dict[str, Any]:
    """`{nodes, connections, settings}` as plain JSON, every field written out, without the draft's ids."""
    return {
        "nodes": [node.model_dump(mode="json", exclude={"id"}) for node in nodes],
        "connections": [connection.model_dump(mode="json", exclude={"id"}) for connection in connections],
        "settings": settings.model_dump(mode="json"),
    }
