"""`/notifications`: what workflows told the caller."""

from backend.deps import CurrentUser, ServicesDep, Session
from backend.notifications import service
from backend.paging import PagingDep
from backend.routing import router as new_router
from trestle.contracts.notifications import Notifications, Read, Unread

router = new_router(tag="notifications")


@router.get("/notifications")
async def notifications(parts: ServicesDep, session: Session, user: CurrentUser, paging: PagingDep, unread: bool = False) -> Notifications:
    """The caller's notifications, newest first; with `unread=true` only those that are."""
    return await service.listed(session, parts.settings, user, paging, unread_only=unread)


@router.post("/notifications/read")
async def read(session: Session, user: CurrentUser, body: Read) -> Unread:
    """Marks some as read, or all."""
    await service.mark_read(session, user, None if body.all else body.ids)
    return Unread(unread=await service.unread(session, user))
