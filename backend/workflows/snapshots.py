"""Snapshots: immutable graphs by their hash. Versions and draft runs point at one; equal graphs share one."""

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import encode_json
from backend.models import Snapshot
from trestle.contracts.graph import NOTE, Connection, Node, WorkflowSettings

VARS = "vars"


async def ensure(session: AsyncSession, nodes: Iterable[Node], connections: Iterable[Connection], settings: WorkflowSettings) -> str:
    """The id of the snapshot of this graph, stored if it wasn't: the SHA-256 of its JSON, in hex."""
    nodes = list(nodes)
    graph = frozen(nodes, connections, settings)
    encoded = encode_json(graph)
    ident = hashlib.sha256(encoded.encode()).hexdigest()
    types = sorted({node.type for node in nodes if not node.disabled and node.type != NOTE})
    limited = settings.concurrency is not None
    reads_vars = VARS in encoded  # in expressions, in code, in conditions: whoever could look at them must write the word
    row = insert(Snapshot).values(id=ident, graph=graph, types=types, timeout_s=settings.timeout_s, limited=limited, reads_vars=reads_vars)
    await session.execute(row.on_conflict_do_nothing())
    return ident


def frozen(nodes: Iterable[Node], connections: Iterable[Connection], settings: WorkflowSettings) -> dict[str, Any]:
    """`{nodes, connections, settings}` as plain JSON, every field written out, without the draft's ids."""
    return {
        "nodes": [node.model_dump(mode="json", exclude={"id"}) for node in nodes],
        "connections": [connection.model_dump(mode="json", exclude={"id"}) for connection in connections],
        "settings": settings.model_dump(mode="json"),
    }
