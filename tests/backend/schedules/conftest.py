"""An empty database, and a scheduler on it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from backend.schedules.scheduler import Scheduler
from tests.backend.schedules import kit


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """The test's own way into the database, emptied."""
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=5) as pool:
        await pool.execute("truncate users, projects, workflows, snapshots, executions, firings, executors cascade")
        yield pool


@pytest.fixture
async def one(postgres_url: str, redis_url: str) -> AsyncIterator[Scheduler]:
    """A scheduler that fires when it is told to."""
    async with kit.scheduler(postgres_url, redis_url) as (made, _):
        yield made
