"""What the editor sends: small operations, based on a revision that may be old by now."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Unprocessable
from backend.models import Operation, User, Workflow
from backend.ownership import find
from backend.services import Services
from backend.workflows import drafts, edits, problems
from trestle.contracts import workflows as wire
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole


async def apply(parts: Services, session: AsyncSession, user: User, ident: UUID, body: wire.Operations) -> wire.OperationsApplied:
    """Applies what can be, in order and in one transaction.

    An operation that was applied before counts as applied. One about something that changed since `base_revision`, or that
    the graph as it is now can't take, is a conflict and leaves no trace. Raises Unprocessable for a base that never was.
    """
    workflow = await find(session, user, Workflow, ident, needs=ProjectRole.EDITOR, lock=True)
    if body.base_revision > workflow.revision:
        message = f"The draft is at revision {workflow.revision}; there is no {body.base_revision} yet. Load the workflow again."
        raise Unprocessable(message, errors=[FieldError(loc=["base_revision"], message=message)])
    before = draft = await drafts.load(session, ident)
    known = set(await session.scalars(_known(ident, [operation.id for operation in body.operations])))
    theirs = await _changed_since(session, workflow, body.base_revision)
    applied: list[UUID] = []
    conflicts: list[wire.Conflict] = []
    done: dict[UUID, drafts.Applied] = {}
    for operation in body.operations:
        if operation.id in known or operation.id in done:
            applied.append(operation.id)
            continue
        mine = edits.declared(operation)
        try:
            if theirs is None or edits.overlap(mine, theirs):
                raise edits.Refused("This was changed by somebody else meanwhile.", _current(draft, mine))
            after = edits.apply(draft, operation)
        except edits.Refused as error:
            conflicts.append(wire.Conflict(id=operation.id, reason=error.reason, current=_plain(error.current)))
            continue
        except Unprocessable as error:
            conflicts.append(wire.Conflict(id=operation.id, reason=error.detail, current=_current(draft, mine)))
            continue
        done[operation.id] = drafts.Applied(drafts.touched(draft, after), operation.model_dump(mode="json"))
        draft = after
        applied.append(operation.id)
    if done:
        await drafts.change(parts.doorbell, session, workflow, before, draft, user_id=user.id, operations=done)
    found = await problems.of(parts, session, workflow, draft)
    return wire.OperationsApplied(revision=workflow.revision, applied=applied, conflicts=conflicts, problems=found)


def _known(workflow_id: UUID, ids: list[UUID]) -> Any:
    return select(Operation.id).where(Operation.workflow_id == workflow_id, Operation.id.in_(ids))


async def _changed_since(session: AsyncSession, workflow: Workflow, revision: int) -> set[str] | None:
    """Every path that changed after `revision`; None where that isn't known any more."""
    if revision == workflow.revision:
        return set()
    query = select(Operation.revision, Operation.touched).where(Operation.workflow_id == workflow.id, Operation.revision > revision)
    rows = (await session.execute(query)).all()
    if revision + 1 not in {row.revision for row in rows}:
        return None
    return {path for row in rows for path in row.touched}


def _current(draft: drafts.Draft, paths: set[str]) -> Any:
    """The nodes that these paths are about, as they are now."""
    keys = {path.split("/")[0] for path in paths if not path.startswith(">")}
    return {key: _plain(draft.nodes.get(key)) for key in sorted(keys)} or None


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
