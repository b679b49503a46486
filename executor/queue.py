"""The list of ids in Redis: a doorbell, from which this process moves ids to a list of its own.

Nothing here is worth keeping: an id that gets lost is pushed again by the backend, whose table is the truth.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import orjson
import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from executor.errors import ExecutorError

QUEUE = "trestle:queue"
PROCESSING = "trestle:processing:"
BLOCK_S = 5.0
CONTROL = "trestle:control"
"""Channel on which the backend says that somebody wants something of a running execution. What it is, the heartbeat tells."""
EXPIRE_S = 60

# Moves up to ARGV[1] ids, oldest first, and lets the process's list end with the process.
_TAKE = """
local ids = redis.call('RPOP', KEYS[1], ARGV[1])
if ids then redis.call('LPUSH', KEYS[2], unpack(ids)) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return ids or {}
"""
_FORGET = """
for _, id in ipairs(ARGV) do redis.call('LREM', KEYS[1], 0, id) end
"""

_GIVE_BACK = """
for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do redis.call('RPUSH', KEYS[1], id) end
redis.call('DEL', KEYS[2])
"""

_log = structlog.get_logger("executor.queue")


class QueueAway(ExecutorError):
    """Redis does not answer, or does not do what a Redis list does."""


class Queue:
    """One process's end of the list. Every method raises `QueueAway`; the next call connects anew.

    The socket's timeout is longer than the block, and keepalive is on, so that a connection that died silently is noticed.
    """

    def __init__(self, url: str, executor_id: UUID, *, block_s: float = BLOCK_S) -> None:
        self._block_s = block_s
        self._processing = f"{PROCESSING}{executor_id}"
        keepalive = {
            getattr(socket, name): value
            for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
            if hasattr(socket, name)
        }
        # redis-py types its methods for its synchronous and its asynchronous client at once.
        self._redis: Any = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=block_s + 5,
            socket_connect_timeout=3,
            socket_keepalive=True,
            socket_keepalive_options=keepalive,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 0),
        )
        self._take = self._redis.register_script(_TAKE)
        self._forget = self._redis.register_script(_FORGET)
        self._give_back = self._redis.register_script(_GIVE_BACK)

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    async def left(self) -> list[UUID]:
        """Ids in this process's own list: taken, but perhaps never heard of because an answer got lost."""
        with _talking():
            return _ids(await self._redis.lrange(self._processing, 0, -1))

    async def take(self, limit: int) -> list[UUID]:
        """Up to `limit` ids, oldest first. Waits for the first one for up to the block's time, then gives none."""
        with _talking():
            taken = await self._take(keys=[QUEUE, self._processing], args=[limit, EXPIRE_S])
            if not taken:
                first = await self._redis.blmove(QUEUE, self._processing, self._block_s, "RIGHT", "LEFT")
                if first is None:
                    return []
                taken = [first]
                if limit > 1:
                    taken += await self._take(keys=[QUEUE, self._processing], args=[limit - 1, EXPIRE_S])
        return _ids(taken)

    async def forget(self, ids: Sequence[UUID]) -> None:
        """These ids are claimed, refused, or nobody's: takes them from this process's list."""
        with _talking():
            await self._forget(keys=[self._processing], args=[str(known) for known in ids])

    async def give_back(self) -> None:
        """Puts whatever is left in this process's list back where others find it. At the end of the process."""
        with _talking():
            await self._give_back(keys=[QUEUE, self._processing])

    async def controls(self) -> AsyncIterator[UUID]:
        """Ids of executions that somebody wants something of, as they are said. Ends with `QueueAway`.

        Silence is usual here, so it is asked every so often whether anybody is still there: a half-open connection says nothing.
        """
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            with _talking():
                await channel.subscribe(CONTROL)
            asked = False
            while True:
                with _talking():
                    message = await channel.get_message(timeout=self._block_s)
                    if message is None and not asked:
                        await channel.ping()
                if message is None and asked:
                    raise QueueAway("the channel is silent, a ping was not answered either")
                asked = message is None
                if message is not None and message["type"] == "message":
                    said = _control(message["data"])
                    if said is not None:
                        yield said

    async def keep(self) -> None:
        """Renews the process's list for another minute. The heartbeat calls it."""
        with _talking():
            await self._redis.expire(self._processing, EXPIRE_S)


@contextmanager
def _talking() -> Iterator[None]:
    """Turns the client's errors into `QueueAway`. The client swallows a cancellation now and then: that is made good here."""
    try:
        yield
    except (RedisError, OSError) as error:
        _heed_cancellation()
        raise QueueAway(str(error)) from error
    _heed_cancellation()


def _heed_cancellation() -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _control(message: str) -> UUID | None:
    try:
        return UUID(orjson.loads(message)["execution_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        _log.warning("something else was said to executors", value=message[:100])
        return None


def _ids(texts: Sequence[str]) -> list[UUID]:
    found: list[UUID] = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            _log.warning("something that is no id lay in the queue", value=text[:100])
    return list(dict.fromkeys(found))
