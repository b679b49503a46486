"""What the backend needs in order to work, asked one by one."""

import asyncio
from collections.abc import Awaitable
from typing import cast

import asyncpg
from redis.exceptions import RedisError

from backend.catalogue.service import LIVE_WITHIN_S
from backend.services import Services

_PATIENCE_S = 3


async def unready(parts: Services, *, traffic_only: bool) -> list[str]:
    """Why the backend is not ready; empty where it is. For traffic the database alone counts: the rest may come back later."""
    checks: list[Awaitable[str | None]] = [_database(parts)]
    if not traffic_only:
        checks += [_queue(parts), _executor(parts)]
    return [why for why in await asyncio.gather(*checks) if why]


async def _database(parts: Services) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await parts.database.hot.fetchval("select 1")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"The database does not answer ({type(error).__name__}). Check DATABASE_URL and that PostgreSQL runs."
    return None


async def _queue(parts: Services) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await cast(Awaitable[bool], parts.redis.ping())
    except (OSError, TimeoutError, RedisError) as error:
        return f"The queue does not answer ({type(error).__name__}). Check REDIS_URL and that Redis runs. Nothing accepted is lost."
    return None


async def _executor(parts: Services) -> str | None:
    query = (
        "select exists (select from executors where lane = 'main' and stopped_at is null and seen_at > now() - make_interval(secs => $1))"
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            alive = await parts.database.hot.fetchval(query, float(LIVE_WITHIN_S))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None  # said by the database's own check
    return None if alive else "No executor is running. Start one: `python -m executor`. Executions wait until then."
