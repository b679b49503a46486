"""A web process's parts without Reflex and without a backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web as server

from trestle.contracts.users import Role, Tokens, User
from web.services import services
from web.session import Session, Sessions

KEY = "a key for tests that is long enough for anybody"
ADA = User(id=UUID(int=1), email="ada@example.org", name="Ada", role=Role.OWNER, active=True, created_at=datetime(2026, 1, 1, tzinfo=UTC))


def tokens(number: int = 1, expires_in: int = 900) -> Tokens:
    """The `number`-th pair of tokens."""
    return Tokens(access_token=f"access-{number}", refresh_token=f"refresh-{number}", expires_in=expires_in)


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(KEY.encode())


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions.open(tokens(), ADA)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process's services, with settings of their own."""
    monkeypatch.setenv("TRESTLE_WEB_KEY", KEY)
    services.cache_clear()
    yield
    services.cache_clear()


Handler = Callable[[server.Request], Any]


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    """A backend whose every answer `handler` gives; yields its address."""

    async def handle(request: server.Request) -> server.StreamResponse:
        answer = handler(request)
        return await answer if not isinstance(answer, server.StreamResponse) else answer

    runner = server.ServerRunner(server.Server(handle))  # type: ignore[arg-type]  # its stub forgets StreamResponse
    await runner.setup()
    site = server.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
