"""Calls in somebody's name: tokens are renewed once, in time, and a session that can't be renewed ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web as server

from tests.web.conftest import answering, tokens
from web.api import Api
from web.backend import ApiError, Backend, Unreachable
from web.session import Session, Sessions
from web.signing_in import SignedOut, sign_out


class Accounts:
    """A backend that knows one access token at a time, and takes each refresh token once."""

    def __init__(self) -> None:
        self.number = 1
        self.renewals = 0
        self.ended = False

    async def handle(self, request: server.Request) -> server.Response:
        if request.path.endswith("/users/refresh"):
            await asyncio.sleep(0.02)
            body = await request.json()
            if self.ended or body["refresh_token"] != f"refresh-{self.number}":
                return server.json_response({"title": "No", "status": 401, "detail": "spent"}, status=401)
            self.renewals += 1
            self.number += 1
            return server.json_response(tokens(self.number).model_dump())
        if request.headers.get("Authorization") != f"Bearer access-{self.number}":
            return server.json_response({"title": "No", "status": 401, "detail": "expired"}, status=401)
        return server.json_response({"items": [], "next_cursor": None})


@asynccontextmanager
async def signed_in(accounts: Accounts, session: Session) -> AsyncIterator[Api]:
    async with answering(accounts.handle) as url:
        backend = Backend(url)
        yield Api(backend, session)
        await backend.close()


async def test_many_calls_at_once_renew_once(session: Session) -> None:
    session.expires_at = 0
    accounts = Accounts()
    async with signed_in(accounts, session) as api:
        await asyncio.gather(*(api.workflows() for _ in range(8)))
    assert (accounts.renewals, session.generation, session.refresh_token) == (1, 1, "refresh-2")


async def test_a_token_refused_early_is_renewed_and_the_call_repeated(session: Session) -> None:
    accounts = Accounts()
    session.access_token = "revoked"
    async with signed_in(accounts, session) as api:
        assert (await api.workflows()).items == []
    assert accounts.renewals == 1


async def test_a_session_that_can_not_be_renewed_is_over(session: Session, sessions: Sessions) -> None:
    accounts = Accounts()
    accounts.ended, session.expires_at = True, 0
    async with signed_in(accounts, session) as api:
        with pytest.raises(SignedOut):
            await api.workflows()
    assert sessions.get(session.id) is None


async def test_a_backend_that_is_away_ends_no_session(session: Session, sessions: Sessions) -> None:
    async with answering(Accounts().handle) as url:
        backend = Backend(url)
    session.expires_at = 0
    with pytest.raises(Unreachable):
        await Api(backend, session).workflows()
    assert sessions.get(session.id) is session
    with pytest.raises(ApiError):
        await sign_out(backend, sessions, session)
    assert sessions.get(session.id) is None
    await backend.close()
