"""Variables: set by editors, seen by whoever may look at the project."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.db import encode_json
from backend.errors import Conflict, Unprocessable
from backend.ids import new_id
from backend.models import Project, User, Variable
from backend.ownership import find, owned, project_for
from backend.paging import Paging, page
from trestle.contracts import variables as wire
from trestle.contracts.audit import Action
from trestle.contracts.base import JsonObject
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole


async def listed(session: AsyncSession, user: User, paging: Paging, project_id: UUID | None) -> tuple[list[wire.Variable], str | None]:
    """A page of variables, newest first, and the next cursor."""
    statement = owned(user, Variable)
    if project_id is not None:
        statement = statement.where(Variable.project_id == project_id)
    rows, cursor = await page(session, statement, Variable.id, paging)
    return [wire.Variable.model_validate(row[0]) for row in rows], cursor


async def create(session: AsyncSession, user: User, body: wire.NewVariable) -> wire.Variable:
    """A new variable. Raises Conflict where the project has one of this name, Unprocessable where it has too many."""
    project = await project_for(session, user, body.project_id)
    row = Variable(id=new_id(), project_id=project.id, name=body.name, value=body.value)
    session.add(row)
    await _store(session, row)
    record(session, Action.VARIABLE_CREATED, row.id, row.name, row.project_id)
    return wire.Variable.model_validate(row)


async def change(session: AsyncSession, user: User, ident: UUID, body: wire.VariableChange) -> wire.Variable:
    """Another name or value. What runs already keeps what it began with. Raises as `create` does."""
    row = await find(session, user, Variable, ident, needs=ProjectRole.EDITOR, lock=True)
    before = row.name
    if body.name is not None:
        row.name = body.name
    if "value" in body.model_fields_set:
        row.value = body.value
    row.updated_at = func.now()
    await _store(session, row)
    await session.refresh(row, ["updated_at"])
    record(session, Action.VARIABLE_CHANGED, row.id, row.name, row.project_id, {"before": before} if before != row.name else {})
    return wire.Variable.model_validate(row)


async def remove(session: AsyncSession, user: User, ident: UUID) -> None:
    """Deletes one. Expressions that name it fail from then on."""
    row = await find(session, user, Variable, ident, needs=ProjectRole.EDITOR, lock=True)
    record(session, Action.VARIABLE_DELETED, row.id, row.name, row.project_id)
    await session.delete(row)


async def values(session: AsyncSession, project_id: UUID) -> JsonObject:
    """What a project's expressions see as `vars`."""
    rows = await session.execute(select(Variable.name, Variable.value).where(Variable.project_id == project_id).order_by(Variable.name))
    return {row.name: row.value for row in rows}


async def _store(session: AsyncSession, row: Variable) -> None:
    project_id, name = row.project_id, row.name
    # One at a time in a project, so that two can't both find room for one.
    await session.execute(select(Project.id).where(Project.id == project_id).with_for_update(key_share=True))
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict(f"This project has a variable “{name}” already. Choose another name, or change that one.") from None
    known = await values(session, project_id)
    if len(known) > wire.MAX_VARIABLES:
        raise Unprocessable(f"A project has at most {wire.MAX_VARIABLES} variables. Delete one that nobody needs, or keep several in one.")
    if len(encode_json(known).encode()) > wire.MAX_VARIABLES_BYTES:
        message = (
            f"A project's variables have at most {wire.MAX_VARIABLES_BYTES // 1024} KB together. Fetch large data with a node instead."
        )
        raise Unprocessable(message, errors=[FieldError(loc=["value"], message=message)])
