"""A worker's bench for those who need one."""

from collections.abc import AsyncIterator

import pytest
import redis.asyncio as redis

from executor import pulse
from tests.executor.backend_double import backend_double
from tests.executor.worker_kit import Ask, Bench, Slow


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "TELL_S", 0.02)


@pytest.fixture
async def bench(redis_url: str, slow: Slow, fast: None) -> AsyncIterator[Bench]:
    async with redis.Redis.from_url(redis_url) as client:
        await client.flushall()
    async with backend_double() as backend:
        yield Bench(backend, redis_url, slow, Ask())
