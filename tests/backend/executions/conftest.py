"""A backend on a real port, with a workflow in its database and an executor that a test plays by hand."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from backend.settings import Settings
from tests.backend.executions.world import Backend, FakeExecutor, World, serving


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """The test's own way into the database, emptied of executions and workflows."""
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=5) as pool:
        await pool.execute("truncate users, projects, workflows, snapshots, executions, executors, idempotency_keys cascade")
        yield pool


@pytest.fixture(scope="module")
def settings(postgres_url: str, redis_url: str) -> Settings:
    """Settings with keys of their own."""
    return Settings(
        database_url=postgres_url,
        redis_url=redis_url,
        secret_key=SecretStr("3f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"),
        executor_key=SecretStr("0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        encryption_keys=SecretStr(Fernet.generate_key().decode()),
        bcrypt_rounds=4,
        max_body_bytes=100_000,
    )


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backends that sweep, and look for what nobody told them of, every tenth of a second instead of every second."""
    for name in ("sweeps.EVERY_S", "schedules.scheduler._LOOK_ANYWAY_S", "triggers.answers._LOOK_ANYWAY_S"):
        monkeypatch.setattr(f"backend.{name}", 0.1)


@pytest.fixture
def unswept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backends that don't sweep: rows that a test has put there, as no backend would, stay as they are."""
    monkeypatch.setattr("backend.sweeps.Sweeper.start", lambda _: None)


@pytest.fixture
async def world(database: "asyncpg.Pool[asyncpg.Record]") -> World:
    """A project with an enabled workflow behind the webhook `go`."""
    return await World.create(database)


@pytest.fixture
async def backend(settings: Settings, database: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Backend]:
    """A running backend."""
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def executor(backend: Backend) -> FakeExecutor:
    """A registered executor that offers what the workflow needs."""
    return await FakeExecutor.register(backend)
