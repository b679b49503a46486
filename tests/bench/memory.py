"""What large values cost in memory: the peak of backend and executor over idle, while a file and a long list go through a workflow."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack
from tests.bench import machine

FILE_MB = 50
LIST_MB = 20
SERVICES = ("backend", "executor")


@dataclass(frozen=True)
class Case:
    """A workflow behind a fetch, by name. `grown_mb`: memory over idle at the peak, by process."""

    name: str
    took_s: float
    grown_mb: dict[str, float]


@asynccontextmanager
async def _peer() -> AsyncIterator[str]:
    """Serves the file and the list, streamed."""
    row = orjson.dumps({"id": 7, "text": "x" * 180})
    rows = b"[" + b",".join([row] * (LIST_MB * 2**20 // len(row))) + b"]"

    async def give(request: web.Request) -> web.StreamResponse:
        kind, data = {
            "list": ("application/json", rows),
            "file": ("application/zip", bytes(FILE_MB * 2**20)),
            "small": ("application/zip", b"PK"),
        }[request.match_info["name"]]
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for at in range(0, len(data), 2**20):
            await response.write(data[at : at + 2**20])
        return response

    app = web.Application()
    app.router.add_get("/{name}", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _rss_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    total_kb = 0
    for one in machine.tree(pid):
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue
        total_kb += next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
    return total_kb / 1024


async def _case(stack: Stack, api: Api, name: str, nodes: Sequence[dict[str, Any]]) -> Case:
    """Runs a chain behind a webhook once to warm up, and once while it watches."""
    hook = {"key": "hook", "type": "trigger.webhook", "config": {"path": name}}
    keys = ["hook", *(node["key"] for node in nodes)]
    await api.workflow([hook, *nodes], list(pairwise(keys)), name=name)
    pids = {service: stack.pids()[service] for service in SERVICES}
    idle = {service: _rss_mb(pid) for service, pid in pids.items()}
    peak = dict(idle)
    started = time.monotonic()
    running = asyncio.create_task(api.finished(await api.post_webhook(name, {}), within_s=120))
    while not running.done():
        peak = {service: max(peak[service], _rss_mb(pid)) for service, pid in pids.items()}
        await asyncio.sleep(0.01)
    ended = await running
    assert ended["status"] == "succeeded", ended
    return Case(name, time.monotonic() - started, {service: peak[service] - idle[service] for service in SERVICES})


async def measure(stack: Stack, api: Api) -> list[Case]:
    """A file through three nodes; a list through three nodes that pass it on; the same list, looked into."""
    passing: list[dict[str, Any]] = [
        {"key": "filter", "type": "filter", "config": {"condition": "{{ nodes.fetch.status == 200 }}"}},
        {"key": "set", "type": "set", "config": {"fields": {"body": "{{ nodes.fetch.body }}"}}},
        {"key": "merge", "type": "merge", "config": {}},
    ]
    look = {"key": "look", "type": "set", "config": {"fields": {"first": "{{ nodes.fetch.body[0].id }}"}}}
    async with _peer() as url:

        def fetch(name: str) -> dict[str, Any]:
            return {"key": "fetch", "type": "http.request", "config": {"url": f"{url}/{name}", "response": "blob"}}

        await _case(stack, api, "warm-up", [fetch("small"), *passing])
        return [
            await _case(stack, api, f"file-{FILE_MB}-MB", [fetch("file"), *passing]),
            await _case(stack, api, f"list-{LIST_MB}-MB", [fetch("list"), *passing]),
            await _case(stack, api, f"list-{LIST_MB}-MB-looked-into", [fetch("list"), *passing[:1], look]),
        ]


def report(cases: Sequence[Case]) -> list[str]:
    """A line each."""
    return [
        f"{case.name} through three nodes: {case.took_s:.1f} s; over idle at the peak: "
        + ", ".join(f"{service} {mb:.0f} MB" for service, mb in case.grown_mb.items())
        for case in cases
    ]
