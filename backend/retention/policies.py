"""What is kept how long: workflows' settings and the instance's, made into the points before which executions go.

Everything here only looks. Ages are in days, sizes in bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg

from backend.db import readable
from trestle.contracts.graph import WorkflowSettings

Database: TypeAlias = "asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

DONE = "e.status in ('succeeded', 'cancelled')"
FAILED = "e.status in ('failed', 'quarantined')"
"""SQL, each as the predicate of an index (models.executions): failures are kept longer."""

LAST = UUID(int=2**128 - 1)
_DEFAULT_DAYS = WorkflowSettings.model_fields["keep_days"].default


@dataclass(frozen=True)
class Caps:
    """What the whole instance keeps at most, whatever workflows say. None: no cap."""

    days: int | None = None
    count: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Horizon:
    """Finished executions of a workflow (None: of one that was deleted) that ended at this point or before it are to go."""

    workflow_id: UUID | None
    failed: bool
    at: datetime
    ident: UUID = LAST


_SETTINGS = """
select id, settings -> 'keep_days' is null as unset, (settings ->> 'keep_days')::int as keep_days,
    (settings ->> 'keep_failed_days')::int as keep_failed_days,
    (settings ->> 'keep_count')::bigint as keep_count, (settings ->> 'keep_bytes')::bigint as keep_bytes
from (select id, {settings} as settings from workflows) w
""".replace("{settings}", readable("settings"))

# Whether a workflow's oldest is older: one look into an index each.
_AGED = """
select h.workflow_id, h.failed, h.at from (
    select *, now() - make_interval(days => days) as at
    from unnest($1::uuid[], $2::boolean[], $3::int[]) as given (workflow_id, failed, days)
) h
where h.at >= case
    when h.workflow_id is null and h.failed
        then (select min(e.finished_at) from executions e where e.workflow_id is null and {failed})
    when h.workflow_id is null then (select min(e.finished_at) from executions e where e.workflow_id is null and {done})
    when h.failed then (select min(e.finished_at) from executions e where e.workflow_id = h.workflow_id and {failed})
    else (select min(e.finished_at) from executions e where e.workflow_id = h.workflow_id and {done}) end
""".replace("{done}", DONE).replace("{failed}", FAILED)

# Newest first, as far as the cap reaches and no further: the first that is beyond it, and how much those before it weigh.
_BEYOND = """
select finished_at, id, total - weight as kept from (
    select e.finished_at, e.id, {weight} as weight,
        sum({weight}) over (order by e.finished_at desc, e.id desc rows unbounded preceding) as total
    from executions e where e.workflow_id = $1 and {which} and e.kind = 'run'
) ranked where total > $2 order by finished_at desc, id desc limit 1
"""
_WHOLE = "select coalesce(sum({weight}), 0)::bigint from executions e where e.workflow_id = $1 and {which} and e.kind = 'run'"

_BEYOND_ALL = """
select id from (
    select e.id, sum({weight}) over (order by e.id desc rows unbounded preceding) as total from executions e
) ranked where total > $1 order by id desc limit 1
"""

_ONE, _SIZE = "1::bigint", "e.bytes"


async def aged(database: Database, caps: Caps) -> list[Horizon]:
    """Where executions are older than their workflow keeps them. Failures are kept twice as long, unless it says how long."""
    wanted = list(_ages(await database.fetch(_SETTINGS), caps))
    rows = await database.fetch(_AGED, [w for w, _, _ in wanted], [failed for _, failed, _ in wanted], [days for _, _, days in wanted])
    return [Horizon(row["workflow_id"], row["failed"], row["at"]) for row in rows]


def _ages(rows: Sequence[asyncpg.Record], caps: Caps) -> Iterable[tuple[UUID | None, bool, int]]:
    for ident, days, failed_days in [
        (None, _DEFAULT_DAYS, None),
        *((row["id"], _DEFAULT_DAYS if row["unset"] else row["keep_days"], row["keep_failed_days"]) for row in rows),
    ]:
        failed_days = failed_days or (days * 2 if days else None)
        for failed, own, cap in ((False, days, caps.days), (True, failed_days, caps.days and caps.days * 2)):
            if own or cap:
                yield ident, failed, min(limit for limit in (own, cap) if limit)


async def surplus(database: Database) -> list[Horizon]:
    """Where a workflow has more of them, or larger ones, than it keeps: the oldest are over, failures last.

    Failures have half of the room to themselves, and what the others leave.
    """
    found: list[Horizon] = []
    for row in await database.fetch(_SETTINGS):
        for weight, room in ((_ONE, row["keep_count"]), (_SIZE, row["keep_bytes"])):
            if room is not None:
                found += await _over(database, row["id"], weight, room)
    return found


async def _over(database: Database, workflow_id: UUID, weight: str, room: int) -> list[Horizon]:
    half, failures = await _beyond(database, workflow_id, FAILED, weight, room // 2)
    done, others = await _beyond(database, workflow_id, DONE, weight, room - failures)
    if half is not None:
        half, _ = await _beyond(database, workflow_id, FAILED, weight, room - others)
    return [Horizon(workflow_id, failed, row["finished_at"], row["id"]) for failed, row in ((True, half), (False, done)) if row is not None]


async def _beyond(database: Database, workflow_id: UUID, which: str, weight: str, room: int) -> tuple[asyncpg.Record | None, int]:
    """The newest that there is no room for (None: there is room for all), and how much of the room is taken."""
    row = await database.fetchrow(_BEYOND.replace("{weight}", weight).replace("{which}", which), workflow_id, room)
    if row is not None:
        return row, int(row["kept"])
    return None, await database.fetchval(_WHOLE.replace("{weight}", weight).replace("{which}", which), workflow_id)


async def over_all(database: Database, caps: Caps) -> list[UUID]:
    """The newest executions that the instance has no room for: they and what is older are to go."""
    weights = ((_ONE, caps.count), (_SIZE, caps.bytes))
    found = [await database.fetchval(_BEYOND_ALL.replace("{weight}", weight), room) for weight, room in weights if room is not None]
    return [ident for ident in found if ident is not None]
