"""What people may do to an execution that is under way."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.db import after_commit, despite_deadlocks
from backend.errors import Conflict
from backend.executions import pausing
from backend.executions.cancelling import CANCEL
from backend.executions.doorbell import Change
from backend.models import Execution, User
from backend.ownership import find
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.jobs import Verdict
from trestle.contracts.states import TERMINAL, ExecutionStatus
from trestle.contracts.users import ProjectRole

_CANCEL_ONE = text(CANCEL.replace("{which}", "e.id = :id"))
_PAUSE, _RESUME = (text(statement.replace("{id}", ":id")) for statement in (pausing.PAUSE, pausing.RESUME))
_PAUSE_CHILDREN, _RESUME_CHILDREN = (
    text(statement.replace("{ids}", "cast(:ids as uuid[])")) for statement in (pausing.PAUSE_CHILDREN, pausing.RESUME_CHILDREN)
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
    cancelled(parts, session, ended)


async def pause(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """Lets an execution start no further step, nor any that it waits for. Steps that run may finish, and are recorded.

    Raises Conflict where it is paused already or has ended, NotFound where it is somebody else's.
    """
    execution = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    paused = await despite_deadlocks(session, partial(_moved, session, ident, _PAUSE, _PAUSE_CHILDREN))
    if not paused:
        await session.refresh(execution, ["status"])
        if execution.status == ExecutionStatus.PAUSED:
            raise Conflict("This execution is paused already. Resume it to let it go on, or cancel it.")
        raise Conflict(f"This execution has ended already: it is {execution.status}. Nothing is left to pause.")
    for row in paused:
        _tell(parts, session, row, Verdict.PAUSE)


async def resume(parts: Services, session: AsyncSession, user: User, ident: UUID) -> None:
    """Lets a paused execution go on: with its owner, if a step of it still runs there, or else with whoever takes it next. Those go on
    with it that were paused with it.

    Raises Conflict where it is not paused, NotFound where it is somebody else's.
    """
    execution = await find(session, user, Execution, ident, needs=ProjectRole.OPERATOR)
    resumed = await despite_deadlocks(session, partial(_moved, session, ident, _RESUME, _RESUME_CHILDREN))
    if not resumed:
        await session.refresh(execution, ["status"])
        if execution.status in TERMINAL:
            raise Conflict(f"This execution has ended already: it is {execution.status}. Retry or replay it instead.")
        raise Conflict(f"This execution is {execution.status}, not paused: it goes on by itself.")
    for row in resumed:
        _tell(parts, session, row, Verdict.CONTINUE)


async def _moved(session: AsyncSession, ident: UUID, one: TextClause, children: TextClause) -> list[Row[Any]]:
    """The execution, where it may be moved, and all that follow it: from callers down to the called."""
    moved = (await session.execute(one, {"id": ident})).all()
    every = list(moved)
    while calling := [row.id for row in moved if row.calls]:
        moved = (await session.execute(children, {"ids": calling})).all()
        every += moved
    return every


def cancelled(parts: Services, session: AsyncSession, ended: Sequence[Row[Any]]) -> None:
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
