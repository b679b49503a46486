"""Answers to waits: stored once, and the waiting execution goes on (PROTOCOL, row 12).

An answer may come before its wait begins, at the same moment, or after. It is a row in `resolutions`, written while the execution's
row is locked: then either the hand-back that follows finds the row, or this finds the execution waiting. None is lost.
"""

from enum import StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from backend.blobs import uses
from backend.db import encode_json, readable
from backend.executions.doorbell import Change, Doorbell
from backend.executions.guards import guarded
from backend.queue import Queue
from trestle.contracts.jobs import Resolution, Verdict
from trestle.contracts.states import TERMINAL, ExecutionStatus

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"


class Outcome(StrEnum):
    """What became of an answer."""

    FIRST = "first"
    """It is stored, and counts."""
    ANSWERED = "answered"
    """Another answer came first. That one counts."""
    OVER = "over"
    """Nothing waits for it any more: the step or the whole execution has ended, or there is no such execution."""


class Told(NamedTuple):
    """What an answer brought about, to be announced after the commit: `change` of a woken execution, or `owner_of` one that runs."""

    outcome: Outcome
    change: Change | None = None
    owner_of: UUID | None = None


_LOCK = "select status from executions where id = $1 for no key update"

# Also a step that went on because its time had come: its owner recorded that before it did, and has heard of all that was stored before.
_STEP_OVER = """
select exists (
    select from steps s where execution_id = $1 and node = $2 and item is not distinct from $3
        and (status in ('succeeded', 'skipped', 'cancelled') or status = 'failed' and port is not null
            or status <> 'failed' and {wait} -> '$expired' is not null)
)
""".replace("{wait}", readable("s.wait"))

_STORE = """
insert into resolutions (execution_id, node, item, kind, answer, refs) values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true
"""

# Only where the step waits for just this. Where it does not yet, its hand-back finds the answer.
_WAKE = guarded("""
update executions e set status = {to wake}, wake_at = null, last_push = now(), event_seq = e.event_seq + 1
where e.id = $1 and {e may wake} and exists (
    select from steps s
    where s.execution_id = $1 and s.node = $2 and s.item is not distinct from $3 and s.status = 'waiting' and s.token = $4
)
returning e.id, e.workflow_id, e.event_seq
""")

# `coalesce`, so that it can be joined by hash: a for-each may have thousands of both.
ANSWERED_STEP = """
select from steps s join resolutions r
    on r.execution_id = s.execution_id and r.node = s.node and coalesce(r.item, -1) = coalesce(s.item, -1) and r.kind = s.token
where s.execution_id = e.id and s.status = 'waiting'
"""
"""SQL: the steps of the execution `e` whose wait has its answer."""


async def resolve(
    pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue, doorbell: Doorbell, execution_id: UUID, resolution: Resolution
) -> Outcome:
    """Stores the answer to a wait in a transaction of its own, and lets the execution go on.

    One that waits for it is queued to be taken next; the owner of one that runs is told; a paused one stays paused.
    """
    async with pool.acquire() as connection, connection.transaction():
        told = await record(connection, execution_id, resolution)
    announce(queue, doorbell, told)
    return told.outcome


async def record(connection: Connection, execution_id: UUID, resolution: Resolution) -> Told:
    """The same in the caller's transaction, which `announce`s it after its commit. Locks the execution's row."""
    status = await connection.fetchval(_LOCK, execution_id)
    if status is None or status in TERMINAL:
        return Told(Outcome.OVER)
    place = execution_id, resolution.node, resolution.item
    if await connection.fetchval(_STEP_OVER, *place):
        return Told(Outcome.OVER)
    refs = {pointer: ref.model_dump(mode="json") for pointer, ref in resolution.refs.items()}
    answer = encode_json(resolution.answer), orjson.dumps(refs).decode() if refs else None
    if not await connection.fetchval(_STORE, *place, resolution.kind, *answer):
        return Told(Outcome.ANSWERED)
    await uses.note(connection, [(execution_id, ref) for ref in resolution.refs.values()])
    if status == ExecutionStatus.WAITING:
        row = await connection.fetchrow(_WAKE, *place, resolution.kind)
        return Told(Outcome.FIRST, change=Change(*row) if row is not None else None)
    return Told(Outcome.FIRST, owner_of=execution_id if status == ExecutionStatus.RUNNING else None)


def announce(queue: Queue, doorbell: Doorbell, told: Told) -> None:
    """Pushes what was woken, tells the owner of what runs, rings for those who watch. Call after the commit."""
    if told.change is not None:
        queue.push([told.change.execution_id], first=True)
        doorbell.ring([told.change])
    if told.owner_of is not None:
        queue.tell(told.owner_of, Verdict.CONTINUE)
