"""`/variables`."""

from uuid import UUID

from backend.deps import CurrentUser, Session
from backend.paging import PagingDep
from backend.routing import router as new_router
from backend.variables import service
from trestle.contracts.base import Page
from trestle.contracts.variables import NewVariable, Variable, VariableChange

router = new_router("/variables", tag="variables")


@router.get("")
async def listed(session: Session, user: CurrentUser, paging: PagingDep, project_id: UUID | None = None) -> Page[Variable]:
    """The variables of the caller's projects, newest first."""
    items, cursor = await service.listed(session, user, paging, project_id)
    return Page(items=items, next_cursor=cursor)


@router.post("", status_code=201)
async def create(session: Session, user: CurrentUser, body: NewVariable) -> Variable:
    """A value that the project's expressions see as `vars.NAME`. Not for secrets: who may look at the project sees it."""
    return await service.create(session, user, body)


@router.patch("/{variable_id}")
async def change(session: Session, user: CurrentUser, variable_id: UUID, body: VariableChange) -> Variable:
    """Change a variable; what is left out stays. Executions see the new value from their next start on."""
    return await service.change(session, user, variable_id, body)


@router.delete("/{variable_id}", status_code=204)
async def remove(session: Session, user: CurrentUser, variable_id: UUID) -> None:
    """Delete a variable."""
    await service.remove(session, user, variable_id)
