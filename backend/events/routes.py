"""`/events`."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query
from starlette.requests import Request
from starlette.responses import Response

from backend.deps import CurrentUser, ServicesDep, Session
from backend.events import service
from backend.routing import router as new_router
from trestle.contracts.base import JsonObject
from trestle.contracts.events import EventTaken

router = new_router(tag="events")

Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again gets the first answer again")]


@router.post("/events", status_code=202, response_model_exclude_none=True)
async def send(
    parts: ServicesDep,
    session: Session,
    user: CurrentUser,
    request: Request,
    response: Response,
    body: JsonObject,
    project_id: UUID | None = None,
    dry_run: Annotated[bool, Query(description="Say what would start, and start nothing")] = False,
    idempotency_key: Key = None,
) -> EventTaken:
    """Start every enabled workflow of the project whose event trigger's condition holds for this object."""
    place = await service.place_for(session, user, project_id)
    if dry_run:
        response.status_code = 200
        return await service.rehearse(parts, place, body)
    return await service.take(parts, place, body, await request.body(), idempotency_key)
