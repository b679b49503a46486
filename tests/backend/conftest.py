"""The backend in this process, over a real PostgreSQL and Valkey."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI

from backend.app import create_app
from backend.services import Services
from backend.settings import Settings
from backend.users import backoff
from tests.backend.people import Person, sign_up


@pytest.fixture(scope="session")
def keys() -> dict[str, str]:
    """Keys of this run."""
    return {
        "TRESTLE_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
        "TRESTLE_EXECUTOR_KEY": "zyxwvutsrqponmlkjihgfedcba9876543210",
        "TRESTLE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }


@pytest.fixture(scope="module")
def settings(postgres_url: str, redis_url: str, keys: dict[str, str]) -> Settings:
    """Settings over this module's own database; anyone may register, and bcrypt is as cheap as it can be."""
    given: dict[str, Any] = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, **keys}
    return Settings(**given, TRESTLE_OPEN_REGISTRATION=True, TRESTLE_BCRYPT_ROUNDS=4)


@pytest.fixture(scope="module")
def module_app(settings: Settings) -> FastAPI:
    """The application, not yet running."""
    return create_app(settings)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app`, which runs for the length of the block."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backend") as client,
    ):
        yield client


@pytest.fixture
async def client(module_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody in particular, calling the running backend."""
    async with running(module_app) as client:
        yield client


@pytest.fixture
def app(module_app: FastAPI, client: httpx.AsyncClient) -> FastAPI:
    """The application, running."""
    return module_app


@pytest.fixture
def services(app: FastAPI) -> Services:
    """The running application's parts."""
    found: Services = app.state.services
    return found


@pytest.fixture
def backoff_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has to wait after failed attempts does so for as long as the test lasts, however slow the machine is."""
    now = datetime.now(UTC)
    monkeypatch.setattr(backoff, "datetime", SimpleNamespace(now=lambda _zone: now))


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Person:
    """Somebody who has just signed up."""
    return await sign_up(client)


@pytest.fixture
async def bob(client: httpx.AsyncClient) -> Person:
    """Somebody else."""
    return await sign_up(client)
