"""`/workflows/{id}/inputs`."""

from uuid import UUID

from backend.deps import CurrentUser, Session
from backend.inputs import service
from backend.paging import PagingDep
from backend.routing import router as new_router
from trestle.contracts.base import Page
from trestle.contracts.inputs import NewInput, SavedInput

router = new_router("/workflows/{workflow_id}/inputs", tag="workflows")


@router.get("")
async def listed(session: Session, user: CurrentUser, paging: PagingDep, workflow_id: UUID) -> Page[SavedInput]:
    """The test inputs that are kept for a workflow, newest first."""
    items, cursor = await service.listed(session, user, workflow_id, paging)
    return Page(items=items, next_cursor=cursor)


@router.post("", status_code=201)
async def keep(session: Session, user: CurrentUser, workflow_id: UUID, body: NewInput) -> SavedInput:
    """Keep an input under a name; one of the same name is replaced."""
    return await service.keep(session, user, workflow_id, body)


@router.delete("/{input_id}", status_code=204)
async def remove(session: Session, user: CurrentUser, workflow_id: UUID, input_id: UUID) -> None:
    """Forget a saved input."""
    await service.remove(session, user, workflow_id, input_id)
