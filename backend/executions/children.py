"""Executions that a running step starts: another workflow's published version, at its workflow trigger."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from backend.blobs.service import encoded_refs
from backend.db import readable
from backend.errors import NotFound, Unprocessable
from backend.executions import pausing
from backend.executions.births import Birth, Born, Database, Family, insert
from backend.executions.cancelling import CANCEL
from backend.executions.doorbell import Change
from backend.executions.resolutions import Connection
from trestle.contracts.jobs import StartRequest
from trestle.contracts.states import ExecutionStatus

MAX_DEPTH = 10
"""How many executions may call one another in a row."""

_TARGET = """
select w.name, w.published_version, t.id as trigger_id, t.node
from workflows w left join triggers t on t.workflow_id = w.id and t.kind = 'workflow'
where w.id = $1 and w.project_id = $2
order by t.node limit 1
"""

_CHILD = """
select c.parent_id, c.finished_at is null as lives, c.status, exists (
    select from executions p where p.id = c.parent_id and p.finished_at is null
) as has_parent
from executions c where c.id = $1 for no key update of c
"""

# Before its row is held for the start: two that hold it could not both write it.
_CALLS = """
update executions set calls = true
where id = $1 and epoch = $2 and executor_id = $3 and status in ('running', 'paused') and not calls
"""

# A retry of the execution that started the child takes it over; where it has ended already, its end is told once more.
_ADOPT = """
update executions set parent_id = $2, parent_node = $3, parent_item = $4, parent_waits = $5, settled = settled and not $5
where id = $1
"""

# An attempt at the same step before this one had a child of its own. That one no longer speaks for the step, and where it still runs,
# nobody waits for it. Only older ones (ids are in order of time): an earlier attempt's call may arrive late, or twice.
_DISOWN = """
update executions set parent_waits = false
where parent_id = $2 and parent_node = $3 and parent_item is not distinct from $4 and id < $1 and parent_waits
returning id
"""
_CANCEL = CANCEL.replace("{which}", "e.id = any($1::uuid[])")
_CANCEL_OF = CANCEL.replace(
    "{which}",
    """e.id in (
        select c.id from unnest($1::uuid[], $2::text[], $3::int[]) as over (id, node, item)
        join executions c on c.parent_id = over.id and c.parent_node = over.node and c.parent_item is not distinct from over.item
        where c.parent_waits and c.finished_at is null
    )""",
)
_PAUSE, _RESUME = (statement.replace("{id}", "$1") for statement in (pausing.PAUSE_CHILD, pausing.RESUME_CHILD))
_FORGET = """
delete from resolutions r
where r.execution_id = $2 and r.node = $3 and r.item is not distinct from $4 and r.kind = 'child'
    and ({answer} ->> 'execution_id')::uuid < $1
""".replace("{answer}", readable("r.answer"))


class Called(NamedTuple):
    """What came of a call, to be announced after its commit: the child, whether it is to be pushed, and the children of earlier
    attempts that were cancelled."""

    child: Born
    queued: bool
    cancelled: list[Change]


class Place(NamedTuple):
    """A step that may have called: its execution, its node and item."""

    execution_id: UUID
    node: str
    item: int | None


async def abandon(database: Database, over: Sequence[Place]) -> list[Change]:
    """Cancels the children of steps that are over without having waited for their end: other items of a for-each that failed, say, while
    the execution itself goes on. There is at least one. What is returned is to be told and settled."""
    rows = await database.fetch(_CANCEL_OF, *(list(column) for column in zip(*over, strict=True)))
    return [Change(row["id"], row["workflow_id"], row["event_seq"]) for row in rows]


async def note(connection: Connection, executor_id: UUID, asked: StartRequest) -> None:
    """Notes that the parent has children to wait for: its end will cancel those that still run. Call it before the parent is held."""
    if asked.wait:
        await connection.execute(_CALLS, asked.execution_id, asked.epoch, executor_id)


async def start(connection: Connection, parent: asyncpg.Record, asked: StartRequest) -> Called:
    """The child, new or the one that the same key has started before. In the caller's transaction, which holds the `parent`
    (internal.owned).

    Raises:
        NotFound: there is no such workflow in the parent's project.
        Unprocessable: it can't be called, or too many call one another.
    """
    depth = parent["depth"] + 1
    if depth > MAX_DEPTH:
        raise Unprocessable(f"The workflow calls itself too deeply: more than {MAX_DEPTH} calls in a row. Let the innermost one end.")
    family = Family(parent["id"], asked.node, asked.item, asked.wait, depth)
    birth = await _birth(connection, parent, asked, family)
    born = await _insert(connection, birth)
    if not born.fresh:
        born = await _take_up(connection, birth, family, born)
    if not asked.wait:
        return Called(born, born.fresh, [])
    place = parent["id"], asked.node, asked.item
    disowned = [row["id"] for row in await connection.fetch(_DISOWN, born.execution_id, *place)]
    await connection.execute(_FORGET, born.execution_id, *place)
    cancelled = await connection.fetch(_CANCEL, disowned) if disowned else []
    queued = await _keeps_pace(connection, parent, born)
    return Called(born, queued, [Change(row["id"], row["workflow_id"], row["event_seq"]) for row in cancelled])


async def _keeps_pace(connection: Connection, parent: asyncpg.Record, born: Born) -> bool:
    """Whether the child is queued now. That of a paused caller, whose running step was allowed to finish, is paused until the caller is
    resumed; one that was paused with a caller whose retry takes it over goes on."""
    if parent["status"] == ExecutionStatus.PAUSED:
        await connection.execute(_PAUSE, born.execution_id)
        return False
    return born.fresh or await connection.fetchrow(_RESUME, born.execution_id) is not None


async def _birth(connection: Connection, parent: asyncpg.Record, asked: StartRequest, family: Family) -> Birth:
    target = await connection.fetchrow(_TARGET, asked.workflow_id, parent["project_id"])
    if target is None:
        raise NotFound("There is no such workflow in this project. Choose another one.")
    if target["published_version"] is None:
        raise Unprocessable(f"The workflow “{target['name']}” is not published: publish it, so that it can be called.")
    if target["trigger_id"] is None:
        raise Unprocessable(
            f"The published version of “{target['name']}” has no trigger for calls. Add “Called by a workflow” to it and publish it."
        )
    circumstances: dict[str, Any] = {
        "kind": "workflow",
        "node": target["node"],
        "execution_id": str(parent["id"]),
        "workflow_id": str(parent["workflow_id"]),
    }
    return Birth(
        target["trigger_id"],
        orjson.dumps(circumstances).decode(),
        asked.input,
        input_refs=encoded_refs(asked.refs),
        dedupe_key=f"call:{asked.key}",
        even_disabled=True,
        family=family,
    )


async def _insert(connection: Connection, birth: Birth) -> Born:
    try:
        [born] = await insert(connection, [birth])
    except asyncpg.DataError as error:
        raise Unprocessable(f"The input for the called workflow can't be stored: {error}") from None
    if born is None:
        raise NotFound("The workflow was changed or deleted just now. Try again.")
    return born


async def _take_up(connection: Connection, birth: Birth, family: Family, born: Born) -> Born:
    """The child that is there: this parent's own; or that of an execution which this one is a retry of, unless it failed."""
    there = await connection.fetchrow(_CHILD, born.execution_id)
    if there is None or there["parent_id"] == family.execution_id:
        return born
    if there["has_parent"] or not (there["lives"] or there["status"] == ExecutionStatus.SUCCEEDED):
        return await _insert(connection, replace(birth, dedupe_key=f"{birth.dedupe_key}:{family.execution_id}"))
    await connection.execute(_ADOPT, born.execution_id, family.execution_id, family.node, family.item, family.waits)
    return born
