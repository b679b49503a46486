"""Many schedulers on one database, killed while they fire: every firing happens once.

Each is a process of its own that does nothing but fire. "The leader" is whichever has a transaction open at the moment: there is no
other kind of leader here.
"""

import asyncio
import os
import random
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests import servers
from tests.backend.schedules import kit
from tests.chaos.judging import Result
from trestle.cli.home import Home

_READY_S = 6
"""Seconds until the first firing: the processes have to be up."""
_SETTLE_S = 180.0

_BUSY = """
select application_name from pg_stat_activity
where application_name like 'clock-%' and datname = current_database() and xact_start is not null and state <> 'idle'
order by xact_start limit 1
"""
_EACH = """
select count(*) as firings, count(distinct (f.workflow_id, f.fire_at)) as distinct, count(e.id) as started,
    percentile_cont(0.5) within group (order by extract(epoch from f.created_at - f.fire_at)) as late_s
from firings f left join executions e on e.id = f.execution_id where f.fire_at < $1
"""
_EXECUTIONS = "select count(*) from executions where (trigger ->> 'fire_at')::timestamptz < $1"
_LAGGING = "select count(*) from triggers where due_at < $1"


@dataclass(frozen=True)
class Outcome:
    """`wanted` firings; how many there were, how many executions, how many processes were killed, how many of them while they
    fired; the median lateness in seconds."""

    wanted: int
    firings: int
    executions: int
    kills: int
    in_the_act: int
    late_s: float

    @property
    def exact(self) -> bool:
        """Whether each wanted firing happened once."""
        return self.wanted == self.firings == self.executions


class Clocks:
    """The processes, by the name under which PostgreSQL knows them."""

    def __init__(self, dsn: str, redis_url: str) -> None:
        self._dsn = dsn
        self._redis_url = redis_url
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._made = 0

    async def start(self) -> None:
        """One more."""
        self._made += 1
        name = f"clock-{self._made}"
        arguments = [sys.executable, "-m", "tests.chaos.clocks", self._dsn, self._redis_url, name]
        self._running[name] = await asyncio.create_subprocess_exec(*arguments, env={**os.environ, "PYTHONPATH": os.getcwd()})

    async def kill(self, name: str | None, chance: random.Random) -> None:
        """Kills this one, or any."""
        name = name if name in self._running else chance.choice(list(self._running))
        process = self._running.pop(name)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def kill_all(self) -> None:
        """The end."""
        while self._running:
            await self.kill(None, random.Random(0))


async def run(
    dsn: str, redis_url: str, *, schedulers: int = 8, schedules: int = 50, seconds: int = 20, kills: int = 10, seed: int = 1
) -> Outcome:
    """`schedules` that fire every second, for so many `seconds`, by so many `schedulers` of which `kills` die: what came of it."""
    chance = random.Random(seed)
    clocks = Clocks(dsn, redis_url)
    in_the_act = 0
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        await kit.schedule(pool, every_s=1, misfire="all", misfire_limit=1000, due_in_s=_READY_S, count=schedules)
        end = await pool.fetchval("select max(due_at) + make_interval(secs => $1) from triggers where kind = 'schedule'", float(seconds))
        try:
            for _ in range(schedulers):
                await clocks.start()
            await asyncio.sleep(await pool.fetchval("select extract(epoch from min(due_at) - clock_timestamp())::float8 from triggers"))
            for _ in range(kills):
                await asyncio.sleep(seconds / (kills + 1) * chance.uniform(0.5, 1))
                leader = await _leader(pool)
                in_the_act += leader is not None
                await clocks.kill(leader, chance)
                await clocks.start()
            async with asyncio.timeout(seconds + _SETTLE_S):
                while await pool.fetchval(_LAGGING, end):
                    await asyncio.sleep(0.1)
        finally:
            await clocks.kill_all()
        row = await pool.fetchrow(_EACH, end)
        executions = await pool.fetchval(_EXECUTIONS, end)
    assert row is not None
    assert row["firings"] == row["distinct"] == row["started"]
    return Outcome(schedules * seconds, row["firings"], executions, kills, in_the_act, float(row["late_s"]))


async def scenario(template: Home, folder: Path, seed: int, *, quick: bool) -> Result:
    """The same, judged, on servers of its own."""
    result, began = Result("schedules", seed), time.time()
    with servers.running(servers.copy(template, folder)) as both:
        size: dict[str, int] = {"schedulers": 4, "schedules": 40, "seconds": 5, "kills": 3} if quick else {}
        outcome = await run(both.database_url(), both.redis_url, seed=seed, **size)
    result.figures |= {
        "killed": outcome.kills,
        "killed while they fired": outcome.in_the_act,
        "median lateness s": round(outcome.late_s, 3),
    }
    result.expect("firings", outcome.firings, to_be=outcome.wanted)
    result.expect("executions", outcome.executions, to_be=outcome.wanted)
    result.took_s = time.time() - began
    return result


async def _leader(pool: "asyncpg.Pool[asyncpg.Record]") -> str | None:
    """Who fires just now; None where nobody does within a second and a bit."""
    for _ in range(600):
        name: str | None = await pool.fetchval(_BUSY)
        if name is not None:
            return name
        await asyncio.sleep(0.002)
    return None


async def _fire(dsn: str, redis_url: str, name: str) -> None:
    """A process's life."""
    async with kit.scheduler(dsn, redis_url, batch=10, name=name) as (scheduler, _):
        scheduler.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_fire(*sys.argv[1:4]))
