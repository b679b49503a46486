"""A worker between a real queue and a backend at the HTTP seam, and nodes for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import redis.asyncio as redis

from executor.api import Api
from executor.lane import Lane
from executor.node import Config, Context, JsonValue, Node, Resumed, Wait
from executor.queue import QUEUE, Queue
from executor.registry import Entry, Registry, describe, discover
from executor.worker import Worker
from tests.executor.backend_double import KEY, BackendDouble
from tests.executor.engine_kit import FakeThrottle
from trestle.contracts.jobs import Registration
from trestle.outbound import OutboundClient, Policy


class Slow(Node[Config]):
    """Takes its time, and counts."""

    type, title, group, icon = "test.slow", "Slow", "Test", "square"
    effect = "idempotent"

    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0
        self.go_on = asyncio.Event()

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """Waits for the test."""
        self.started += 1
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "slow"


class Ask(Node[Config]):
    """Waits for a call."""

    type, title, group, icon = "test.ask", "Ask", "Test", "square"
    effect = "pure"

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> Wait:
        return Wait(token="webhook")

    async def resume(self, config: Config, input: JsonValue, ctx: Context, resumed: Resumed) -> JsonValue:
        return resumed.answer


class Bench:
    """A double, a queue and workers."""

    def __init__(self, backend: BackendDouble, redis_url: str, *made: Node[Any]) -> None:
        self.backend = backend
        self.redis_url = redis_url
        self.registry = Registry([*discover(installed=False), *(Entry(describe(node), node, "test") for node in made)])

    async def push(self, *ids: UUID) -> None:
        client: Any
        async with redis.Redis.from_url(self.redis_url) as client:
            await client.lpush(QUEUE, *map(str, ids))

    @asynccontextmanager
    async def worker(self, *, redis_url: str | None = None, concurrency: int = 100, drain_s: float = 5) -> AsyncIterator[Worker]:
        api = Api(self.backend.url, KEY, Registration(name="test", catalogue=self.registry.catalogue()))
        registered = await api.register()
        queue = Queue(redis_url or self.redis_url, registered.executor_id, block_s=0.2)
        async with OutboundClient(Policy()) as http:
            lane = Lane(api, ("false",))
            worker = Worker(api, queue, self.registry, http, throttle=FakeThrottle(), concurrency=concurrency, drain_s=drain_s, lane=lane)
            running = asyncio.create_task(worker.run())
            yield worker
            worker.stop()
            await asyncio.wait_for(running, 10)
        await queue.close()
        await api.close()
