"""`Idempotency-Key`: who asks twice with the same key gets the first answer again, and nothing happens a second time."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Unprocessable

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
    if known_hash != asked_hash:
        raise Unprocessable("This Idempotency-Key was used for another request before. Use a new key for a new request.")
    return UUID(execution_id)


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
