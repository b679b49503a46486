"""A database that goes away and comes back; a backend that stops while somebody listens."""

import asyncio
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from backend.settings import Settings
from tests.backend.executions.world import DONE, FakeExecutor, World, report, serving, step


class Wire:
    """The way to the database, which can be cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = parts.hostname, parts.port
        self._url = parts
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))  # never listens: while the wire is cut, nobody else gets its port
        self.port = self._kept.getsockname()[1]

    async def lay(self) -> None:
        """Let connections through (again)."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def remove(self) -> None:
        """Cut it for good."""
        await self.cut()
        self._kept.close()

    @property
    def url(self) -> str:
        """The database by way of this wire."""
        login = self._url.netloc.rpartition("@")[0]
        return self._url._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server, there = self._server, await asyncio.open_connection(*self._to)
        if server is None or not server.is_serving():  # it was cut meanwhile
            for end in (writer, there[1]):
                end.transport.abort()
            return
        self._writers |= {writer, there[1]}
        for source, sink in ((reader, there[1]), (there[0], writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


async def test_while_the_database_is_away_callers_are_told_so(settings: Settings, postgres_url: str, world: World) -> None:
    wire = Wire(postgres_url)
    await wire.lay()
    async with serving(settings.model_copy(update={"database_url": wire.url})) as backend:
        executor = await FakeExecutor.register(backend)
        job = await executor.take(await backend.post())
        await wire.cut()
        status, problem = await backend.call("POST", "/webhooks/go", json={})
        assert (status, "database" in problem["detail"]) == (503, True)
        assert (await executor.call("reports", {"reports": [report(job, 1, step("name"))]}))[0] == 503
        assert (await backend.call("GET", "/api/v1/users/me", headers={"Authorization": "Bearer x"}))[0] == 401
        await wire.lay()
        await backend.post()
        assert await executor.verdict(report(job, 1, step("name"), ending=DONE)) == "continue"
        await world.pool.execute("update executions set last_push = now() - interval '1 day'")
        async with asyncio.timeout(20):  # the sweep goes on, too
            while await world.pool.fetchval("select count(*) from executions where last_push < now() - interval '1 hour'") > 1:
                await asyncio.sleep(0.1)
    await wire.remove()


async def test_a_stopping_backend_ends_its_streams(settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for patience in ("_LOOK_AWAY_S", "_LOOK_ANYWAY_S"):
        monkeypatch.setattr(f"backend.stream.{patience}", 3600)
    async with serving(settings) as backend:
        parts = backend.app.state.services
        person = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}
        _, user = await backend.call("POST", "/api/v1/users/register", json=person)
        _, token = await backend.call("POST", "/api/v1/users/login", data={"username": person["email"], "password": person["password"]})
        await world.pool.execute(
            "insert into memberships (project_id, user_id, role) values ($1, $2, 'viewer')", world.project_id, user["id"]
        )
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        url = f"{backend.url}/api/v1/workflows/{world.workflow_id}/events"
        async with asyncio.timeout(20), backend.session.get(url, headers=headers) as stream:
            await stream.content.readline()
            parts.doorbell.close()
            await stream.content.read()
