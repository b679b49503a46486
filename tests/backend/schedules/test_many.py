"""Several schedulers, killed while they fire (tests/chaos has the long version)."""

import asyncpg

from tests.chaos import clocks


async def test_each_firing_happens_once_whoever_is_killed(pool: "asyncpg.Pool[asyncpg.Record]", postgres_url: str, redis_url: str) -> None:
    outcome = await clocks.run(postgres_url, redis_url, schedulers=4, schedules=200, seconds=5, kills=4)
    assert outcome.exact, outcome
    assert outcome.in_the_act >= 2, outcome
