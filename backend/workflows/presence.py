"""Who has a workflow's draft open: those whose streams say so. Redis keeps it for some seconds; that it may be lost does no harm."""

import time
from collections.abc import Awaitable
from typing import cast
from uuid import UUID, uuid4

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.executions.doorbell import Doorbell
from trestle.contracts.workflows import Present, PresentUser

KEPT_S = 25.0
"""Whoever has not been heard of for so long is gone."""
_AGAIN_S = 10.0


class Presence:
    """One person at one stream. `tell` is to be called whenever the stream looks for news, at least every ten seconds."""

    def __init__(self, redis: Redis, doorbell: Doorbell, workflow_id: UUID, user_id: UUID, name: str) -> None:
        self._redis = redis
        self._doorbell = doorbell
        self._workflow_id = workflow_id
        self._key = f"trestle:present:{workflow_id}"
        self._own = uuid4().hex
        self._user = {"id": str(user_id), "name": name}
        self._said_at = 0.0
        self._told = b""

    async def tell(self) -> bytes | None:
        """Says that the person is still here. A `Present` as JSON where it isn't what was told last; None where it is, or Redis is away."""
        try:
            if time.time() - self._said_at > _AGAIN_S:
                await self._say()
            found = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(self._key))
        except RedisError:
            return None
        entries = [orjson.loads(entry) for entry in found.values()]
        users = {entry["id"]: entry["name"] for entry in entries if entry["until"] > time.time()}
        people = [PresentUser(id=UUID(ident), name=name) for ident, name in sorted(users.items(), key=lambda user: (user[1], user[0]))]
        told = Present(users=people).model_dump_json().encode()
        if told == self._told:
            return None
        self._told = told
        return told

    async def _say(self) -> None:
        fresh, now = self._said_at == 0.0, time.time()
        async with self._redis.pipeline(transaction=False) as together:
            together.hset(self._key, self._own, orjson.dumps({**self._user, "until": now + KEPT_S}).decode())
            together.expire(self._key, int(2 * KEPT_S))
            await together.execute()
        self._said_at = now
        if fresh:
            self._doorbell.ring_draft(self._workflow_id)
