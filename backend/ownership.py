"""Who may see and do what: the one scope that every query of a user-facing route goes through.

A thing belongs to a project; people belong to projects with a role. What belongs to a project that the caller is no member of
does not exist for them (404); what they see but may not do is forbidden (403).
"""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Forbidden, NotFound
from backend.models import ApiKey, Base, Connection, Credential, Execution, Membership, Node, Project, Trigger, User, Variable, Workflow
from trestle.contracts.users import ProjectRole, Role

E = TypeVar("E", bound=Base)

_RANK = {ProjectRole.VIEWER: 0, ProjectRole.OPERATOR: 1, ProjectRole.EDITOR: 2, ProjectRole.ADMIN: 3}
_PROJECT_OF: dict[type[Base], Any] = {
    Project: Project.id,
    Workflow: Workflow.project_id,
    Execution: Execution.project_id,
    Credential: Credential.project_id,
    Variable: Variable.project_id,
    ApiKey: ApiKey.project_id,
}
_IN_WORKFLOW: tuple[Any, ...] = (Node, Connection, Trigger)
_NAMES: dict[type[Base], str] = {ApiKey: "API key"}


def owned(user: User, entity: type[E]) -> Select[E]:
    """`select(entity)`, limited to what `user` may see. `Membership` (and `Workflow`, for its parts) are joined."""
    statement = select(entity)
    if entity in _IN_WORKFLOW:
        statement = statement.join(Workflow, Workflow.id == entity.workflow_id)  # type: ignore[attr-defined]  # the three have it
    project = Workflow.project_id if entity in _IN_WORKFLOW else _PROJECT_OF[entity]
    return statement.join(Membership, Membership.project_id == project).where(*memberships(user))


def memberships(user: User) -> tuple[ColumnElement[bool], ...]:
    """Conditions: the memberships of `user` that count in this request. Of an API key only that in its project."""
    mine = Membership.user_id == user.id
    return (mine,) if user.confined_to is None else (mine, Membership.project_id == user.confined_to)


def name_of(entity: type[Base]) -> str:
    """What people call a thing of this kind."""
    return _NAMES.get(entity, entity.__name__.lower())


def suffices(role: str, needs: ProjectRole) -> bool:
    """Whether `role` is at least `needs`."""
    return _RANK[ProjectRole(role)] >= _RANK[needs]


def require(role: str, needs: ProjectRole) -> None:
    """Raises Forbidden where `role` is less than `needs`."""
    if not suffices(role, needs):
        raise Forbidden(f"This needs the role {needs} in the project; yours is {role}. Ask one of its admins for it.")


async def find(
    session: AsyncSession, user: User, entity: type[E], ident: UUID, *, needs: ProjectRole = ProjectRole.VIEWER, lock: bool = False
) -> E:
    """The thing with this id, on which `user` has at least the role `needs`; locked against other writers if asked.

    Raises NotFound where it is somebody else's or nobody's, Forbidden where the role is not enough.
    """
    statement: Select[Any] = owned(user, entity).add_columns(Membership.role).where(entity.id == ident)  # type: ignore[attr-defined]  # all have it
    if lock:
        statement = statement.with_for_update(of=entity).execution_options(populate_existing=True)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"There is no {name_of(entity)} with this id. It may have been deleted; list what is there and try again.")
    require(row[1], needs)
    found: E = row[0]
    return found


async def project_for(session: AsyncSession, user: User, project_id: UUID | None, *, needs: ProjectRole = ProjectRole.EDITOR) -> Project:
    """The project to put something into: the one named, or else the API key's, or else the user's personal one."""
    project_id = project_id or user.confined_to
    if project_id is not None:
        return await find(session, user, Project, project_id, needs=needs)
    return (await session.scalars(owned(user, Project).where(Project.personal_of == user.id))).one()


def require_admin(user: User) -> None:
    """Raises Forbidden unless `user` administers the instance."""
    if user.role == Role.MEMBER:
        raise Forbidden("This is for owners and admins of this installation. Ask one of them.")
