"""Projects: what holds workflows and credentials, and who may do what there."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.errors import Conflict, NotFound
from backend.models import Membership, Project, User
from backend.ownership import find, owned
from backend.paging import Paging, page
from trestle.contracts import users as wire
from trestle.contracts.audit import Action
from trestle.contracts.users import ProjectRole


async def everyone_of(session: AsyncSession, user: User, paging: Paging) -> tuple[list[wire.Project], str | None]:
    """A page of the projects that `user` is in, newest first."""
    rows, cursor = await page(session, owned(user, Project).add_columns(Membership.role), Project.id, paging)
    return [_wire(row[0], row[1]) for row in rows], cursor


async def create(session: AsyncSession, user: User, body: wire.NewProject) -> wire.ProjectWhole:
    """A new project with `user` as its admin."""
    project = Project(name=body.name)
    session.add(project)
    await session.flush()
    session.add(Membership(project_id=project.id, user_id=user.id, role=ProjectRole.ADMIN))
    await session.flush()
    record(session, Action.PROJECT_CREATED, project.id, project.name, project.id)
    return await read(session, user, project.id)


async def read(session: AsyncSession, user: User, ident: UUID) -> wire.ProjectWhole:
    """One project with its members."""
    project = await find(session, user, Project, ident)
    members = select(Membership, User).join(User, User.id == Membership.user_id).where(Membership.project_id == ident).order_by(User.email)
    found = [_member(membership, person) for membership, person in (await session.execute(members)).all()]
    role = next(member.role for member in found if member.user_id == user.id)
    return wire.ProjectWhole(**_wire(project, role).model_dump(), members=found)


async def change(session: AsyncSession, user: User, ident: UUID, body: wire.ProjectChange) -> wire.ProjectWhole:
    """Another name."""
    project = await find(session, user, Project, ident, needs=ProjectRole.ADMIN)
    if body.name is not None:
        record(session, Action.PROJECT_CHANGED, project.id, body.name, project.id, {"before": project.name})
        project.name = body.name
        await session.flush()
    return await read(session, user, ident)


async def remove(session: AsyncSession, user: User, ident: UUID) -> None:
    """The project with all that it holds. Raises Conflict for a personal one."""
    project = await find(session, user, Project, ident, needs=ProjectRole.ADMIN, lock=True)
    if project.personal_of is not None:
        raise Conflict("A personal project goes with its user's account. Delete what it holds instead.")
    record(session, Action.PROJECT_DELETED, project.id, project.name, project.id)
    await session.delete(project)


async def place(session: AsyncSession, user: User, ident: UUID, member_id: UUID, body: wire.MemberChange) -> wire.Member:
    """A user becomes a member, or gets another role there."""
    project = await find(session, user, Project, ident, needs=ProjectRole.ADMIN, lock=True)
    if project.personal_of is not None:
        raise Conflict("A personal project has one member. Create a project to work together in.")
    person = await session.get(User, member_id)
    if person is None:
        raise NotFound("There is no user with this id. Ask an admin of this installation for it.")
    membership = await session.get(Membership, (ident, member_id))
    if membership is None:
        membership = Membership(project_id=ident, user_id=member_id, role=body.role, labels=body.labels)
        session.add(membership)
    membership.role = body.role
    membership.labels = body.labels
    await session.flush()
    await _keep_an_admin(session, ident)
    told = {"project": project.name, "role": body.role, "labels": body.labels}
    record(session, Action.MEMBER_SET, member_id, person.email, ident, told)
    return _member(membership, person)


async def displace(session: AsyncSession, user: User, ident: UUID, member_id: UUID) -> None:
    """A member leaves: put out by an admin, or by themselves."""
    needs = ProjectRole.VIEWER if member_id == user.id else ProjectRole.ADMIN
    project = await find(session, user, Project, ident, needs=needs, lock=True)
    membership = await session.get(Membership, (ident, member_id))
    if membership is None:
        raise NotFound("This user is no member of the project. Look at its members and try again.")
    person = await session.get_one(User, member_id)
    await session.delete(membership)
    await session.flush()
    await _keep_an_admin(session, ident)
    record(session, Action.MEMBER_REMOVED, member_id, person.email, ident, {"project": project.name})


async def _keep_an_admin(session: AsyncSession, ident: UUID) -> None:
    admins = select(func.count()).where(Membership.project_id == ident, Membership.role == ProjectRole.ADMIN)
    if await session.scalar(admins) == 0:
        raise Conflict("A project needs an admin. Give somebody else that role first, or delete the project.")


def _wire(project: Project, role: str) -> wire.Project:
    personal = project.personal_of is not None
    return wire.Project(id=project.id, name=project.name, personal=personal, role=ProjectRole(role), created_at=project.created_at)


def _member(membership: Membership, person: User) -> wire.Member:
    role = ProjectRole(membership.role)
    return wire.Member(user_id=person.id, email=person.email, name=person.name, role=role, labels=membership.labels)
