"""Old executions go, in small batches with pauses, so that nobody waits for it: one backend at a time, beside all other work."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from backend.background import for_ever, stop
from backend.db import is_away
from backend.ids import earliest_id
from backend.retention import policies
from backend.retention.policies import DONE, FAILED, Caps, Horizon
from backend.retention.removal import BATCH, YOUNG, removing

EVERY_S = 30.0
_SNAPSHOTS_EVERY_S = 3600.0
_SHARE = 30
"""Ages are looked up in an index, but counting and adding up reads all that is kept: that gets one part in so many of the time."""
_PAUSE_S = 0.05
_LOCK = 0x6B656570

log = structlog.get_logger(__name__)

_BEFORE = "(e.finished_at, e.id) <= ($2::timestamptz, $3::uuid) and e.finished_at <= $2"
_OLDEST_FIRST = "order by e.finished_at"
_OF_WORKFLOW = {
    failed: removing(f"e.workflow_id = $1 and {which} and {_BEFORE} and not {YOUNG}", _OLDEST_FIRST)
    for failed, which in ((False, DONE), (True, FAILED))
}
_OF_NO_WORKFLOW = {
    failed: removing(f"e.workflow_id is null and {which} and e.finished_at <= $1", _OLDEST_FIRST)
    for failed, which in ((False, DONE), (True, FAILED))
}
_UP_TO = removing(f"e.id <= $1 and not {YOUNG}", "order by e.id")

# Polls and checks are nobody's history. Failed ones stay for a day, to be looked into.
_JOBS = removing(
    "e.kind <> 'run' and e.finished_at < now() - case when e.status = 'succeeded' then interval '1 hour' else interval '1 day' end",
)

# The graphs of draft runs that are gone. A young one may be about to be used; who uses one meanwhile makes this leave it alone.
# Few at a time: for each, PostgreSQL looks through the executions once more whether any still points at it.
_SNAPSHOTS_UNUSED = """
with unused as (
    select s.id from snapshots s
    where s.created_at < now() - interval '1 day'
        and not exists (select from versions v where v.snapshot_id = s.id)
        and not exists (select from triggers t where t.snapshot_id = s.id)
        and not exists (select from executions e where e.snapshot_id = s.id)
    limit 20 for update of s skip locked
)
delete from snapshots s using unused where s.id = unused.id returning s.id
"""


_AUDIT = """
delete from audit where id in (select id from audit where at < now() - make_interval(days => $1) limit {batch}) returning id
""".replace("{batch}", str(BATCH))

# Ids tell the time; read and unread ones go alike: who has not read one for so long no longer will.
_NOTIFICATIONS_OLD = """
delete from notifications where id in (select id from notifications where id < $1 order by id limit {batch}) returning id
""".replace("{batch}", str(BATCH))

# Of each person the newest so many stay: one look into an index for each finds the first that is too many.
_NOTIFICATIONS_MANY = """
delete from notifications where id in (
    select old.id from users u
    cross join lateral (select n.id from notifications n where n.user_id = u.id order by n.id desc offset $1 limit 1) first
    cross join lateral (select n.id from notifications n where n.user_id = u.id and n.id <= first.id limit {batch}) old
    limit {batch}
) returning id
""".replace("{batch}", str(BATCH))


@dataclass(frozen=True)
class Records:
    """How long what is no execution is kept: the audit and notifications in days, and how many notifications of each person."""

    audit_days: int = 400
    notification_days: int = 90
    notifications: int = 1000


class Pruner:
    """Prunes every half minute for as long as it runs."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", caps: Caps, records: Records | None = None) -> None:
        self._pool = pool
        self._caps = caps
        self._records = records or Records()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to prune."""
        self._task = asyncio.create_task(for_ever("retention", self._prune_for_ever))

    async def aclose(self) -> None:
        """Stop pruning."""
        await stop(self._task)

    async def prune(self, *, sizes: bool = True, snapshots: bool = True) -> int:
        """One round; how many executions went. Another backend that is at it goes on alone."""
        gone = 0
        for horizon in await policies.aged(self._pool, self._caps):
            gone += await self._remove(horizon)
        gone += await self._batches(_JOBS)
        if sizes:
            for horizon in await policies.surplus(self._pool):
                gone += await self._remove(horizon)
            for ident in await policies.over_all(self._pool, self._caps):
                gone += await self._batches(_UP_TO, ident)
        if snapshots:
            await self._batch(_SNAPSHOTS_UNUSED)
            await self._batches(_AUDIT, self._records.audit_days)
            oldest = datetime.now(UTC) - timedelta(days=self._records.notification_days)
            await self._batches(_NOTIFICATIONS_OLD, earliest_id(oldest))
            await self._batches(_NOTIFICATIONS_MANY, self._records.notifications)
        return gone

    async def _remove(self, horizon: Horizon) -> int:
        if horizon.workflow_id is None:
            return await self._batches(_OF_NO_WORKFLOW[horizon.failed], horizon.at)
        return await self._batches(_OF_WORKFLOW[horizon.failed], horizon.workflow_id, horizon.at, horizon.ident)

    async def _batches(self, statement: str, *arguments: UUID | datetime | int) -> int:
        """Batch after batch, until one isn't full."""
        gone = 0
        while True:
            removed = await self._batch(statement, *arguments)
            gone += len(removed)
            if len(removed) < BATCH:
                return gone
            await asyncio.sleep(_PAUSE_S)

    async def _batch(self, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
                return []
            # A batch that is lost with the server is deleted again: no reason to make the disk hurry.
            await connection.execute("set local synchronous_commit = off")
            return await connection.fetch(statement, *arguments)

    async def _prune_for_ever(self) -> None:
        sizes_at = snapshots_at = 0.0
        while True:
            await asyncio.sleep(EVERY_S)
            began = time.monotonic()
            sizes, snapshots = began >= sizes_at, began >= snapshots_at
            try:
                gone = await self.prune(sizes=sizes, snapshots=snapshots)
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("pruning_failed", error=f"{type(error).__name__}: {error}")
                continue
            took_s = time.monotonic() - began
            if sizes:
                sizes_at = began + took_s * _SHARE
            if snapshots:
                snapshots_at = began + _SNAPSHOTS_EVERY_S
            if gone:
                log.info("pruned", executions=gone, took_s=round(took_s, 1))
