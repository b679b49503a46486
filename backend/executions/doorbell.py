"""Who wants to know about changes of executions, in this process; other processes are told through Redis.

A ring says only *that* something changed. Whoever hears it reads the rows.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.background import for_ever, stop
from backend.queue import DOORBELL, Queue

_AWAY_S = 1.0

log = structlog.get_logger(__name__)


class Change(NamedTuple):
    """An execution whose rows changed; `seq` is its event_seq now."""

    execution_id: UUID
    workflow_id: UUID | None
    seq: int


class Bell:
    """What one listener waits on."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._rung = asyncio.Event()

    def ring(self, execution_id: str) -> None:
        """Something changed in this execution."""
        self._changed.add(execution_id)
        self._rung.set()

    def wake(self) -> None:
        """Nothing changed, but the wait is over."""
        self._rung.set()

    async def wait(self, timeout_s: float) -> set[str]:
        """Ids that rang since the last call, as soon as there are any; empty after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return set()
        self._rung.clear()
        changed, self._changed = self._changed, set()
        return changed


class Doorbell:
    """Rings bells by the id of an execution or of a workflow. One Redis subscription a process, however many listen."""

    def __init__(self, queue: Queue, redis: Redis) -> None:
        self._queue = queue
        self._redis = redis
        self._origin = uuid4().hex
        self._bells: dict[str, set[Bell]] = {}
        self._listener: asyncio.Task[None] | None = None
        self.redis_away = True
        self.closing = False
        """The process stops: whoever listens should finish."""

    def start(self) -> None:
        """Begin to listen to other processes."""
        self._listener = asyncio.create_task(for_ever("doorbell", self._listen_for_ever))

    async def aclose(self) -> None:
        """Stop listening."""
        self.close()
        await stop(self._listener)
        await self._redis.aclose()

    def close(self) -> None:
        """Let every listener finish."""
        self.closing = True
        for bells in self._bells.values():
            for bell in bells:
                bell.wake()

    def ring(self, changes: Iterable[Change]) -> None:
        """Tell everybody who listens, here and in other processes. Call after the commit."""
        told = [(str(c.execution_id), str(c.workflow_id) if c.workflow_id else "", c.seq) for c in changes]
        if not told:
            return
        if self._bells:
            for execution_id, workflow_id, _ in told:
                self._ring_here(execution_id, workflow_id)
        self._queue.publish(DOORBELL, orjson.dumps({"origin": self._origin, "changes": told}))

    def ring_draft(self, workflow_id: UUID) -> None:
        """Tell everybody who listens to a workflow that its draft changed. Call after the commit."""
        self.ring([Change(workflow_id, workflow_id, 0)])  # no execution has this id: the streams find the operations

    @contextmanager
    def listen(self, topic: UUID) -> Iterator[Bell]:
        """A bell that rings for this execution or workflow."""
        bell, key = Bell(), str(topic)
        self._bells.setdefault(key, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[key].discard(bell)
            if not self._bells[key]:
                del self._bells[key]

    def _ring_here(self, execution_id: str, workflow_id: str) -> None:
        for key in (execution_id, workflow_id):
            for bell in self._bells.get(key, ()):
                bell.ring(execution_id)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(DOORBELL)
                    self.redis_away = False
                    async for message in subscription.listen():
                        if message["type"] == "message" and self._bells:
                            self._hear(message["data"])
            except (RedisError, OSError) as error:
                log.warning("doorbell_away", error=str(error))
            self.redis_away = True
            await asyncio.sleep(_AWAY_S)

    def _hear(self, message: bytes) -> None:
        said = orjson.loads(message)
        if said["origin"] == self._origin:
            return
        for execution_id, workflow_id, _ in said["changes"]:
            self._ring_here(execution_id, workflow_id)
