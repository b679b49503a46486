"""`/webhooks`: what there is. (The calls themselves are taken outside of the framework, see webhooks.py.)"""

from backend.deps import CurrentUser, ServicesDep, Session
from backend.paging import PagingDep
from backend.routing import router as new_router
from backend.triggers import listing
from trestle.contracts.base import Page
from trestle.contracts.overview import Webhook

router = new_router(tag="webhooks")


@router.get("/webhooks")
async def webhooks(parts: ServicesDep, session: Session, user: CurrentUser, paging: PagingDep) -> Page[Webhook]:
    """Every webhook URL of the caller's projects."""
    items, cursor = await listing.webhooks(session, parts.settings, user, paging)
    return Page(items=items, next_cursor=cursor)
