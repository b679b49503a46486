"""`/stats`."""

from typing import Annotated

from fastapi import Query

from backend.deps import CurrentUser, Session
from backend.routing import router as new_router
from backend.stats import service
from trestle.contracts.overview import Stats

router = new_router(tag="stats")


@router.get("/stats")
async def stats(session: Session, user: CurrentUser, hours: Annotated[int, Query(ge=1, le=24 * 30)] = 24) -> Stats:
    """Counts, rates and durations of the last hours, for the dashboard."""
    return await service.stats(session, user, hours)
