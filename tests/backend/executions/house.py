"""A backend that runs beside a test which has no event loop of its own, with all that the state machine plays with."""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
from cryptography.fernet import Fernet
from pydantic import SecretStr

from backend.services import Services
from backend.settings import Settings
from backend.sweeps import Sweeper
from tests.backend.executions.world import TYPES, Backend, FakeExecutor, World, serving
from tests.chaos import witness

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own: the backend lives there, while hypothesis runs here."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="backend")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def close(self) -> None:
        """End the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class House:
    """A running backend with two workflows, one of which runs one execution at a time, three executors, a quarantine lane and a person."""

    def __init__(self, loop: Loop, backend: Backend, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.loop = loop
        self.backend = backend
        self.pool = pool
        self.services: Services = backend.app.state.services
        self.sweeper = Sweeper(self.services.database.hot, self.services.queue, self.services.doorbell, self.services.settler)
        self.executors: list[FakeExecutor] = []
        self.headers: dict[str, str] = {}

    async def furnish(self) -> None:
        """Put in all that the examples share."""
        async with self.pool.acquire() as connection:
            await witness.install(connection)  # type: ignore[arg-type]  # a pool's connection is one
        world = await World.create(self.pool, "free")
        narrow = await World.workflow(self.pool, world.project_id, "narrow", ["trigger.webhook", "set"])
        snapshot = "select t.snapshot_id from triggers t where t.workflow_id = $1"
        graph = json.loads(await self.pool.fetchval(f"select graph from snapshots where id = ({snapshot})", narrow.workflow_id))
        graph["settings"] = {"concurrency": {"key": None, "limit": 1}}
        await self.pool.execute(
            f"update snapshots set limited = true, graph = $2 where id = ({snapshot})", narrow.workflow_id, json.dumps(graph)
        )
        self.executors = [await FakeExecutor.register(self.backend) for _ in range(3)]
        self.executors.append(await self._lane())
        person = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}
        await self.backend.call("POST", "/api/v1/users/register", json=person)
        _, token = await self.backend.call(
            "POST", "/api/v1/users/login", data={"username": person["email"], "password": person["password"]}
        )
        self.headers = {"Authorization": f"Bearer {token['access_token']}"}
        await self.pool.execute("insert into memberships (project_id, user_id, role) select $1, id, 'admin' from users", world.project_id)

    async def _lane(self) -> FakeExecutor:
        """An executor for what keeps being interrupted."""
        kinds = [{"type": t, "title": t, "group": "g", "description": "", "icon": "x", "config_schema": {}} for t in TYPES]
        key = self.services.settings.executor_key.get_secret_value()
        body = {"name": "lane", "lane": "quarantine", "catalogue": kinds}
        _, said = await self.backend.call("POST", "/internal/v1/register", json=body, headers={"Authorization": f"Bearer {key}"})
        return FakeExecutor(self.backend, said["executor_id"], said["token"])

    async def sweep(self) -> None:
        """One round."""
        while not await self.sweeper.sweep():
            await asyncio.sleep(0.005)


@contextmanager
def house(postgres_url: str, redis_url: str) -> Iterator[House]:
    """A furnished house, lived in for the length of the block."""
    loop = Loop()
    stop, ready = asyncio.Event(), threading.Event()
    built: list[House] = []

    async def live() -> None:
        given = Settings(
            database_url=postgres_url,
            redis_url=redis_url,
            secret_key=SecretStr("3f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"),
            executor_key=SecretStr("0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            encryption_keys=SecretStr(Fernet.generate_key().decode()),
            bcrypt_rounds=4,
            access_token_s=3600,
        )
        async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool, serving(given) as backend:
            house = House(loop, backend, pool)
            await house.furnish()
            built.append(house)
            ready.set()
            await stop.wait()

    living = asyncio.run_coroutine_threadsafe(live(), loop.loop)
    living.add_done_callback(lambda _: ready.set())
    try:
        ready.wait(120)
        if not built:
            living.result(1)
        yield built[0]
    finally:
        loop.loop.call_soon_threadsafe(stop.set)
        living.result(30)
        loop.close()
