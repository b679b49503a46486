"""The Redis side: the list of ids, the doorbell, the word to executors. All of it may be lost at any moment, so nothing waits for it."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from backend.background import for_ever, stop
from trestle.contracts.jobs import Verdict

QUEUE = "trestle:queue"
"""Ids of queued executions: pushed on the left, taken from the right."""
DOORBELL = "trestle:doorbell"
"""Channel: `{origin, changes: [[execution id, workflow id, event_seq], …]}`."""
CONTROL = "trestle:control"
"""Channel: `{execution_id, verdict}`, for the executor that runs it. The heartbeat says the same, later."""

_AWAY_S = 0.5
_MAX_KEPT = 10_000

log = structlog.get_logger(__name__)


def connect(url: str, *, socket_timeout_s: float | None = 1.0) -> "Redis":
    """A client that gives up quickly and leaves trying again to its caller."""
    return Redis.from_url(
        url, socket_timeout=socket_timeout_s, socket_connect_timeout=1.0, socket_keepalive=True, retry=Retry(NoBackoff(), 0)
    )


class Queue:
    """Pushes and publishes in the background, together what gathered meanwhile.

    While Redis is away it drops them: the rows in PostgreSQL are the queue, and the sweep pushes again what was lost.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._back: list[str] = []
        self._front: list[str] = []
        self._messages: list[tuple[str, bytes]] = []
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._sender = asyncio.create_task(for_ever("queue", self._send_for_ever))

    async def aclose(self) -> None:
        """Send what is left, then hang up."""
        await stop(self._sender)
        await self._send()
        await self._redis.aclose()

    def push(self, ids: Iterable[UUID], *, first: bool = False) -> None:
        """Put these at the end of the list, or (`first`) where they are taken next. Call after the commit that queued them."""
        kept = self._front if first else self._back
        kept.extend(str(i) for i in ids)
        del kept[:-_MAX_KEPT]
        self._wake.set()

    def publish(self, channel: str, message: bytes) -> None:
        """Say something on a channel."""
        self._messages.append((channel, message))
        del self._messages[:-_MAX_KEPT]
        self._wake.set()

    def tell(self, execution_id: UUID, verdict: Verdict) -> None:
        """Tell whoever runs this execution what to do, sooner than their heartbeat would."""
        self.publish(CONTROL, orjson.dumps({"execution_id": str(execution_id), "verdict": verdict}))

    async def length(self) -> int | None:
        """How many ids the list holds; None while Redis is away."""
        try:
            return int(await self._redis.execute_command("LLEN", QUEUE))  # type: ignore[no-untyped-call]  # redis-py leaves it so
        except (RedisError, OSError):
            return None

    async def _send_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self._send():
                await asyncio.sleep(_AWAY_S)

    async def _send(self) -> bool:
        back, self._back = self._back, []
        front, self._front = self._front, []
        messages, self._messages = self._messages, []
        if not (back or front or messages):
            return True
        try:
            pipeline = self._redis.pipeline(transaction=False)
            if back:
                pipeline.execute_command("LPUSH", QUEUE, *back)
            if front:
                pipeline.execute_command("RPUSH", QUEUE, *front)
            for channel, message in messages:
                pipeline.execute_command("PUBLISH", channel, message)
            await pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=str(error), ids=len(back) + len(front))
            return False
        return True
