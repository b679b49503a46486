"""What the tests of executions stand on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import uvicorn
from fastapi import FastAPI

from backend.app import create_app
from backend.settings import Settings

SWEPT_S = 0.5
"""What an eager backend (fixture `eager`) repairs is repaired by then: several sweeps."""
TYPES = ["trigger.webhook", "trigger.manual", "set"]


@dataclass
class World:
    """Rows that were put there behind the backend's back."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    project_id: UUID
    workflow_id: UUID
    trigger_id: UUID

    @classmethod
    async def create(cls, pool: "asyncpg.Pool[asyncpg.Record]", path: str = "go", types: list[str] | None = None) -> "World":
        """A project with an enabled workflow: a webhook on `path`, then a set node."""
        project_id = await pool.fetchval("insert into projects (name) values ('Tests') returning id")
        return await cls.workflow(pool, project_id, path, types or ["trigger.webhook", "set"])

    @classmethod
    async def workflow(cls, pool: "asyncpg.Pool[asyncpg.Record]", project_id: UUID, path: str, types: list[str]) -> "World":
        """One more enabled workflow."""
        config = {"path": path, "methods": ["POST"]}
        nodes = [{"key": "hook", "type": "trigger.webhook", "config": config}, {"key": "name", "type": "set", "config": {"fields": {}}}]
        graph = {"nodes": nodes, "connections": [{"source": "hook", "source_port": "main", "target": "name"}], "settings": {}}
        snapshot_id = uuid4().hex
        workflow_id = await pool.fetchval(
            "insert into workflows (project_id, name, settings, enabled, published_version)"
            " values ($1, 'Flow', '{}', true, 1) returning id",
            project_id,
        )
        await pool.execute("insert into snapshots (id, graph, types) values ($1, $2, $3)", snapshot_id, json.dumps(graph), types)
        trigger_id = await pool.fetchval(
            "insert into triggers (workflow_id, node, kind, version, snapshot_id, config)"
            " values ($1, 'hook', 'webhook', 1, $2, $3) returning id",
            workflow_id,
            snapshot_id,
            json.dumps(config),
        )
        await pool.execute("insert into webhook_routes (path, method, trigger_id) values ($1, 'POST', $2)", path, trigger_id)
        return cls(pool, project_id, workflow_id, trigger_id)

    async def execution(self, execution_id: str) -> asyncpg.Record:
        """An execution's row."""
        row = await self.pool.fetchrow("select * from executions where id = $1", UUID(execution_id))
        assert row is not None
        return row

    async def steps(self, execution_id: str) -> list[asyncpg.Record]:
        """An execution's steps, in the order of their last change."""
        return await self.pool.fetch("select * from steps where execution_id = $1 order by event_seq", UUID(execution_id))

    async def until(self, execution_id: str, status: str, *, within_s: float = 20) -> asyncpg.Record:
        """The execution's row, once it has this status."""
        async with asyncio.timeout(within_s):
            while (row := await self.execution(execution_id))["status"] != status:
                await asyncio.sleep(0.02)
        return row

    async def until_locked_out(self, many: int) -> None:
        """Returns once so many connections wait for a lock."""
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        async with asyncio.timeout(20):
            while await self.pool.fetchval(waiting) < many:
                await asyncio.sleep(0.02)


@dataclass
class Backend:
    """A running backend and a client of it."""

    url: str
    session: aiohttp.ClientSession
    app: Any
    settings: Settings

    async def call(self, method: str, path: str, **arguments: Any) -> tuple[int, Any]:
        """Status and body (parsed where it is JSON) of one request."""
        async with self.session.request(method, self.url + path, **arguments) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if "json" in answer.content_type and body else body

    async def post(self, path: str = "go", body: Any = None, **arguments: Any) -> str:
        """Call a webhook that must accept; the execution's id."""
        status, answer = await self.call("POST", f"/webhooks/{path}", json=body if body is not None else {"n": 1}, **arguments)
        assert status == 202, answer
        return str(answer["execution_id"])


class FakeExecutor:
    """An executor process that does what a test says."""

    def __init__(self, backend: Backend, executor_id: str, token: str) -> None:
        self.backend = backend
        self.executor_id = executor_id
        self.token = token

    @classmethod
    async def register(cls, backend: Backend, types: list[str] | None = None, **more: Any) -> "FakeExecutor":
        """A new process that offers these node types. `more`: lane, credential_types."""
        kinds = [
            {
                "type": t,
                "title": t,
                "group": "g",
                "description": "",
                "icon": "x",
                "config_schema": {},
                "inputs": [] if t.startswith("trigger.") else ["main"],
            }
            for t in (TYPES if types is None else types)
        ]
        key = backend.settings.executor_key.get_secret_value()
        status, answer = await backend.call(
            "POST", "/internal/v1/register", json={"name": "fake", "catalogue": kinds, **more}, headers={"Authorization": f"Bearer {key}"}
        )
        assert status == 200, answer
        return cls(backend, answer["executor_id"], answer["token"])

    async def call(self, name: str, body: Any, *, method: str = "POST") -> tuple[int, Any]:
        """One internal call."""
        headers = {"Authorization": f"Bearer {self.token}"}
        arguments = {"json": body} if method == "POST" else {}
        return await self.backend.call(method, f"/internal/v1/{name}", headers=headers, **arguments)

    async def claim(self, *ids: str, claim_id: UUID | None = None, limit: int = 100) -> dict[str, Any]:
        """A `Claimed`."""
        status, answer = await self.call("claim", {"claim_id": str(claim_id or uuid4()), "ids": ids, "limit": limit})
        assert status == 200, answer
        return dict(answer)

    async def take(self, execution_id: str) -> dict[str, Any]:
        """The job of one execution, which must be had."""
        claimed = await self.claim(execution_id)
        assert [job["execution_id"] for job in claimed["jobs"]] == [execution_id], claimed
        return dict(claimed["jobs"][0])

    async def report(self, *reports: dict[str, Any]) -> list[dict[str, Any]]:
        """The answers to a batch."""
        status, answer = await self.call("reports", {"reports": reports})
        assert status == 200, answer
        return list(answer["answers"])

    async def verdict(self, report: dict[str, Any]) -> str:
        """The verdict on one report."""
        return str((await self.report(report))[0]["verdict"])

    async def beat(self, *jobs: dict[str, Any]) -> dict[str, str]:
        """The verdicts that a heartbeat over these jobs brings."""
        return dict((await self.heartbeat(*jobs))["verdicts"])

    async def heartbeat(self, *jobs: dict[str, Any]) -> dict[str, Any]:
        """The whole answer to a heartbeat over these jobs."""
        running = [{"execution_id": job["execution_id"], "epoch": job["epoch"]} for job in jobs]
        status, answer = await self.call("heartbeat", {"running": running})
        assert status == 200, answer
        return dict(answer)

    async def release(self, *jobs: dict[str, Any]) -> None:
        """Give these back."""
        running = [{"execution_id": job["execution_id"], "epoch": job["epoch"]} for job in jobs]
        status, answer = await self.call("release", {"running": running})
        assert status == 200, answer


def report(job: dict[str, Any], seq: int, *steps: dict[str, Any], ending: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A report on a claimed job."""
    return {"execution_id": job["execution_id"], "epoch": job["epoch"], "seq": seq, "steps": steps, "ending": ending, **more}


def step(node: str, status: str = "succeeded", *, output: Any = None, **more: Any) -> dict[str, Any]:
    """A step's report. `output` is encoded here."""
    port = "main" if status == "succeeded" else None
    return {"node": node, "type": "set", "status": status, "port": port, "output": json.dumps(output), **more}


DONE = {"status": "succeeded", "output": '{"done": true}'}


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Backend]:
    """A backend on a free port, for as long as the block lasts.

    Started and ended as uvicorn does it, but at once: its own loop looks ten times a second whether it shall end, and takes a
    tenth of a second more over it, which hundreds of tests would wait for.
    """
    app = _app(settings)
    config = uvicorn.Config(app, port=0, log_level="warning", ws="none", timeout_keep_alive=3600)  # the client hangs up first
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    assert server.started, "its log says why it did not start"
    await server.on_tick(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession() as session:
            yield Backend(f"http://127.0.0.1:{port}", session, app, settings)
    finally:
        server.servers[0].close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        if tasks := server.server_state.tasks:
            _, late = await asyncio.wait(tasks, timeout=1)
            for task in late:
                task.cancel()
        await server.lifespan.shutdown()
        _resting[:] = [(settings, app), *_resting[:3]]


_resting: list[tuple[Settings, FastAPI]] = []
"""Applications that don't run, for whoever wants one with the same settings: a tenth of a second to make one is much for hundreds."""


def _app(settings: Settings) -> FastAPI:
    for number, (known, app) in enumerate(_resting):
        if known == settings:
            del _resting[number]
            app.middleware_stack = None  # made anew by the first request: it may hold what belongs to the loop before
            return app
    return create_app(settings)
