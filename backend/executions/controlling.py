"""What people may do to an execution that is under way."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.db import after_commit
from backend.errors import Conflict
from backend.executions.doorbell import Change
from backend.executions.guards import guarded
from backend.models import Execution, User, Workflow
from backend.ownership import find
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.jobs import Verdict
from trestle.contracts.states import TERMINAL, ExecutionStatus
from trestle.contracts.users import ProjectRole

# A running one keeps executor, epoch and seq: its owner is told to cancel, and its last report is known as a repeat.
_CANCEL = """
with ended as (
    update executions e set status = {to cancel}, finished_at = now(), wake_at = null, lease_until = null, reason = null,
        event_seq = e.event_seq + 1, running_since = null,
        running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0)
    where {which} and {e may cancel}
    returning e.id, e.workflow_id, e.event_seq, e.status
), stopped as (
    update steps s set status = 'cancelled', finished_at = now(), event_seq = ended.event_seq
    from ended where s.execution_id = ended.id and s.status in ('pending', 'running', 'waiting')
)
select id, workflow_id, event_seq, status from ended
"""
_CANCEL_ONE = text(guarded(_CANCEL.replace("{which}", "e.id = :id")))
_CANCEL_ALL = text(guarded(_CANCEL.replace("{which}", "e.workflow_id = :id")))


# The owner of a running one keeps it, under its lease and epoch, until its running steps have finished. Time that is paused does not
# count as running.
_PAUSE = text(
    guarded("""
update executions e set status = {to pause}, reason = null, blocked_on = null, event_seq = e.event_seq + 1, running_since = null,
    lease_until = case when e.status = 'running' then e.lease_until end,
    running_ms = e.running_ms + coalesce(extract(epoch from now() - e.running_since) * 1000, 0)
where e.id = :id and {e may pause}
returning e.id, e.workflow_id, e.event_seq, e.status
""")
)

# Who still has it goes on with it. A wait that is not over yet is found by whoever claims it, who hands it back.
_RESUME = text(
    guarded("""
update executions e set event_seq = e.event_seq + 1, last_push = now(), wake_at = null,
    status = case when e.lease_until > now() then {to regain} else {to resume} end,
    running_since = case when e.lease_until > now() then now() end,
    executor_id = case when e.lease_until > now() then e.executor_id end,
    lease_until = case when e.lease_until > now() then e.lease_until end
where e.id = :id and {e may resume}
returning e.id, e.workflow_id, e.event_seq, e.status
""")
)


async def cancel(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """Ends an execution now; whoever runs it is told to stop.

    Raises Conflict where it has ended already, NotFound where it is somebody else's.
    """
    execution = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    ended = (await session.execute(_CANCEL_ONE, {"id": ident})).all()
    if not ended:
        await session.refresh(execution, ["status"])
        raise Conflict(f"This execution has ended already: it is {execution.status}. Nothing is left to cancel.")
    told = {"workflow_id": str(execution.workflow_id) if execution.workflow_id is not None else None}
    record(session, Action.EXECUTION_CANCELLED, ident, "", execution.project_id, told)
    _cancelled(parts, session, ended)


async def cancel_all(parts: Services, session: AsyncSession, workflow: Workflow) -> None:
    """Ends whatever is under way of a workflow that is about to be deleted."""
    _cancelled(parts, session, (await session.execute(_CANCEL_ALL, {"id": workflow.id})).all())


async def pause(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """Lets an execution start no further step. Steps that run may finish, and are recorded.

    Raises Conflict where it is paused already or has ended, NotFound where it is somebody else's.
    """
    execution = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    paused = (await session.execute(_PAUSE, {"id": ident})).one_or_none()
    if paused is None:
        await session.refresh(execution, ["status"])
        if execution.status == ExecutionStatus.PAUSED:
            raise Conflict("This execution is paused already. Resume it to let it go on, or cancel it.")
        raise Conflict(f"This execution has ended already: it is {execution.status}. Nothing is left to pause.")
    _tell(parts, session, paused, Verdict.PAUSE)


async def resume(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """Lets a paused execution go on: with its owner, if a step of it still runs there, or else with whoever takes it next.

    Raises Conflict where it is not paused, NotFound where it is somebody else's.
    """
    execution = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    resumed = (await session.execute(_RESUME, {"id": ident})).one_or_none()
    if resumed is None:
        await session.refresh(execution, ["status"])
        if execution.status in TERMINAL:
            raise Conflict(f"This execution has ended already: it is {execution.status}. Retry or replay it instead.")
        raise Conflict(f"This execution is {execution.status}, not paused: it goes on by itself.")
    _tell(parts, session, resumed, Verdict.CONTINUE)


def _cancelled(parts: Services, session: AsyncSession, ended: Sequence[Row[Any]]) -> None:
    """What their end brings about follows the commit, and whoever runs them or watches hears of it."""
    for row in ended:
        _tell(parts, session, row, Verdict.CANCEL)

    async def settle() -> None:
        parts.settler.soon(row.id for row in ended)

    after_commit(session, settle)


def _tell(parts: Services, session: AsyncSession, row: Row[Any], verdict: Verdict) -> None:
    """After the commit: to whoever runs it, to whoever takes it next if it is queued now, and to those who watch."""

    async def tell() -> None:
        parts.queue.tell(row.id, verdict)
        if row.status == ExecutionStatus.QUEUED:
            parts.queue.push([row.id], first=True)
        parts.doorbell.ring([Change(row.id, row.workflow_id, row.event_seq)])

    after_commit(session, tell)
