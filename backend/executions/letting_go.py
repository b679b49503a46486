"""The executions of a workflow that is about to be deleted: those under way are cancelled, and those that are over are let go.

There may be a hundred thousand of the first and millions of the second, which the deletion itself would touch in one statement. So most of
it is done before, a bounded number in a transaction; what is left half-way is a disabled workflow with less history, which can be deleted
again.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.executions.cancelling import CANCEL
from backend.executions.controlling import cancelled
from backend.executions.guards import guarded
from backend.services import Services

BATCH = 500
"""Executions a statement."""
TOLD_WITHIN_S = 5.0
"""How long what has failed is waited for, until it has started its error workflows."""
_LOOK_AGAIN_S = 0.05

# A window of ids holds a bounded number of executions in whatever states: no statement looks through a long history for the few that it
# wants, nor again at what the one before has taken out of the index.
_WINDOW = text("select id from executions where workflow_id = :id and id > :after order by id offset :batch - 1 limit 1")
_WITHIN = "x.workflow_id = :id and x.id > :after and (cast(:until as uuid) is null or x.id <= :until)"

_SOME = guarded("""e.id = any(array(
    select x.id from executions x where {within} and {x may cancel} order by x.id {limit} for no key update {held}
))""")
_CANCEL_FREE = text(CANCEL.replace("{which}", _SOME.format(within=_WITHIN, limit="", held="skip locked")))
_CANCEL = text(CANCEL.replace("{which}", _SOME.format(within="x.workflow_id = :id and x.id > :after", limit="limit :batch", held="")))

# Those whose failure nobody has been told of belong to it until that is done: it says which error workflows start.
_UNTOLD = "x.finished_at is not null and not x.settled and x.status in ('failed', 'quarantined')"
_LET_GO = text(
    """
update executions set workflow_id = null where id = any(array(
    select x.id from executions x where {within} and x.finished_at is not null and not ({untold})
    order by x.id for no key update skip locked
))
""".replace("{within}", _WITHIN).replace("{untold}", _UNTOLD)
)
_SOME_UNTOLD = text("select x.id from executions x where x.workflow_id = :id and {untold} limit :batch".replace("{untold}", _UNTOLD))


async def most(parts: Services, workflow_id: UUID) -> None:
    """Cancels and lets go what nobody else holds, each batch in transactions of their own."""
    after: UUID | None = UUID(int=0)
    while after is not None:
        async with parts.database.session() as session:
            until = await session.scalar(_WINDOW, {"id": workflow_id, "after": after, "batch": BATCH})
            values = {"id": workflow_id, "after": after, "until": until}
            cancelled(parts, session, (await session.execute(_CANCEL_FREE, values)).all())
        async with parts.database.session() as session:
            await session.execute(_LET_GO, values)
        after = until


async def told(parts: Services, workflow_id: UUID) -> bool:
    """Returns once every failure has started its error workflows: True; False where they can't in time."""
    give_up = time.monotonic() + TOLD_WITHIN_S
    while time.monotonic() < give_up:
        async with parts.database.session() as session:
            failed = await untold(session, workflow_id)
        if not failed:
            return True
        parts.settler.soon(failed)
        await asyncio.sleep(_LOOK_AGAIN_S)
    return False


async def untold(session: AsyncSession, workflow_id: UUID) -> Sequence[UUID]:
    """Some of its executions whose failure has not started its error workflows yet, if there are any."""
    return (await session.scalars(_SOME_UNTOLD, {"id": workflow_id, "batch": BATCH})).all()


async def cancel_rest(parts: Services, session: AsyncSession, workflow_id: UUID) -> None:
    """Cancels in the session's transaction whatever is still under way: its workflow is locked, so that no more are added."""
    after = UUID(int=0)
    while ended := (await session.execute(_CANCEL, {"id": workflow_id, "after": after, "batch": BATCH})).all():
        cancelled(parts, session, ended)
        after = max(row.id for row in ended)
