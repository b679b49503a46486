"""Executions that people delete."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.db import readable
from backend.errors import Conflict, Unprocessable
from backend.ids import earliest_id
from backend.models import Execution, Membership, User, Workflow
from backend.models.executions import APART
from backend.ownership import find, memberships
from backend.retention.removal import BATCH, removing
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.executions import Deleted, ExecutionFilter
from trestle.contracts.states import TERMINAL
from trestle.contracts.users import ProjectRole

_AT_ONCE = 10_000
"""Executions that one call deletes at most, and that one statement looks through."""

_ONE = text(removing("e.id = :id"))
_UNDER_WAY = text("select finished_at is null from executions where id = :id")
_PATIENCE_S = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Whoever cancels and deletes at once comes before the sweep that tells of the end."""

_THESE = removing("e.id = any($1::uuid[])", "order by e.id")

# Oldest first, by the index of whatever `within` names; what else is asked for is picked out of the rows walked through. Where nothing is
# found for long, many short statements are many short moments in which nobody waits.
_WALK = """
select (array_agg(id order by id desc))[1] as last, count(*) as walked,
    coalesce(array_agg(id order by id) filter (where {among}), '{}') as found
from (
    select e.id, e.status, e.trigger, e.created_at, e.finished_at from executions e
    where e.kind = 'run' and {within} and e.id > $1 order by e.id limit {limit}
) walked
""".replace("{limit}", str(_AT_ONCE))


async def delete(session: AsyncSession, user: User, ident: UUID) -> None:
    """Deletes one that has finished; waits a moment for what its end brings about. Raises Conflict for one that has not finished."""
    execution = await find(session, user, Execution, ident, needs=ProjectRole.EDITOR)
    if execution.status not in TERMINAL:
        raise Conflict(f"This execution is {execution.status}: only finished ones are deleted. Cancel it first.")
    patience = iter(_PATIENCE_S)
    while (await session.execute(_ONE, {"id": ident})).first() is None:
        if execution.parent_id is not None and await session.scalar(_UNDER_WAY, {"id": execution.parent_id}):
            raise Conflict("Another execution that is under way still builds on this one. Delete it once that has finished.")
        wait_s = next(patience, None)
        if wait_s is None:
            raise Conflict("This execution has only just ended: what its end brings about is not done yet. Delete it again in a moment.")
        await asyncio.sleep(wait_s)
    told = {"workflow_id": str(execution.workflow_id) if execution.workflow_id is not None else None}
    record(session, Action.EXECUTION_DELETED, ident, "", execution.project_id, told)


async def delete_many(parts: Services, session: AsyncSession, user: User, wanted: ExecutionFilter) -> Deleted:
    """Deletes the finished ones among those `wanted`, of each state the oldest first, each batch in a transaction of its own.

    Raises Unprocessable where nothing narrows it, NotFound and Forbidden for a workflow that is not the caller's to change.
    """
    if not wanted.model_dump(exclude_none=True):
        raise Unprocessable("The filter is empty: it would delete every finished execution. Name a workflow, a status or a time.")
    if wanted.workflow_id is not None:
        await find(session, user, Workflow, wanted.workflow_id, needs=ProjectRole.EDITOR)
    mine = select(Membership.project_id).where(*memberships(user), Membership.role.in_([ProjectRole.EDITOR, ProjectRole.ADMIN]))
    projects = list(await session.scalars(mine))
    await session.commit()  # the walk may be long: it takes a connection for each of its statements, and holds none in between
    deleted, more = 0, False
    for within, scope in _ways(wanted, projects):
        async for found in _walk(parts.database.hot, wanted, within, scope):
            room = _AT_ONCE - deleted
            deleted += await _remove(parts.database.hot, found[:room])
            more = len(found) > room or deleted == _AT_ONCE
            if more:
                break
        if more:
            break
    told = wanted.model_dump(mode="json", exclude_none=True, exclude={"ids"})
    record(session, Action.EXECUTION_DELETED, None, f"{deleted} executions", None, told)
    return Deleted(deleted=deleted, more=more)


def _ways(wanted: ExecutionFilter, projects: Sequence[UUID]) -> list[tuple[str, UUID | Sequence[UUID]]]:
    """Which part of an index to walk, as SQL with the parameter $2, and its value: each state that has an index is a way of its own."""
    if wanted.ids is not None:
        return [("e.project_id = any($2::uuid[]) and e.id = any($3::uuid[])", projects)]
    key = "e.project_id = $2" if wanted.workflow_id is None else "e.workflow_id = $2"
    scopes = projects if wanted.workflow_id is None else [wanted.workflow_id]
    states: Iterable[str] = [""]
    if wanted.status is not None:
        ended = {*wanted.status} & {*TERMINAL}
        states = [f" and e.status = '{status.value}'" if status in APART else "" for status in sorted(ended)]
    return [(key + state, scope) for scope in scopes for state in states]


async def _walk(
    database: "asyncpg.Pool[asyncpg.Record]", wanted: ExecutionFilter, within: str, scope: UUID | Sequence[UUID]
) -> AsyncIterator[list[UUID]]:
    """The ids of those `wanted`, a piece of the history at a time."""
    among = ["finished_at is not null"]
    values: list[Any] = [] if wanted.ids is None else [wanted.ids]
    for condition, value in (
        ("status = any(?::text[])", wanted.status),
        (f"{readable('trigger')} ->> 'kind' = ?", wanted.trigger),
        ("created_at >= ?", wanted.since),
        ("finished_at < ?", wanted.before),
    ):
        if value is not None:
            values.append(value)
            among.append(condition.replace("?", f"${len(values) + 2}"))
    if wanted.workflow_id is not None and wanted.ids is not None:
        values.append(wanted.workflow_id)
        within += f" and e.workflow_id = ${len(values) + 2}"
    statement = _WALK.replace("{within}", within).replace("{among}", " and ".join(among))
    last = earliest_id(wanted.since) if wanted.since is not None else UUID(int=0)
    while True:
        row = await database.fetchrow(statement, last, scope, *values)
        if row is None or row["last"] is None:
            return
        if row["found"]:
            yield row["found"]
        if row["walked"] < _AT_ONCE:
            return
        last = row["last"]


async def _remove(database: "asyncpg.Pool[asyncpg.Record]", idents: Sequence[UUID]) -> int:
    """Deletes these, each batch in a transaction of its own; how many. What somebody holds or still needs stays."""
    batches = [idents[start : start + BATCH] for start in range(0, len(idents), BATCH)]
    return sum([len(await database.fetch(_THESE, batch)) for batch in batches])
