"""The bare endpoint: what one insert and one LPUSH for each request cost, with nothing around them. It is the yardstick of the same run.

`python -m tests.bench.bare PORT` serves it (environment: DATABASE_URL, REDIS_URL); `rate` starts it and measures it.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import redis.asyncio as redis
import uvicorn
from fastapi import FastAPI, Request

from tests.acceptance.stack import Stack
from tests.bench.load import closed_loop
from trestle.cli.ports import free_port

_INSERT = "insert into bare (body) values ($1) returning id"


def make_app(database_url: str, redis_url: str) -> FastAPI:
    """One route."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=10, max_size=10) as pool:
            await pool.execute("create table if not exists bare (id uuid primary key default uuidv7(), body json)")
            app.state.pool, app.state.redis = pool, redis.from_url(redis_url)
            yield
            await app.state.redis.aclose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/bare", status_code=202)
    async def bare(request: Request) -> dict[str, Any]:
        """Store the body, push its id, answer."""
        stored = str(await request.app.state.pool.fetchval(_INSERT, (await request.body()).decode()))
        await request.app.state.redis.lpush("bare", stored)
        return {"execution_id": stored}

    return app


async def rate(stack: Stack, *, connections: int, requests: int) -> float:
    """Requests/s that it answers, in the same closed loop as the product, on the same PostgreSQL and Valkey."""
    port = free_port()
    env = {**os.environ, "DATABASE_URL": stack.database_url, "REDIS_URL": stack.redis_url}
    with subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port)], env=env) as process:
        try:
            await _listening(port)
            await closed_loop(f"http://127.0.0.1:{port}/bare", connections=connections, requests=500)
            load = await closed_loop(f"http://127.0.0.1:{port}/bare", connections=connections, requests=requests)
            assert not load.refused, load.refused
            return load.sent / load.took_s
        finally:
            process.terminate()


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


if __name__ == "__main__":
    uvicorn.run(
        make_app(os.environ["DATABASE_URL"], os.environ["REDIS_URL"]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
