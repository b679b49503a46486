"""The state of the whole instance, asked of the database and of Redis: the same from whichever backend one asks."""

import asyncio
import time
from collections.abc import Iterator

import asyncpg
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from backend.catalogue.service import LIVE_WITHIN_S
from backend.db import is_away
from backend.queue import Queue

_KEPT_S = 2.0

# Each count reads a partial index that holds just these rows.
_STATE = """
select
    (select count(*) from executions where status = 'queued' and blocked_on is null) as queued,
    (select count(*) from executions where status = 'queued' and blocked_on is not null) as blocked,
    (select count(*) from executions where status = 'running') as running,
    (select count(*) from executions where status = 'waiting') as waiting,
    (select count(*) from executions where status = 'paused') as paused,
    (select count(*) from executors where lane = 'main' and stopped_at is null and seen_at > now() - make_interval(secs => $1)) as executors
"""


class Monitor:
    """Answers scrapes. Asks at most every 2 s, however many ask it."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queue: Queue) -> None:
        self._pool = pool
        self._queue = queue
        self._text = b""
        self._asked_at = -_KEPT_S
        self._asking = asyncio.Lock()

    async def text(self) -> bytes:
        """Everything that there is to tell, in Prometheus' text format. While the database is away: only what this process counted."""
        async with self._asking:  # anybody may ask, and many at once
            if time.monotonic() - self._asked_at >= _KEPT_S:
                gauges = CollectorRegistry(auto_describe=False)
                gauges.register(_Found(await self._state(), await self._queue.length()))
                self._text = generate_latest(REGISTRY) + generate_latest(gauges)
                self._asked_at = time.monotonic()
        return self._text

    async def _state(self) -> asyncpg.Record | None:
        try:
            return await self._pool.fetchrow(_STATE, float(LIVE_WITHIN_S))
        except Exception as error:
            if not is_away(error):
                raise
            return None


class _Found:
    """One look, as gauges. What could not be asked is left out, so that an alert on its absence can tell."""

    def __init__(self, state: asyncpg.Record | None, length: int | None) -> None:
        self._state = state
        self._length = length

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("trestle_database_up", "Whether the database answered.", value=self._state is not None)
        yield GaugeMetricFamily("trestle_queue_up", "Whether Redis answered.", value=self._length is not None)
        if self._length is not None:
            yield GaugeMetricFamily("trestle_queue_length", "Ids in the Redis list.", value=self._length)
        if self._state is None:
            return
        yield GaugeMetricFamily("trestle_executors", "Executors that are alive.", value=self._state["executors"])
        unfinished = GaugeMetricFamily("trestle_executions", "Executions that have not ended, by what they are doing.", labels=["status"])
        for status in ("queued", "blocked", "running", "waiting", "paused"):
            unfinished.add_metric([status], self._state[status])
        yield unfinished
