"""What the editor sends: small operations, based on a revision that may be old by now."""

from collections.abc import Sequence
from itertools import groupby
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

_MOST_TOLD = 200
"""So many operations that came in between are told in an answer; of more, only what they touched."""


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
    since = await _since(session, workflow, body.base_revision)
    theirs = None if since is None else {path for row in since for path in row.touched}
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
                raise edits.Refused("This was changed elsewhere meanwhile.", _current(draft, mine))
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
    passed = None if since is None else _passed([row for row in since if row.id not in known])
    return wire.OperationsApplied(revision=workflow.revision, applied=applied, conflicts=conflicts, problems=found, passed=passed)


def _known(workflow_id: UUID, ids: list[UUID]) -> Any:
    return select(Operation.id).where(Operation.workflow_id == workflow_id, Operation.id.in_(ids))


async def _since(session: AsyncSession, workflow: Workflow, revision: int) -> Sequence[Any] | None:
    """What was recorded after `revision`, in order; None where that isn't known any more."""
    if revision == workflow.revision:
        return []
    query = select(Operation.id, Operation.revision, Operation.touched, Operation.body)
    query = query.where(Operation.workflow_id == workflow.id, Operation.revision > revision)
    rows = (await session.execute(query.order_by(Operation.revision, Operation.place))).all()
    return rows if rows and rows[0].revision == revision + 1 else None


def _passed(rows: Sequence[Any]) -> list[wire.Passed]:
    """What others did, revision by revision; the operations only where every one is known and they are not very many."""
    found = []
    for revision, group in groupby(rows, lambda row: row.revision):
        those = list(group)
        whole = len(rows) <= _MOST_TOLD and all(row.body is not None for row in those)
        told = {"operations": [row.body for row in those] if whole else [], "touched": sorted({p for row in those for p in row.touched})}
        found.append(wire.Passed.model_validate({"revision": revision, **told}))
    return found


def _current(draft: drafts.Draft, paths: set[str]) -> Any:
    """The nodes that these paths are about, as they are now."""
    keys = {path.split("/")[0] for path in paths if not path.startswith(">")}
    return {key: _plain(draft.nodes.get(key)) for key in sorted(keys)} or None


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
