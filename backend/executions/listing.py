"""Lists of executions, newest first, at a cost that does not grow with the history.

What is filtered for decides which index is walked. Each state that is rare, or that people look for among many others, is read straight
from an index that holds it apart; the rest (what succeeded, kinds of triggers) is picked out of the newest, and no page looks through more
than `WALK` of them: then it is shorter than asked, or empty, and its cursor goes on from where it stopped.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, and_, false, func, literal, literal_column, or_, select, true, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import readable
from backend.ids import earliest_id
from backend.models import Execution, Membership, User, Workflow
from backend.models.executions import APART
from backend.ownership import memberships, owned
from backend.paging import Paging, cursor_of
from trestle.contracts import executions as wire
from trestle.contracts.states import ExecutionStatus

WALK = 2000
"""Executions that one page looks through at most, in each project."""

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)

_COLUMNS = (
    Execution.id,
    Execution.project_id,
    Execution.workflow_id,
    Execution.version,
    Execution.status,
    Execution.trigger,
    Execution.error,
    Execution.failed_steps,
    Execution.attempt,
    Execution.created_at,
    Execution.started_at,
    Execution.finished_at,
    Execution.wake_at,
    Execution.parent_id,
    Execution.retry_of,
    Execution.replay_of,
)

# Literals, not parameters: a partial index is of use only where PostgreSQL can see that it holds everything asked for.
_RUN: ColumnElement[bool] = literal_column("executions.kind = 'run'")
_BLOCKED: ColumnElement[bool] = literal_column("executions.status = 'queued' and executions.blocked_on is not null")


@dataclass(frozen=True)
class Wanted:
    """Which executions a list shows; None does not narrow it."""

    workflow_id: UUID | None = None
    status: list[ExecutionStatus] | None = None
    trigger: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class _Branch:
    """A way into the history. `within`: what its index tells; `among`: what is looked at row by row. `apart`: an index holds such ones
    only, by project and by workflow. `small`: one holds those of the whole instance, which are under way and so not many.
    """

    within: ColumnElement[bool]
    among: ColumnElement[bool] | None = None
    apart: bool = False
    small: bool = False


async def listed(session: AsyncSession, user: User, paging: Paging, wanted: Wanted) -> tuple[list[wire.ExecutionSummary], str | None]:
    """A page of the executions in the caller's projects, newest first, and the next cursor."""
    key, scopes = await _scopes(session, user, wanted.workflow_id)
    if not scopes:
        return [], None
    rows = (await session.execute(statement(key, scopes, paging, wanted))).all()
    shown = []
    for row in rows[: paging.limit]:
        if row.matches:
            shown.append(wire.ExecutionSummary.model_validate(row))
        if row.place == WALK:
            return shown, cursor_of(row.id)
    return shown, cursor_of(rows[paging.limit - 1].id) if len(rows) > paging.limit else None


async def _scopes(session: AsyncSession, user: User, workflow_id: UUID | None) -> tuple[Any, list[UUID]]:
    """The column by which an index finds the executions, and its values."""
    if workflow_id is None:
        return Execution.project_id, list(await session.scalars(select(Membership.project_id).where(*memberships(user))))
    seen = owned(user, Workflow).with_only_columns(Workflow.id).where(Workflow.id == workflow_id)
    return Execution.workflow_id, list(await session.scalars(seen))


def _branches(status: Iterable[ExecutionStatus] | None) -> list[_Branch]:
    if not status:
        return [_Branch(true())]
    branches = []
    for one in sorted(set(status)):
        is_one: ColumnElement[bool] = literal_column(f"executions.status = '{one.value}'")
        if one in APART:
            branches.append(_Branch(is_one, apart=True))
        elif one is ExecutionStatus.RUNNING:
            branches.append(_Branch(is_one, small=True))
        elif one is ExecutionStatus.QUEUED:
            branches += [_Branch(_BLOCKED, apart=True), _Branch(and_(is_one, literal_column("executions.blocked_on is null")), small=True)]
        else:
            branches.append(_Branch(true(), among=literal_column(f"status = '{one.value}'")))
    return branches


def statement(key: Any, scopes: list[UUID], paging: Paging, wanted: Wanted) -> Select[Any]:
    """What `listed` asks: rows of a summary with `matches` and `place` (see `_newest`)."""
    scope = func.unnest(literal(scopes, ARRAY(Uuid()))).table_valued("id").render_derived("scope")
    found = union_all(*(_newest(key, scope, paging, wanted, branch) for branch in _branches(wanted.status))).lateral("found")
    return (
        select(found, Workflow.name.label("workflow_name"))
        .select_from(scope)
        .join(found, true())
        .outerjoin(Workflow, Workflow.id == found.c.workflow_id)
        .order_by(found.c.id.desc(), found.c.matches.desc())  # where one walk ends, another may find what is wanted
        .limit(paging.limit + 1)
    )


def _newest(key: Any, scope: Any, paging: Paging, wanted: Wanted, branch: _Branch) -> Select[Any]:
    """The newest of one branch in one scope: at most one more than the page, or up to where the walk ends. That last row comes too,
    whether it `matches` or not: its `place` is WALK."""
    among = [branch.among] if branch.among is not None else []
    if wanted.trigger is not None:
        among.append(literal_column(readable("trigger") + " ->> 'kind'") == wanted.trigger)
    rows: ColumnElement[int] = literal_column(str(paging.limit + 1))
    # By rows (project, id) and in their order, which only the index of those has: otherwise PostgreSQL may go through the newest of the
    # whole instance instead, and of a quiet project there may be none among those.
    by_rows = not (branch.apart or branch.small)
    order = (key.desc(), Execution.id.desc()) if by_rows else (Execution.id.desc(),)
    place: ColumnElement[Any] = literal_column("null::bigint")
    if among or branch.small:
        place = func.row_number().over(order_by=order)
    if branch.small:
        among.append(literal_column("key") == scope.c.id)
    limit = literal_column(str(WALK)) if among else rows
    # Of the states that an index holds apart the ids are found first, by nothing but what is in it: PostgreSQL may otherwise go through the
    # newest of all, and such an execution may not be among those for long.
    columns = (Execution.id,) if branch.apart else (*_COLUMNS, key.label("key"))
    reached = select(*columns, place.label("place")).where(_RUN, branch.within)
    since = earliest_id(wanted.since) if wanted.since is not None else _FIRST
    before = paging.after or _LAST
    if by_rows:
        row = tuple_(key, Execution.id)
        reached = reached.where(row >= tuple_(scope.c.id, literal(since, Uuid())), row < tuple_(scope.c.id, literal(before, Uuid())))
    else:
        reached = reached.where(Execution.id >= since, Execution.id < before)
        if branch.apart:
            reached = reached.where(key == scope.c.id)
    reached = reached.order_by(*order).limit(limit).correlate(scope)
    if branch.apart:
        ids = reached.subquery("reached")
        reached = select(*_COLUMNS, key.label("key"), ids.c.place).join_from(ids, Execution, Execution.id == ids.c.id)
        reached = reached.order_by(ids.c.id.desc())
    if not among:
        return reached.add_columns(true().label("matches"))
    walked = reached.subquery("walked")
    matches = and_(*among)
    again = (walked.c.key.desc(), walked.c.id.desc()) if by_rows else (walked.c.id.desc(),)  # as it is read: nothing is sorted
    last = walked.c.place == literal_column(str(WALK))
    return select(walked, func.coalesce(matches, false()).label("matches")).where(or_(matches, last)).order_by(*again).limit(rows)
