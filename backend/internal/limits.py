"""Workflows that limit how many of their executions run at once (PROTOCOL, row 4).

An execution of such a workflow runs in a *slot*: one for the whole workflow, or one for each value of the limit's `key`. It holds
it while it is `running`. Over the limit it is blocked: it stays queued, but in no list, until a place in its slot is free.
Places are given in the order in which executions came: nobody overtakes a blocked one, nor takes the place that one was called to. So each
gets its turn, also where versions with different limits share a slot.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from backend.db import readable
from backend.executions.guards import guarded
from backend.internal.slots import UNTOLD, slot_of
from backend.internal.taking import ELIGIBLE, LEASE_S, SUSPECT_AFTER, TAKE, Way, in_lane

# A paused one counts for as long as its owner still finishes a step: it may be resumed with that owner.
_HOLDING = "r.status in ('running', 'paused') and r.blocked_on is null and (r.status = 'running' or r.lease_until > now())"

# Called to a place that is free, and about to be claimed. One that nobody can run, for whatever reason, keeps no place for long.
_CALLED = f"""r.status = 'queued' and r.blocked_on is null and r.reason is null and r.interruptions < {SUSPECT_AFTER}
    and r.last_push > now() - interval '1 minute'"""

_LIMIT = readable("s.graph") + " -> 'settings' -> 'concurrency'"

_CANDIDATES = guarded(
    """
select e.id, e.workflow_id, e.slot, e.trigger, e.input, e.input_refs, {limit} ->> 'key' as key, ({limit} ->> 'limit')::int as places
from executions e join snapshots s on s.id = e.snapshot_id
where {which} and s.limited and e.kind <> 'poll' and {eligible}
order by e.id limit $2
""".replace("{eligible}", ELIGIBLE)
).replace("{limit}", _LIMIT)
_THESE = in_lane(_CANDIDATES.replace("{which}", "e.id = any($3::uuid[])"))
_ANY = in_lane(_CANDIDATES.replace("{which}", "true"))

# Whoever counts a slot's places and takes some holds its lock: two claims can't both take the last.
_LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_TAKE = in_lane(
    TAKE.replace(
        "{which}",
        """e.id = any($4::uuid[]) and not exists (
            select from executions b where b.blocked_on = $5 and b.status = 'queued' and b.id < e.id
        )""",
    )
    .replace("{slot}", "$5")
    .replace(
        "{limit}",
        """greatest($6 - (select count(*) from executions r where r.slot = $5 and {holding})
            - (select count(*) from executions r where r.slot = $5 and {called} and r.id <> all($4)), 0)""",
    )
    .replace("{holding}", _HOLDING)
    .replace("{called}", _CALLED)
)
_BLOCK = guarded("""
update executions e set slot = $2, blocked_on = $2, reason = 'Waits its turn: at most ' || $3::int || ' ' || $4::text || ' run at once.'
where e.id = any($1::uuid[]) and {e may claim} and e.blocked_on is null
""")

_FREE = (
    guarded("""
with slots as materialized (
    select distinct e.blocked_on as slot from executions e where {which} and {e may claim} and e.blocked_on is not null
), room as (
    select slot, places - (select count(*) from executions r where r.slot = slots.slot and {holding})
        - (select count(*) from executions r where r.slot = slots.slot and {called}) as places
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
""")
    .replace("{limit}", _LIMIT)
    .replace("{holding}", _HOLDING)
    .replace("{called}", _CALLED)
)
_FREE_THESE = _FREE.replace("{which}", "e.blocked_on = any($1::text[])")
_FREE_ALL = _FREE.replace("{which}", "true")


_UNTOLD = "of those whose concurrency key has no value, or can't be told,"


class Taker(NamedTuple):
    """Who claims, to be run in which way, and by which claim."""

    executor_id: UUID
    way: Way
    claim_id: UUID


async def take(pool: "asyncpg.Pool[asyncpg.Record]", taker: Taker, ids: Sequence[UUID], limit: int) -> list[asyncpg.Record]:
    """Claims those of `ids` that belong to a limited workflow, at most `limit`, as far as there are places; blocks the rest of them."""
    return await _take(pool, taker, await pool.fetch(_THESE[taker.way], taker.executor_id, limit, ids)) if ids else []


async def take_any(pool: "asyncpg.Pool[asyncpg.Record]", taker: Taker, limit: int) -> list[asyncpg.Record]:
    """The same of the oldest that are queued."""
    return await _take(pool, taker, await pool.fetch(_ANY[taker.way], taker.executor_id, limit))


async def free(
    database: "asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", slots: Sequence[str] | None = None
) -> list[UUID]:
    """Unblocks the oldest of these slots (of all, where None) that have a place now: their ids, to be pushed after the commit."""
    rows = await (database.fetch(_FREE_ALL) if slots is None else database.fetch(_FREE_THESE, slots))
    return [row["id"] for row in rows]


async def _take(pool: "asyncpg.Pool[asyncpg.Record]", taker: Taker, candidates: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    slots: dict[tuple[str, int], list[UUID]] = defaultdict(list)
    for row in candidates:
        slots[row["slot"] or await slot_of(pool, row), row["places"]].append(row["id"])
    taken: list[asyncpg.Record] = []
    for (slot, places), ids in slots.items():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK, slot)
            taken += await connection.fetch(_TAKE[taker.way], taker.executor_id, taker.claim_id, LEASE_S, ids, slot, places)
            await connection.execute(_BLOCK, ids, slot, places, _UNTOLD if slot.endswith(f":{UNTOLD}") else "of its kind")
    return taken
