"""Saved inputs: listed, kept, removed."""

from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import NotFound, Unprocessable
from backend.models import SavedInput, User, Workflow
from backend.ownership import find
from backend.paging import Paging, page
from trestle.contracts import inputs as wire
from trestle.contracts.users import ProjectRole


async def listed(session: AsyncSession, user: User, workflow_id: UUID, paging: Paging) -> tuple[list[wire.SavedInput], str | None]:
    """A page of the workflow's saved inputs, newest first, and the next cursor."""
    await find(session, user, Workflow, workflow_id)
    rows, cursor = await page(session, select(SavedInput).where(SavedInput.workflow_id == workflow_id), SavedInput.id, paging)
    return [wire.SavedInput.model_validate(row[0]) for row in rows], cursor


async def keep(session: AsyncSession, user: User, workflow_id: UUID, body: wire.NewInput) -> wire.SavedInput:
    """Keeps an input, in the place of one of the same name. Raises Unprocessable where there are too many."""
    await find(session, user, Workflow, workflow_id, needs=ProjectRole.EDITOR)
    # Whoever keeps one waits for who is at it; executions may come in meanwhile: they lock the workflow's key only.
    await session.execute(select(Workflow.id).where(Workflow.id == workflow_id).with_for_update(key_share=True))
    row = insert(SavedInput).values(workflow_id=workflow_id, name=body.name, input=body.input, created_by=user.id)
    row = row.on_conflict_do_update(
        index_elements=["workflow_id", "name"], set_={"input": row.excluded.input, "updated_at": func.now(), "created_by": user.id}
    )
    kept = (await session.scalars(row.returning(SavedInput), execution_options={"populate_existing": True})).one()
    if (await session.scalar(select(func.count()).where(SavedInput.workflow_id == workflow_id)) or 0) > wire.MAX_INPUTS:
        raise Unprocessable(f"A workflow keeps at most {wire.MAX_INPUTS} inputs. Delete one that nobody needs any more.")
    return wire.SavedInput.model_validate(kept)


async def remove(session: AsyncSession, user: User, workflow_id: UUID, input_id: UUID) -> None:
    """Forgets one. Raises NotFound."""
    await find(session, user, Workflow, workflow_id, needs=ProjectRole.EDITOR)
    gone = delete(SavedInput).where(SavedInput.workflow_id == workflow_id, SavedInput.id == input_id).returning(SavedInput.id)
    if (await session.execute(gone)).first() is None:
        raise NotFound("This workflow has no saved input with this id. List what is there and try again.")
