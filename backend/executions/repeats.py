"""`Idempotency-Key`: who asks twice with the same key gets the first answer again, and nothing happens a second time."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Unprocessable
from backend.executions.births import Database
from trestle.contracts.base import EncodedJson, JsonObject

MAX_KEY = 255

# Waits for another transaction that uses the same key just now, and goes on when that was rolled back.
_RESERVE = """
insert into idempotency_keys (scope, key, request_hash, status, body) values (:scope, :key, :hash, 202, '{}')
on conflict do nothing returning true
"""
_KNOWN = "select request_hash, body ->> 'execution_id' as execution_id from idempotency_keys where scope = :scope and key = :key"
_FILL = (
    "update idempotency_keys set body = json_build_object('execution_id', cast(:execution_id as text)) where scope = :scope and key = :key"
)

# The same for those who hold a connection of their own.
_RESERVE_HERE = """
insert into idempotency_keys (scope, key, request_hash, status, body) values ($1, $2, $3, 202, '{}') on conflict do nothing returning true
"""
_KNOWN_HERE = "select request_hash, body from idempotency_keys where scope = $1 and key = $2"
_FILL_HERE = "update idempotency_keys set body = $3 where scope = $1 and key = $2"
_FORGET_HERE = "delete from idempotency_keys where scope = $1 and key = $2"


def request_hash(*parts: bytes) -> bytes:
    """What tells one request from another."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


def check_key(key: str) -> None:
    """Raises Unprocessable for a key that is too long."""
    if len(key) > MAX_KEY:
        raise Unprocessable(f"An Idempotency-Key has at most {MAX_KEY} characters. A UUID makes a good one.")


def first_answer(known_hash: bytes, asked_hash: bytes, execution_id: str) -> UUID:
    """What was answered the first time. Raises Unprocessable where that was another request."""
    _check_same(known_hash, asked_hash)
    return UUID(execution_id)


def _check_same(known_hash: bytes, asked_hash: bytes) -> None:
    if known_hash != asked_hash:
        raise Unprocessable("This Idempotency-Key was used for another request before. Use a new key for a new request.")


async def reserve(connection: Database, scope: str, key: str, asked: bytes) -> JsonObject | None:
    """What was answered to this key the first time; None where this is the first: then `remember` or `forget` it.

    In the caller's transaction. Raises Unprocessable where that was another request, or the key is too long.
    """
    check_key(key)
    while not await connection.fetchval(_RESERVE_HERE, scope, key, asked):
        known = await connection.fetchrow(_KNOWN_HERE, scope, key)
        if known is not None:  # it may be tidied away just now
            _check_same(known["request_hash"], asked)
            first: JsonObject = orjson.loads(known["body"])
            return first
    return None


async def remember(connection: Database, scope: str, key: str, body: EncodedJson) -> None:
    """This is what is answered."""
    await connection.execute(_FILL_HERE, scope, key, body)


async def forget(connection: Database, scope: str, key: str) -> None:
    """Nothing came of it: the key is free again."""
    await connection.execute(_FORGET_HERE, scope, key)


async def once(session: AsyncSession, scope: str, key: str | None, asked: bytes, start: Callable[[], Awaitable[UUID]]) -> UUID:
    """The id that `start` gives, or gave the first time it was called for this key. Without a key it is simply called."""
    if key is None:
        return await start()
    check_key(key)
    named: dict[str, Any] = {"scope": scope, "key": key}
    if await session.scalar(text(_RESERVE), {**named, "hash": asked}) is None:
        known = (await session.execute(text(_KNOWN), named)).one()
        return first_answer(known.request_hash, asked, known.execution_id)
    execution_id = await start()
    await session.execute(text(_FILL), {**named, "execution_id": str(execution_id)})
    return execution_id
