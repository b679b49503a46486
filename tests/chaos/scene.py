"""What every scenario stands on: a stack of real processes, a peer that listens, a witness in the database, and a judgement."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.acceptance.api import Api
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack, running
from tests.acceptance.test_faults import all_finished
from tests.chaos import judging, witness
from tests.chaos.judging import Result
from tests.chaos.strikes import Strike, names
from tests.chaos.work import SlowPeer, Work
from trestle.cli.home import Home


@dataclass(frozen=True)
class Ground:
    """Where a scenario takes place: a home folder to copy, and where to."""

    template: Home
    folder: Path
    say: Callable[[str], None]


@dataclass
class Scene:
    """The running stack, the peer, and the work that was put in."""

    stack: Stack
    outside: Peer
    work: Work
    api: Api
    say: Callable[[str], None]

    async def ask(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Rows of the database."""
        connection = await asyncpg.connect(self.stack.database_url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def judge(
        self, result: Result, strikes: Sequence[Strike] = (), *, within_s: float = 120, recovery_s: float = judging.MAX_RECOVERY_S
    ) -> None:
        """Wait until all has ended, then judge it."""
        self.say(f"  in the end: {await all_finished(self.stack.database_url, within_s=within_s)}")
        connection = await asyncpg.connect(self.stack.database_url)
        try:
            await judging.endings(connection, self.work.accepted, result)
            await judging.calls(connection, self.outside.calls, self.work.accepted, result)
            if strikes:
                await judging.recovery(connection, strikes, result, within_s=recovery_s)
        finally:
            await connection.close()


@asynccontextmanager
async def scene(
    ground: Ground,
    seed: int,
    *,
    backends: int = 1,
    executors: int = 1,
    at_once: int = 100,
    answer_s: tuple[float, float] = (0.3, 1.0),
    pause_s: tuple[float, float] = (1.0, 9.0),
    env: Mapping[str, str] | None = None,
    prepare: Callable[[Stack], None] | None = None,
) -> AsyncIterator[Scene]:
    """A scene with its workflows published. `prepare` sees the stack before its services start."""

    def set_up(stack: Stack) -> None:
        for name in names("executor", executors):
            stack.adapt(name, TRESTLE_EXECUTOR_NAME=name)
        if prepare is not None:
            prepare(stack)

    given = {"TRESTLE_EXECUTOR_CONCURRENCY": str(at_once), **(env or {})}
    async with peer(SlowPeer(*answer_s)) as outside:
        with running(ground.template, ground.folder, backends=backends, executors=executors, env=given, prepare=set_up) as stack:
            async with Api(stack.backend_url) as api:
                await api.sign_up()
                work = Work(stack.backend_urls, stack.redis_url, outside.url, seed, pause_s)
                await work.publish(api)
                connection = await asyncpg.connect(stack.database_url)
                await witness.install(connection)
                await connection.close()
                yield Scene(stack, outside, work, api, ground.say)


@asynccontextmanager
async def timed(result: Result) -> AsyncIterator[None]:
    """Notes down how long the block took."""
    began = time.time()
    yield
    result.took_s = round(time.time() - began, 1)
