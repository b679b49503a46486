"""`/workflows/{id}/nodes` and `/nodes`."""

from uuid import UUID

from backend.deps import CurrentUser, ServicesDep, Session
from backend.routing import router as new_router
from backend.workflows import graphs
from trestle.contracts.graph import Node
from trestle.contracts.workflows import NodeChange, StoredNode

router = new_router(tag="nodes")


@router.post("/workflows/{workflow_id}/nodes", status_code=201)
async def add(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, body: Node) -> StoredNode:
    """One node more in the draft."""
    return await graphs.add_node(parts, session, user, workflow_id, body)


@router.patch("/nodes/{node_id}")
async def change(parts: ServicesDep, session: Session, user: CurrentUser, node_id: UUID, body: NodeChange) -> StoredNode:
    """Change one node of a draft. Another `key` renames it; its connections follow."""
    return await graphs.change_node(parts, session, user, node_id, body)


@router.delete("/nodes/{node_id}", status_code=204)
async def remove(parts: ServicesDep, session: Session, user: CurrentUser, node_id: UUID) -> None:
    """Delete one node of a draft with its connections."""
    await graphs.remove_node(parts, session, user, node_id)
