"""`/workflows/import`."""

from uuid import UUID

from starlette.requests import Request

from backend.deps import CurrentUser, ServicesDep, Session
from backend.importing import service
from backend.routing import router as new_router
from trestle.contracts.workflows import Imported

router = new_router("/workflows", tag="workflows")


@router.post("/import", status_code=201)
async def import_document(
    parts: ServicesDep, session: Session, user: CurrentUser, request: Request, project_id: UUID | None = None
) -> Imported:
    """A workflow from a document: as `…/export` gives it (JSON, or YAML with `Content-Type: application/yaml`), a list of steps
    `{name, definition: {steps}}`, or a graph `{nodes, edges, trigger?}`. `unmapped` tells what found no place. Nothing is run."""
    return await service.imported(parts, session, user, project_id, await request.body(), request.headers.get("content-type", ""))
