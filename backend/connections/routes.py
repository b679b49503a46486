"""`/workflows/{id}/connections` and `/connections`."""

from uuid import UUID

from backend.deps import CurrentUser, ServicesDep, Session
from backend.routing import router as new_router
from backend.workflows import graphs
from trestle.contracts.graph import Connection
from trestle.contracts.workflows import StoredConnection

router = new_router(tag="connections")


@router.post("/workflows/{workflow_id}/connections", status_code=201)
async def connect(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID, body: Connection) -> StoredConnection:
    """One connection more in the draft. A cycle is refused."""
    return await graphs.connect(parts, session, user, workflow_id, body)


@router.delete("/connections/{connection_id}", status_code=204)
async def disconnect(parts: ServicesDep, session: Session, user: CurrentUser, connection_id: UUID) -> None:
    """One connection less."""
    await graphs.disconnect(parts, session, user, connection_id)
