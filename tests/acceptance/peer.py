"""A real HTTP server on loopback that workflows call: it remembers every request, and answers as told."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Call:
    """One request as the peer got it. `at` is Unix time."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    at: float = field(default_factory=time.time)

    @property
    def idempotency_key(self) -> str:
        """What the caller says makes a repeat recognisable."""
        return self.headers["idempotency-key"]


class Peer:
    """The server. `delay_s` is how long each answer takes; `statuses` maps a path to the statuses of its next answers."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self.delay_s = 0.0
        self.statuses: dict[str, list[int]] = {}

    def pause_s(self) -> float:
        """How long the next answer takes."""
        return self.delay_s

    async def answer(self, request: web.Request) -> web.Response:
        """Note the request down, then answer it."""
        text = await request.text()
        body = await request.json() if request.content_type == "application/json" and text else text
        self.calls.append(Call(request.method, request.path, {k.lower(): v for k, v in request.headers.items()}, body))
        await asyncio.sleep(self.pause_s())
        queued = self.statuses.get(request.path)
        return web.json_response({"path": request.path, "got": body}, status=queued.pop(0) if queued else 200)


@asynccontextmanager
async def peer(it: Peer | None = None) -> AsyncIterator[Peer]:
    """A running peer (`it`, where a test has one of its own kind) on a free port of loopback.

    In a thread with a loop of its own: it answers also while a test waits for a process to end, as a draining executor needs it to.
    """
    it = it or Peer()
    with loop_in_a_thread("peer") as loop:
        runner = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_serve(it), loop))
        try:
            yield it
        finally:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(runner.cleanup(), loop))


async def _serve(it: Peer) -> web.AppRunner:
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{tail:.*}", it.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner


@contextmanager
def loop_in_a_thread(name: str) -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs for the length of the block, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=name)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
