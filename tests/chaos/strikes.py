"""The strikes: which, in which order, and what each one hit."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from tests.acceptance.stack import Stack

FREEZE_S = 60.0
KILL_EXECUTOR, FREEZE_EXECUTOR = "kill -9 executor", "SIGSTOP executor"
_HELD = """
select e.id::text, e.epoch, x.name from executions e join executors x on x.id = e.executor_id
where e.status = 'running'
"""


@dataclass
class Strike:
    """One fault. Times are Unix times. `hit`: execution → epoch, of those that it took the ground from under."""

    kind: str
    target: str
    at: float
    over: float = 0.0
    """When what was struck was there again. An executor that was killed or frozen is gone for its executions from `at` on."""
    hit: dict[str, int] = field(default_factory=dict)

    @property
    def of_an_owner(self) -> bool:
        """Whether it took executions their executor."""
        return self.kind in (KILL_EXECUTOR, FREEZE_EXECUTOR)


@dataclass(frozen=True)
class Plan:
    """How many of each."""

    kill_executor: int = 20
    freeze_executor: int = 5
    flush: int = 3
    kill_queue: int = 2
    kill_backend: int = 4
    stop_postgres: int = 2
    gap_s: tuple[float, float] = (3.0, 8.0)
    freeze_s: float = FREEZE_S

    def order(self, seed: int) -> list[str]:
        """All of them, shuffled."""
        kinds = ("kill_executor", "freeze_executor", "flush", "kill_queue", "kill_backend", "stop_postgres")
        found = [kind for kind in kinds for _ in range(getattr(self, kind))]
        random.Random(seed).shuffle(found)
        return found

    @property
    def lasts_s(self) -> float:
        """About how long it takes: the pauses, and the restarts."""
        return self.strikes * (sum(self.gap_s) / 2 + 1.2)

    @property
    def strikes(self) -> int:
        """How many in all."""
        return len(self.order(0))


def names(kind: str, count: int) -> list[str]:
    """What the stack calls its processes of a kind."""
    return [kind, *(f"{kind}-{n}" for n in range(2, count + 1))]


class Storm:
    """Strikes one after the other; a freeze goes on while others strike."""

    def __init__(self, stack: Stack, plan: Plan, seed: int, *, executors: int, backends: int, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._plan = plan
        self._seed = seed
        self._random = random.Random(seed)
        self._executors = names("executor", executors)
        self._backends = names("backend", backends)
        self._frozen: set[str] = set()
        self._thaws: list[asyncio.Task[None]] = []
        self._say = say
        self.strikes: list[Strike] = []

    async def rage(self) -> None:
        """All strikes of the plan. Returns when everything runs again."""
        began = time.time()
        for number, kind in enumerate(self._plan.order(self._seed), 1):
            await asyncio.sleep(self._random.uniform(*self._plan.gap_s))
            strike = await getattr(self, f"_{kind}")()
            self.strikes.append(strike)
            self._say(f"  {time.time() - began:5.0f} s  {number:2}  {kind} {strike.target}: {len(strike.hit)} executions hit")
        await asyncio.gather(*self._thaws)

    async def _held(self) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._stack.database_url)
        try:
            return await connection.fetch(_HELD)
        finally:
            await connection.close()

    async def _held_by(self, name: str) -> dict[str, int]:
        """Of an executor, and of its quarantine lane, which goes with it."""
        return {row["id"]: row["epoch"] for row in await self._held() if row["name"] in (name, f"{name}-quarantine")}

    async def _all_held(self) -> dict[str, int]:
        return {row["id"]: row["epoch"] for row in await self._held()}

    async def _restart(self, name: str) -> None:
        await asyncio.to_thread(self._stack.start, name)

    async def _kill_executor(self) -> Strike:
        awake = [name for name in self._executors if name not in self._frozen]
        name = self._random.choice(awake)
        hit = await self._held_by(name)
        strike = Strike(KILL_EXECUTOR, name, time.time(), hit=hit)
        self._stack.kill(name)
        await self._restart(name)
        strike.over = strike.at
        return strike

    async def _freeze_executor(self) -> Strike:
        while len(self._frozen) >= len(self._executors) - 1:
            await asyncio.sleep(0.5)  # one at least stays awake
        name = self._random.choice([name for name in self._executors if name not in self._frozen])
        hit = await self._held_by(name)
        strike = Strike(FREEZE_EXECUTOR, name, time.time(), hit=hit)
        pid = self._stack.pid(name)
        os.kill(pid, signal.SIGSTOP)
        self._frozen.add(name)
        strike.over = strike.at

        async def thaw() -> None:
            await asyncio.sleep(self._plan.freeze_s)
            os.kill(pid, signal.SIGCONT)
            self._frozen.discard(name)

        self._thaws.append(asyncio.create_task(thaw()))
        return strike

    async def _flush(self) -> Strike:
        strike = Strike("FLUSHALL", "valkey", time.time(), hit=await self._all_held())
        await asyncio.to_thread(self._stack.flush_queue)
        strike.over = time.time()
        return strike

    async def _kill_queue(self) -> Strike:
        return await self._kill("kill -9 queue", "valkey", signal.SIGKILL)

    async def _kill_backend(self) -> Strike:
        return await self._kill("kill -9 backend", self._random.choice(self._backends), signal.SIGKILL)

    async def _stop_postgres(self) -> Strike:
        return await self._kill("immediate stop of PostgreSQL", "postgres", signal.SIGQUIT)

    async def _kill(self, kind: str, name: str, how: signal.Signals) -> Strike:
        strike = Strike(kind, name, time.time(), hit=await self._all_held())
        await asyncio.to_thread(self._stack.kill, name, how)
        await asyncio.sleep(0.5)
        await self._restart(name)
        strike.over = time.time()
        return strike
