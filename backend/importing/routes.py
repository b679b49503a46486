"""`/workflows/import`."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from backend.deps import CurrentUser, ServicesDep, Session
from backend.importing import service
from backend.routing import router as new_router
from trestle.contracts.imports import Converted, Imported

router = new_router("/workflows", tag="workflows")


@router.post("/import", status_code=201)
async def import_document(
    parts: ServicesDep,
    session: Session,
    user: CurrentUser,
    request: Request,
    response: Response,
    project_id: UUID | None = None,
    dry_run: Annotated[bool, Query(description="Answer 200 with the graph that it would be, and store nothing")] = False,
) -> Imported | Converted:
    """A workflow from a document: as `…/export` gives it (JSON, or YAML with `Content-Type: application/yaml`), a workflow of n8n, a
    list of steps `{name, definition: {steps}}`, or a graph `{nodes, edges, trigger?}`. `unmapped` tells what found no place. Nothing
    is run."""
    body, kind = await request.body(), request.headers.get("content-type", "")
    if dry_run:
        response.status_code = 200
        return await service.converted(session, user, project_id, body, kind)
    return await service.imported(parts, session, user, project_id, body, kind)
