"""What people may do to an execution that is under way."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import after_commit
from backend.errors import Conflict
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.models import Execution, User
from backend.ownership import find
from backend.queue import Queue
from trestle.contracts.jobs import Verdict
from trestle.contracts.users import ProjectRole

# A running one keeps executor, epoch and seq: its owner is told to cancel, and its last report is known as a repeat.
_CANCEL = text(
    guarded("""
with ended as (
    update executions e set status = {to cancel}, finished_at = now(), wake_at = null, lease_until = null, reason = null,
        event_seq = e.event_seq + 1, running_since = null,
        running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0)
    where e.id = :id and {e may cancel}
    returning e.id, e.workflow_id, e.event_seq
), stopped as (
    update steps s set status = 'cancelled', finished_at = now(), event_seq = ended.event_seq
    from ended where s.execution_id = ended.id and s.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq from ended
""")
)


async def cancel(session: AsyncSession, user: User, ident: UUID, queue: Queue, doorbell: Doorbell) -> None:
    """Ends an execution now; whoever runs it is told to stop.

    Raises Conflict where it has ended already, NotFound where it is somebody else's.
    """
    execution = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    row = (await session.execute(_CANCEL, {"id": ident})).one_or_none()
    if row is None:
        await session.refresh(execution, ["status"])
        raise Conflict(f"This execution has ended already: it is {execution.status}. Nothing is left to cancel.")

    async def tell() -> None:
        queue.tell(row.id, Verdict.CANCEL)
        doorbell.ring([Change(row.id, row.workflow_id, row.event_seq)])

    after_commit(session, tell)
