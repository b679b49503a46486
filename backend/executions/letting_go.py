"""The executions of a workflow that is about to be deleted: those under way are cancelled, and those that are over are let go.

There may be a hundred thousand of the first and millions of the second, which the deletion itself would touch in one statement. So most of
it is done before, a bounded number in a transaction; what is left half-way is a workflow with less history, which can be deleted again.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.executions.cancelling import CANCEL
from backend.executions.controlling import cancelled
from backend.executions.guards import guarded
from backend.services import Services

BATCH = 500
"""Executions a statement."""

_SOME = guarded("""e.id = any(array(
    select x.id from executions x where x.workflow_id = :id and x.id > :after and {x may cancel}
    order by x.id limit :batch for no key update {held}
))""")
_CANCEL_FREE = text(CANCEL.replace("{which}", _SOME.replace("{held}", "skip locked")))
_CANCEL = text(CANCEL.replace("{which}", _SOME.replace("{held}", "")))

# Walked by id, so that no statement looks again at what the one before has taken out of the index.
_LET_GO = text("""
with gone as (
    update executions set workflow_id = null where id = any(array(
        select id from executions where workflow_id = :id and id > :after and finished_at is not null
        order by id limit :batch for no key update skip locked
    )) returning id
)
select (array_agg(id order by id desc))[1] from gone having count(*) = :batch
""")


async def most(parts: Services, workflow_id: UUID) -> None:
    """Cancels and lets go what nobody else holds, each batch in a transaction of its own."""
    after = UUID(int=0)
    while True:
        async with parts.database.session() as session:
            values = {"id": workflow_id, "after": after, "batch": BATCH}
            ended = (await session.execute(_CANCEL_FREE, values)).all()
            cancelled(parts, session, ended)
        if len(ended) < BATCH:
            break
        after = max(row.id for row in ended)
    last: UUID | None = UUID(int=0)
    while last is not None:
        async with parts.database.session() as session:
            last = await session.scalar(_LET_GO, {"id": workflow_id, "after": last, "batch": BATCH})


async def cancel_rest(parts: Services, session: AsyncSession, workflow_id: UUID) -> None:
    """Cancels in the session's transaction whatever is still under way: its workflow is locked, so that no more are added."""
    after = UUID(int=0)
    while ended := (await session.execute(_CANCEL, {"id": workflow_id, "after": after, "batch": BATCH})).all():
        cancelled(parts, session, ended)
        after = max(row.id for row in ended)
