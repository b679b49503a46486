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
from executor.queue import CONTROL, QUEUE, Queue
from executor.registry import Entry, Registry, describe, discover
from executor.worker import Worker
from tests.executor.backend_double import KEY, BackendDouble
from tests.executor.engine_kit import FakeThrottle, until
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


async def somebody_waits(client: "redis.Redis") -> None:
    """Returns once a client of this server waits for an id."""
    async with asyncio.timeout(9):
        while not (await client.info("clients"))["blocked_clients"]:
            await asyncio.sleep(0.005)


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

    async def say(self, execution_id: UUID) -> None:
        """Somebody wants something of an execution: said once the worker listens."""
        async with redis.Redis.from_url(self.redis_url) as client, asyncio.timeout(9):
            while not await client.publish(CONTROL, f'{{"execution_id":"{execution_id}"}}'):
                await asyncio.sleep(0.01)

    async def beaten(self) -> None:
        """A heartbeat that leaves from now on was answered, and heeded."""
        beats = self.backend.calls.count("heartbeat")  # the last of them may be under way, with an older answer
        await until(lambda: self.backend.calls.count("heartbeat") >= beats + 2)

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
            await asyncio.wait_for(running, 30)
        await queue.close()
        await api.close()
