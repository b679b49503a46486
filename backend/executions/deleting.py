"""Executions that people delete."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.db import readable
from backend.errors import Conflict, Unprocessable
from backend.models import Execution, Membership, User, Workflow
from backend.ownership import find, memberships
from backend.retention.removal import BATCH, removing
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.executions import Deleted, ExecutionFilter
from trestle.contracts.states import TERMINAL
from trestle.contracts.users import ProjectRole

_BATCHES = 20
"""In one call: 10,000 executions."""

_ONE = text(removing("e.id = :id"))

_MANY = removing(
    f"""e.project_id = any($1::uuid[]) and e.kind = 'run'
        and ($2::uuid[] is null or e.id = any($2)) and ($3::uuid is null or e.workflow_id = $3)
        and ($4::text[] is null or e.status = any($4)) and ($5::text is null or {readable("e.trigger")} ->> 'kind' = $5)
        and ($6::timestamptz is null or e.created_at >= $6) and ($7::timestamptz is null or e.finished_at < $7)""",
)


async def delete(session: AsyncSession, user: User, ident: UUID) -> None:
    """Deletes one that has finished. Raises Conflict for one that has not."""
    execution = await find(session, user, Execution, ident, needs=ProjectRole.EDITOR)
    if (await session.execute(_ONE, {"id": ident})).first() is None:
        if execution.status in TERMINAL:
            raise Conflict("Another execution that is under way still builds on this one. Delete it once that has finished.")
        raise Conflict(f"This execution is {execution.status}: only finished ones are deleted. Cancel it first.")
    told = {"workflow_id": str(execution.workflow_id) if execution.workflow_id is not None else None}
    record(session, Action.EXECUTION_DELETED, ident, "", execution.project_id, told)


async def delete_many(parts: Services, session: AsyncSession, user: User, wanted: ExecutionFilter) -> Deleted:
    """Deletes the finished ones among those `wanted`, oldest first, each batch in a transaction of its own.

    Raises Unprocessable where nothing narrows it, NotFound and Forbidden for a workflow that is not the caller's to change.
    """
    if not wanted.model_dump(exclude_none=True):
        raise Unprocessable("The filter is empty: it would delete every finished execution. Name a workflow, a status or a time.")
    if wanted.workflow_id is not None:
        await find(session, user, Workflow, wanted.workflow_id, needs=ProjectRole.EDITOR)
    mine = select(Membership.project_id).where(*memberships(user), Membership.role.in_([ProjectRole.EDITOR, ProjectRole.ADMIN]))
    projects = list(await session.scalars(mine))
    deleted = 0
    gone: Sequence[object] = ()
    for _ in range(_BATCHES):
        gone = await parts.database.hot.fetch(
            _MANY, projects, wanted.ids, wanted.workflow_id, wanted.status, wanted.trigger, wanted.since, wanted.before
        )
        deleted += len(gone)
        if len(gone) < BATCH:
            break
    told = wanted.model_dump(mode="json", exclude_none=True, exclude={"ids"})
    record(session, Action.EXECUTION_DELETED, None, f"{deleted} executions", None, told)
    return Deleted(deleted=deleted, more=len(gone) == BATCH)
