"""Notifications of one person. Nobody else's are ever touched."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models import Notification, User
from backend.notifications.outcomes import outcomes
from backend.paging import Paging, page
from backend.settings import Settings
from trestle.contracts import notifications as wire


async def listed(session: AsyncSession, settings: Settings, user: User, paging: Paging, *, unread_only: bool) -> wire.Notifications:
    """A page, newest first, with the number of all that are unread."""
    statement = select(Notification).where(Notification.user_id == user.id)
    if unread_only:
        statement = statement.where(Notification.read_at.is_(None))
    rows, cursor = await page(session, statement, Notification.id, paging)
    told = [row[0] for row in rows]
    items = [
        wire.Notification.model_validate(one).model_copy(update={"outcome": outcome})
        for one, outcome in zip(told, await outcomes(session, settings, told), strict=True)
    ]
    return wire.Notifications(items=items, next_cursor=cursor, unread=await unread(session, user))


async def unread(session: AsyncSession, user: User) -> int:
    """How many `user` has not read."""
    mine = Notification.user_id == user.id, Notification.read_at.is_(None)
    return await session.scalar(select(func.count()).select_from(Notification).where(*mine)) or 0


async def mark_read(session: AsyncSession, user: User, ids: list[UUID] | None) -> None:
    """Marks these, or all. Ids of other people's are passed over."""
    statement = update(Notification).where(Notification.user_id == user.id, Notification.read_at.is_(None))
    if ids is not None:
        statement = statement.where(Notification.id.in_(ids))
    await session.execute(statement.values(read_at=func.now()))
