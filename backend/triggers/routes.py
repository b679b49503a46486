"""`/webhooks`: what there is. (The calls themselves are taken outside of the framework, see webhooks.py.)"""

from uuid import UUID

from backend.deps import CurrentUser, ServicesDep, Session
from backend.paging import PagingDep
from backend.routing import router as new_router
from backend.triggers import listening, listing
from trestle.contracts.base import Page
from trestle.contracts.overview import Webhook
from trestle.contracts.workflows import Listening

router = new_router(tag="webhooks")


@router.get("/webhooks")
async def webhooks(parts: ServicesDep, session: Session, user: CurrentUser, paging: PagingDep) -> Page[Webhook]:
    """Every webhook URL of the caller's projects."""
    items, cursor = await listing.webhooks(session, parts.settings, user, paging)
    return Page(items=items, next_cursor=cursor)


@router.post("/workflows/{workflow_id}/listen")
async def listen(parts: ServicesDep, session: Session, user: CurrentUser, workflow_id: UUID) -> Listening:
    """Listen for a test event: the next call of the test URL runs the draft, and ends the listening. 10 minutes at most."""
    return await listening.listen(parts, session, user, workflow_id)


@router.delete("/workflows/{workflow_id}/listen", status_code=204)
async def stop_listening(session: Session, user: CurrentUser, workflow_id: UUID) -> None:
    """Listen no longer."""
    await listening.stop(session, user, workflow_id)
