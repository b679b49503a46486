"""What people may do to an execution that is under way."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import after_commit
from backend.errors import Conflict
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.models import Execution, User, Workflow
from backend.ownership import find
from backend.queue import Queue
from trestle.contracts.jobs import Verdict
from trestle.contracts.users import ProjectRole

# A running one keeps executor, epoch and seq: its owner is told to cancel, and its last report is known as a repeat.
_CANCEL = """
with ended as (
    update executions e set status = {to cancel}, finished_at = now(), wake_at = null, lease_until = null, reason = null,
        event_seq = e.event_seq + 1, running_since = null,
        running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0)
    where {which} and {e may cancel}
    returning e.id, e.workflow_id, e.event_seq
), stopped as (
    update steps s set status = 'cancelled', finished_at = now(), event_seq = ended.event_seq
    from ended where s.execution_id = ended.id and s.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq from ended
"""
_CANCEL_ONE = text(guarded(_CANCEL.replace("{which}", "e.id = :id")))
_CANCEL_ALL = text(guarded(_CANCEL.replace("{which}", "e.workflow_id = :id")))


async def cancel(session: AsyncSession, user: User, ident: UUID, queue: Queue, doorbell: Doorbell) -> None:
    """Ends an execution now; whoever runs it is told to stop.

    Raises Conflict where it has ended already, NotFound where it is somebody else's.
    """
    execution = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    ended = (await session.execute(_CANCEL_ONE, {"id": ident})).all()
    if not ended:
        await session.refresh(execution, ["status"])
        raise Conflict(f"This execution has ended already: it is {execution.status}. Nothing is left to cancel.")
    _tell(session, ended, queue, doorbell)


async def cancel_all(session: AsyncSession, workflow: Workflow, queue: Queue, doorbell: Doorbell) -> None:
    """Ends whatever is under way of a workflow that is about to be deleted."""
    _tell(session, (await session.execute(_CANCEL_ALL, {"id": workflow.id})).all(), queue, doorbell)


def _tell(session: AsyncSession, ended: Sequence[Row[Any]], queue: Queue, doorbell: Doorbell) -> None:
    """Whoever runs them, and whoever watches, hears of it after the commit."""

    async def tell() -> None:
        for row in ended:
            queue.tell(row.id, Verdict.CANCEL)
        doorbell.ring(Change(row.id, row.workflow_id, row.event_seq) for row in ended)

    after_commit(session, tell)
