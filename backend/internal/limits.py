"""Workflows that limit how many of their executions run at once (PROTOCOL, row 4).

An execution of such a workflow runs in a *slot*: one for the whole workflow, or one for each value of the limit's `key`. It holds
it while it is `running`. Over the limit it is blocked: it stays queued, but in no list, until a place in its slot is free.
"""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import orjson

from backend.db import readable
from backend.executions.guards import guarded
from backend.internal.taking import LEASE_S, TAKE
from trestle.language import LanguageError, Scope, compile_config

_LIMIT = readable("s.graph") + " -> 'settings' -> 'concurrency'"

_CANDIDATES = guarded("""
select e.id, e.workflow_id, e.trigger, e.input, {limit} ->> 'key' as key, ({limit} ->> 'limit')::int as places
from executions e join snapshots s on s.id = e.snapshot_id
where {which} and s.limited and {e may claim} and e.blocked_on is null and s.types <@ (select types from executors where id = $1)
order by e.id limit $2
""").replace("{limit}", _LIMIT)
_THESE = _CANDIDATES.replace("{which}", "e.id = any($3::uuid[])")
_ANY = _CANDIDATES.replace("{which}", "true")

# Whoever counts a slot's places and takes some holds its lock: two claims can't both take the last.
_LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_TAKE = (
    TAKE.replace("{which}", "e.id = any($4::uuid[])")
    .replace("{slot}", "$5")
    .replace("{limit}", "greatest($6 - (select count(*) from executions r where r.slot = $5 and r.status = 'running'), 0)")
)
_BLOCK = guarded("""
update executions e set slot = $2, blocked_on = $2, reason = 'Waits its turn: at most ' || $3::int || ' of its kind run at once.'
where e.id = any($1::uuid[]) and {e may claim} and e.blocked_on is null
""")

_FREE = guarded("""
with slots as materialized (
    select distinct e.blocked_on as slot from executions e where {which} and {e may claim} and e.blocked_on is not null
), room as (
    select slot, places - (select count(*) from executions r where r.slot = slots.slot and r.status = 'running') as places
    from slots cross join lateral (
        select ({limit} ->> 'limit')::int as places
        from executions e join snapshots s on s.id = e.snapshot_id
        where e.blocked_on = slots.slot and {e may claim} order by e.id limit 1
    ) oldest
), next as (
    select waiting.id from room cross join lateral (
        select e.id from executions e where e.blocked_on = room.slot and {e may claim} order by e.id limit greatest(room.places, 0)
    ) waiting
)
update executions e set blocked_on = null, reason = null, last_push = now()
from next where e.id = next.id and {e may claim} and e.blocked_on is not null
returning e.id
""").replace("{limit}", _LIMIT)
_FREE_THESE = _FREE.replace("{which}", "e.blocked_on = any($1::text[])")
_FREE_ALL = _FREE.replace("{which}", "true")


async def take(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, claim_id: UUID, ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Claims those of `ids` that belong to a limited workflow, as far as there are places; blocks the rest of them."""
    return await _take(pool, executor_id, claim_id, await pool.fetch(_THESE, executor_id, len(ids), ids)) if ids else []


async def take_any(pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, claim_id: UUID, limit: int) -> list[asyncpg.Record]:
    """The same of the oldest that are queued, at most `limit`."""
    return await _take(pool, executor_id, claim_id, await pool.fetch(_ANY, executor_id, limit))


async def free(
    database: "asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", slots: Sequence[str] | None = None
) -> list[UUID]:
    """Unblocks the oldest of these slots (of all, where None) that have a place now: their ids, to be pushed after the commit."""
    rows = await (database.fetch(_FREE_ALL) if slots is None else database.fetch(_FREE_THESE, slots))
    return [row["id"] for row in rows]


async def _take(
    pool: "asyncpg.Pool[asyncpg.Record]", executor_id: UUID, claim_id: UUID, candidates: Sequence[asyncpg.Record]
) -> list[asyncpg.Record]:
    slots: dict[tuple[str, int], list[UUID]] = defaultdict(list)
    for row in candidates:
        slots[_slot(row), row["places"]].append(row["id"])
    taken: list[asyncpg.Record] = []
    for (slot, places), ids in slots.items():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK, slot)
            taken += await connection.fetch(_TAKE, executor_id, claim_id, LEASE_S, ids, slot, places)
            await connection.execute(_BLOCK, ids, slot, places)
    return taken


def _slot(row: asyncpg.Record) -> str:
    """What the execution counts against. One whose key can't be told shares the slot of all such."""
    if not row["key"]:
        return str(row["workflow_id"])
    scope = Scope(payload=orjson.loads(row["input"]), trigger=orjson.loads(row["trigger"]))
    try:
        value = compile_config({"key": row["key"]}).render(scope)["key"]
    except LanguageError:
        value = None
    return f"{row['workflow_id']}:{orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()[:_LONG]}"


_LONG = 500
