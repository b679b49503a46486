"""Workflows that fire by themselves, put into a database behind the backend's back, and backends that do nothing but fire."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from backend.executions.accept import Acceptor
from backend.executions.doorbell import Doorbell
from backend.executions.settling import Settler
from backend.queue import Queue, connect
from backend.schedules.scheduler import Scheduler


async def schedule(
    pool: "asyncpg.Pool[asyncpg.Record]", *, due_in_s: float = 0, kind: str = "schedule", count: int = 1, **config: Any
) -> list[UUID]:
    """`count` enabled workflows, each with one trigger `clock` that is due in so many seconds: the triggers' ids."""
    project_id = await pool.fetchval("insert into projects (name) values ('Clocks') returning id")
    snapshot_id = uuid4().hex
    graph = json.dumps({"nodes": [], "connections": []})
    await pool.execute("insert into snapshots (id, graph, types) values ($1, $2, '{set}')", snapshot_id, graph)
    rows = await pool.fetch(
        """
        with w as (
            insert into workflows (project_id, name, settings, enabled, published_version)
            select $1, 'Clock', '{}', true, 1 from generate_series(1, $2) returning id
        )
        insert into triggers (workflow_id, node, kind, version, snapshot_id, config, due_at, poll_every_s)
        select id, 'clock', $6, 1, $3, $4, date_trunc('second', now()) + make_interval(secs => $5), $7 from w returning id
        """,
        project_id,
        count,
        snapshot_id,
        json.dumps({"timezone": "UTC", **config}),
        due_in_s,
        kind,
        None if kind == "schedule" else 60.0,
    )
    return [row["id"] for row in rows]


@asynccontextmanager
async def scheduler(
    dsn: str, redis_url: str, *, batch: int = 100, name: str = "scheduler"
) -> AsyncIterator[tuple[Scheduler, "asyncpg.Pool[asyncpg.Record]"]]:
    """A scheduler as a backend has it, with connections of its own. Not started."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2, server_settings={"application_name": name}) as pool:
        queue = Queue(connect(redis_url))
        doorbell = Doorbell(queue, connect(redis_url))
        acceptor = Acceptor(pool, queue, doorbell, max_queued=1_000_000)
        yield Scheduler(pool, acceptor, doorbell, Settler(pool, queue, doorbell), batch=batch), pool


def trigger_of(row: asyncpg.Record) -> dict[str, Any]:
    """An execution's trigger."""
    found: dict[str, Any] = json.loads(row["trigger"])
    return found
