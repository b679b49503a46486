"""Fires schedules and asks polls when they are due (PROTOCOL, row 13). Any number of backends do; each firing happens once.

One transaction locks what is due, skipping what another backend has locked, and writes all that follows: the firing, its
execution, the next due time. Whoever is killed in it has done nothing, and the next takes it up. PostgreSQL's clock only.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
import structlog

from backend.background import for_ever, stop
from backend.db import is_away
from backend.executions import births, trigger_failures
from backend.executions.accept import Acceptor
from backend.executions.births import Birth
from backend.executions.doorbell import Doorbell
from backend.executions.settling import Settler
from backend.executions.trigger_failures import Failure
from backend.schedules import looking, tidying
from backend.schedules.looking import Due
from trestle.contracts.executions import ExecutionError
from trestle.contracts.jobs import PollTask

_LOOK_ANYWAY_S = 1.0
"""What was enabled meanwhile may be due sooner than all that was known."""
_BUSY_S = 0.05
_TIDY_EVERY_S = 60.0
_BATCH = 100
_MAX_FIRINGS = 1000

log = structlog.get_logger(__name__)

_NEXT_S = "select extract(epoch from min(due_at) - clock_timestamp())::float8 from triggers where due_at is not null"

# The workflow's row is locked as well, since the new executions refer to it: waiting for somebody who holds it and wants its
# triggers (publishing does) would be a deadlock. What is skipped here is still due a moment later.
_DUE = """
select t.id, t.workflow_id, t.node, t.kind, t.config, t.state, t.due_at, t.poll_every_s, t.poll_id, t.failures,
    t.error, w.enabled, now() as now
from triggers t join workflows w on w.id = t.workflow_id
where t.due_at <= now() order by t.due_at limit $1
for no key update of t skip locked for key share of w skip locked
"""

_FIRE = """
insert into firings (workflow_id, node, fire_at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])
on conflict do nothing returning workflow_id, node, fire_at
"""
_FIRED = """
update firings f set execution_id = d.execution_id
from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[]) as d (workflow_id, node, fire_at, execution_id)
where f.workflow_id = d.workflow_id and f.node = d.node and f.fire_at = d.fire_at
"""

_POLLS = "select id, status, reason, error, created_at, finished_at from executions where id = any($1::uuid[])"

_GO_ON = """
update triggers t set due_at = d.due_at, poll_id = d.poll_id, failures = d.failures, error = d.error,
    last_fired_at = case when d.fired then now() else t.last_fired_at end
from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::int[], $5::json[], $6::boolean[])
    as d (id, due_at, poll_id, failures, error, fired)
where t.id = d.id
"""


class Scheduler:
    """Fires what is due for as long as it runs."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", acceptor: Acceptor, doorbell: Doorbell, settler: Settler, *, batch: int = _BATCH
    ) -> None:
        self._pool = pool
        self._acceptor = acceptor
        self._doorbell = doorbell
        self._settler = settler
        self._batch = batch
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to fire."""
        work = [("schedules", self._fire_for_ever), ("schedules_tidy", self._tidy_for_ever)]
        self._tasks = [asyncio.create_task(for_ever(name, what)) for name, what in work]

    async def aclose(self) -> None:
        """Stop."""
        for task in self._tasks:
            await stop(task)

    async def fire(self) -> int:
        """Handles a batch of what is due: how many triggers. 0 where nothing is, or all of it is in other hands just now."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_DUE, self._batch)
            if not rows:
                return 0
            due = await self._decide(connection, rows)
            born = await self._fire_schedules(connection, due) + await self._ask(connection, due)
            await connection.execute(
                _GO_ON,
                [d.row["id"] for d in due],
                [d.due_at for d in due],
                [d.poll_id for d in due],
                [d.failures for d in due],
                [d.error.model_dump_json() if d.error else None for d in due],
                [d.fired for d in due],
            )
            failed = await trigger_failures.record(connection, [_failure(d.row, d.error) for d in due if d.error and d.fails_anew])
        self._acceptor.announce(born)
        trigger_failures.announce(self._doorbell, self._settler, failed)
        return len(due)

    async def _decide(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", rows: Sequence[asyncpg.Record]) -> list[Due]:
        """What becomes of each; of so many as fire no more than a transaction should hold. The others stay due."""
        polls = {row["id"]: row for row in await connection.fetch(_POLLS, [row["poll_id"] for row in rows if row["poll_id"]])}
        found: list[Due] = []
        firings = 0
        for row in rows:
            one = Due.of(row)
            if row["enabled"]:
                if row["poll_every_s"] is not None:
                    looking.at_poll(one, polls.get(row["poll_id"]))
                else:
                    looking.at_schedule(one)
            firings += len(one.fire_at)
            if found and firings > _MAX_FIRINGS:
                break
            found.append(one)
        return found

    async def _fire_schedules(
        self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", due: Sequence[Due]
    ) -> list[tuple[UUID, UUID | None]]:
        wanted = {(one.row["workflow_id"], one.row["node"], at): one for one in due for at in one.fire_at}
        if not wanted:
            return []
        new = await connection.fetch(_FIRE, *(list(column) for column in zip(*wanted, strict=True)))
        keys = sorted(((row["workflow_id"], row["node"], row["fire_at"]) for row in new), key=lambda key: key[2])
        born = await births.insert(connection, [_firing(wanted[key].row, key[2]) for key in keys])
        fired = [(key, one.execution_id) for key, one in zip(keys, born, strict=True) if one is not None]
        for key, _ in fired:
            wanted[key].fired = True
        await connection.execute(
            _FIRED, [k[0] for k, _ in fired], [k[1] for k, _ in fired], [k[2] for k, _ in fired], [execution for _, execution in fired]
        )
        return [(one.execution_id, one.workflow_id) for one in born if one is not None and one.fresh]

    async def _ask(
        self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", due: Sequence[Due]
    ) -> list[tuple[UUID, UUID | None]]:
        asking = [one for one in due if one.asks]
        born = await births.insert(connection, [_poll(one.row) for one in asking]) if asking else []
        for one, execution in zip(asking, born, strict=True):
            one.poll_id = execution.execution_id if execution is not None else None
        return [(one.execution_id, one.workflow_id) for one in born if one is not None]

    async def _fire_for_ever(self) -> None:
        while True:
            try:
                wait_s = await self._pool.fetchval(_NEXT_S)
                if wait_s is not None and wait_s <= 0:
                    wait_s = 0.0 if await self.fire() else _BUSY_S
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("schedules_away", error=f"{type(error).__name__}: {error}")
                wait_s = None
            await asyncio.sleep(_LOOK_ANYWAY_S if wait_s is None else min(wait_s, _LOOK_ANYWAY_S))

    async def _tidy_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_EVERY_S)
            try:
                await tidying.tidy(self._pool)
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("tidying_failed", error=f"{type(error).__name__}: {error}")


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _firing(row: asyncpg.Record, fire_at: datetime) -> Birth:
    at = _iso(fire_at)
    trigger = {"kind": row["kind"], "node": row["node"], "fire_at": at, "fired_at": _iso(row["now"])}
    given = orjson.dumps({"fire_at": at}).decode()
    return Birth(row["id"], orjson.dumps(trigger).decode(), given, dedupe_key=f"schedule:{row['node']}:{at}")


def _failure(row: asyncpg.Record, error: ExecutionError) -> Failure:
    trigger = {"kind": row["kind"], "node": row["node"], "fired_at": _iso(row["now"])}
    return Failure(row["id"], orjson.dumps(trigger).decode(), error)


def _poll(row: asyncpg.Record) -> Birth:
    state = orjson.loads(row["state"]) if row["state"] is not None else None
    trigger = {"kind": row["kind"], "node": row["node"], "fired_at": _iso(row["now"])}
    return Birth(row["id"], orjson.dumps(trigger).decode(), kind="poll", task=PollTask(node=row["node"], state=state).model_dump_json())
