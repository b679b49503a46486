"""`/audit`."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from backend.audit import service
from backend.deps import CurrentUser, Session
from backend.ownership import require_admin
from backend.paging import PagingDep
from backend.routing import router as new_router
from trestle.contracts.audit import AuditEntry
from trestle.contracts.base import Page

router = new_router("/audit", tag="audit")


@router.get("")
async def listed(
    session: Session,
    user: CurrentUser,
    paging: PagingDep,
    user_id: UUID | None = None,
    action: Annotated[str | None, Query(description="`workflow.published`, or `workflow` for all that was done to workflows")] = None,
    subject_id: Annotated[UUID | None, Query(description="What it was done to")] = None,
) -> Page[AuditEntry]:
    """Who did what, when and from where, newest first. For owners and admins of the instance."""
    require_admin(user)
    items, cursor = await service.listed(session, paging, user_id=user_id, action=action, subject_id=subject_id)
    return Page(items=items, next_cursor=cursor)
