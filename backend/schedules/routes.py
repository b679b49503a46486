"""`/schedules`."""

from backend.deps import CurrentUser, Session
from backend.paging import PagingDep
from backend.routing import router as new_router
from backend.schedules import listing
from trestle.contracts.base import Page
from trestle.contracts.schedules import PreviewRequest, Schedule, SchedulePreview

router = new_router(tag="schedules")


@router.get("/schedules")
async def schedules(session: Session, user: CurrentUser, paging: PagingDep) -> Page[Schedule]:
    """Every schedule of the caller's projects: its next ten times, and how it went last."""
    items, cursor = await listing.listed(session, user, paging)
    return Page(items=items, next_cursor=cursor)


@router.post("/schedules/preview")
async def preview(session: Session, _: CurrentUser, body: PreviewRequest) -> SchedulePreview:
    """The next ten times of a schedule, before there is one."""
    return await listing.preview(session, body)
