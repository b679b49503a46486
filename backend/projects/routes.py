"""`/projects`."""

from uuid import UUID

from backend.deps import CurrentUser, Session
from backend.paging import PagingDep
from backend.projects import service
from backend.routing import router as new_router
from trestle.contracts.base import Page
from trestle.contracts.users import Member, MemberChange, NewProject, Project, ProjectChange, ProjectWhole

router = new_router("/projects", tag="projects")


@router.get("")
async def everyone_of(session: Session, user: CurrentUser, paging: PagingDep) -> Page[Project]:
    """The caller's projects."""
    items, cursor = await service.everyone_of(session, user, paging)
    return Page(items=items, next_cursor=cursor)


@router.post("", status_code=201)
async def create(session: Session, user: CurrentUser, body: NewProject) -> ProjectWhole:
    """A new project."""
    return await service.create(session, user, body)


@router.get("/{project_id}")
async def read(session: Session, user: CurrentUser, project_id: UUID) -> ProjectWhole:
    """One project with its members."""
    return await service.read(session, user, project_id)


@router.patch("/{project_id}")
async def change(session: Session, user: CurrentUser, project_id: UUID, body: ProjectChange) -> ProjectWhole:
    """Change a project."""
    return await service.change(session, user, project_id, body)


@router.delete("/{project_id}", status_code=204)
async def remove(session: Session, user: CurrentUser, project_id: UUID) -> None:
    """Delete a project with all that it holds."""
    await service.remove(session, user, project_id)


@router.put("/{project_id}/members/{user_id}")
async def place(session: Session, user: CurrentUser, project_id: UUID, user_id: UUID, body: MemberChange) -> Member:
    """Add a member, or give one another role."""
    return await service.place(session, user, project_id, user_id, body)


@router.delete("/{project_id}/members/{user_id}", status_code=204)
async def displace(session: Session, user: CurrentUser, project_id: UUID, user_id: UUID) -> None:
    """Take a member out; oneself, too."""
    await service.displace(session, user, project_id, user_id)
