"""Executor processes: registered with the shared key, known from then on by a short-lived token of their own."""

import hmac
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from backend.errors import Unauthorised
from backend.security import EXECUTORS, Tokens
from trestle.contracts.jobs import Lane, Registration

TOKEN_S = 300.0
_REMEMBERED_S = 30.0
_MAX_REMEMBERED = 1000

_REGISTER = "insert into executors (name, catalogue, types, lane, credential_types) values ($1, $2, $3, $4, $5) returning id"
_LANE = "select lane from executors where id = $1"


class Executors:
    """Who is who among executors."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", tokens: Tokens, key: str) -> None:
        self._pool = pool
        self._tokens = tokens
        self._key = key.encode()
        self._known: dict[str, tuple[UUID, float]] = {}
        self._lanes: dict[UUID, Lane] = {}

    def check_key(self, bearer: str) -> None:
        """Raises Unauthorised unless `bearer` is the shared executor key."""
        if not hmac.compare_digest(bearer.encode(), self._key):
            raise Unauthorised("This is not the executor key of this installation. Set TRESTLE_EXECUTOR_KEY to the backend's.")

    async def register(self, said: Registration) -> UUID:
        """A new executor's id. It is alive from now on."""
        catalogue = orjson.dumps([node_type.model_dump(mode="json") for node_type in said.catalogue]).decode()
        types: Sequence[str] = sorted({node_type.type for node_type in said.catalogue if node_type.broken is None})
        executor_id: UUID = await self._pool.fetchval(_REGISTER, said.name, catalogue, types, said.lane, said.credential_types)
        return executor_id

    async def lane(self, executor_id: UUID) -> Lane:
        """In which lane it works. One that was forgotten gets nothing anyway."""
        if executor_id not in self._lanes:
            found: Lane = await self._pool.fetchval(_LANE, executor_id) or "main"
            _trim(self._lanes)
            self._lanes[executor_id] = found
        return self._lanes[executor_id]

    def token(self, executor_id: UUID) -> str:
        """A new token of this executor, good for five minutes; each heartbeat's answer brings the next."""
        return self._tokens.issue(str(executor_id), EXECUTORS, TOKEN_S)

    def identify(self, token: str) -> UUID:
        """Whose token this is. Raises Unauthorised for any that is not an executor's."""
        now = time.monotonic()
        known = self._known.get(token)
        if known is not None and known[1] > now:
            return known[0]
        executor_id = UUID(self._tokens.read(token, EXECUTORS))
        _trim(self._known)
        self._known[token] = (executor_id, now + _REMEMBERED_S)
        return executor_id


def _trim(remembered: dict[Any, Any]) -> None:
    """Makes room for one more."""
    while len(remembered) >= _MAX_REMEMBERED:
        del remembered[next(iter(remembered))]
