"""What stands between executors and backends in a storm: a balancer that says every report three times, and keeps book.

A report leaves twice at the same moment, to two backends, and a third time up to 45 s later, when its execution may long be somebody
else's. The executor gets one of the first two answers.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.acceptance.peer import loop_in_a_thread

LATE_S = 45.0
_HOP = {"host", "content-length", "transfer-encoding", "connection"}


@dataclass
class Book:
    """What the repeater saw. A write is stale if, when it was sent, a newer epoch of its execution had been given out."""

    reports: int = 0
    sent: int = 0
    stale: int = 0
    stale_refused: int = 0
    stale_accepted: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        """For the report."""
        return {"reports": self.reports, "reports sent": self.sent, "stale writes": self.stale, "stale writes refused": self.stale_refused}


class Repeater:
    """The balancer. `urls` are the backends', to be set before the first call comes."""

    def __init__(self, seed: int, late_s: float = LATE_S) -> None:
        self.url = ""
        self.urls: Sequence[str] = []
        self.book = Book()
        self._random = random.Random(seed)
        self._late_s = late_s
        self._epochs: dict[str, int] = {}
        self._late: set[asyncio.Task[None]] = set()
        self._turn = 0
        self._session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """Pass one call on."""
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        call = (request.method, request.path_qs, body, headers)
        if request.path != "/internal/v1/reports":
            status, answer, kind = await self._anybody(*call)
            if status == 200 and request.path == "/internal/v1/claim":
                for job in json.loads(answer)["jobs"]:
                    self._epochs[job["execution_id"]] = max(job["epoch"], self._epochs.get(job["execution_id"], 0))
            return web.Response(body=answer, status=status, content_type=kind)
        self.book.reports += 1
        late = asyncio.create_task(self._say_late(call))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        both = await asyncio.gather(self._say(call, 0), self._say(call, 1))
        good = [answered for answered in both if answered[0] == 200] or list(both)
        status, answer, kind = self._random.choice(good)
        return web.Response(body=answer, status=status, content_type=kind)

    async def _say_late(self, call: tuple[str, str, bytes, dict[str, str]]) -> None:
        await asyncio.sleep(self._random.uniform(0, self._late_s))
        await self._say(call, 0)

    async def _say(self, call: tuple[str, str, bytes, dict[str, str]], shift: int) -> tuple[int, bytes, str]:
        """One report to one backend, and what it answered, noted down."""
        reports = json.loads(call[2])["reports"]
        stale = [report["epoch"] < self._epochs.get(report["execution_id"], 0) for report in reports]
        self.book.sent += 1
        status, answer, kind = await self._anybody(*call, shift=shift)
        if status == 200:
            for was_stale, report, said in zip(stale, reports, json.loads(answer)["answers"], strict=True):
                if was_stale:
                    self.book.stale += 1
                    self.book.stale_refused += said["verdict"] == "stale"
                    if said["verdict"] != "stale":
                        self.book.stale_accepted.append(f"{report['execution_id']} epoch {report['epoch']}: {said['verdict']}")
        return status, answer, kind

    async def _anybody(self, method: str, path: str, body: bytes, headers: dict[str, str], *, shift: int = 0) -> tuple[int, bytes, str]:
        """The answer of the backend whose turn it is, or of another where that can't be reached. 502 where none answers."""
        assert self._session is not None
        self._turn += 1
        for nth in range(len(self.urls)):
            url = self.urls[(self._turn + shift + nth) % len(self.urls)]
            try:
                async with self._session.request(method, url + path, data=body, headers=headers) as answer:
                    return answer.status, await answer.read(), answer.content_type
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, OSError):
                break  # it may have been heard: that is for the caller to find out
        return 502, b"", "text/plain"

    async def all_said(self) -> None:
        """Until what was late when this was called has been sent too."""
        until = time.monotonic() + self._late_s + 1
        while self._late and time.monotonic() < until:
            await asyncio.sleep(0.1)

    async def serve(self) -> web.AppRunner:
        """Listen on a free port."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60))
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{tail:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def close(self, runner: web.AppRunner) -> None:
        """Stop."""
        await runner.cleanup()
        for task in list(self._late):
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        if self._session is not None:
            await self._session.close()


@asynccontextmanager
async def repeating(it: Repeater) -> AsyncIterator[Repeater]:
    """A running repeater, in a thread and loop of its own."""
    with loop_in_a_thread("repeater") as loop:

        async def inside(work: Any) -> Any:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

        runner = await inside(it.serve())
        try:
            yield it
        finally:
            await inside(it.close(runner))
