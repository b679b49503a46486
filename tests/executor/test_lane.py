"""The quarantine lane as a process: it runs what kills executors, and its parent lives on and says so."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from executor import lane as subject
from executor.api import Api
from executor.lane import Lane
from executor.queue import Queue
from executor.registry import discover
from executor.worker import Worker
from tests.executor.backend_double import KEY, BackendDouble, backend_double
from tests.executor.engine_kit import FakeThrottle, until
from trestle.contracts.jobs import Registration
from trestle.outbound import OutboundClient, Policy

POISON = """
import os, signal, sys
from executor.node import Config, Context, JsonValue, Node

class Poison(Node[Config]):
    \"""Kills whoever runs it.\"""
    type, title, group, icon = "test.poison", "Poison", "Test", "skull"
    effect = "idempotent"

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        print("x" * 200_000)
        if input == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if input == "hang":
            import asyncio
            await asyncio.sleep(60)
        return os.getpid()
"""
START_S = 60


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "GAP_S", 0.1)


@asynccontextmanager
async def parent(backend: BackendDouble, redis_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    """A worker in this process, whose lanes are processes."""
    (folder / "poison.py").write_text(POISON)
    environment = {"BACKEND_URL": backend.url, "EXECUTOR_KEY": KEY, "NODES_DIR": str(folder), "EXECUTOR_NAME": "parent", "DRAIN_S": "1"}
    for name, value in environment.items():
        monkeypatch.setenv(f"TRESTLE_{name}", value)
    monkeypatch.setenv("REDIS_URL", redis_url)
    registry = discover(folder, installed=False)
    api = Api(backend.url, KEY, Registration(name="parent", catalogue=registry.catalogue()))
    registered = await api.register()
    queue = Queue(redis_url, registered.executor_id, block_s=0.2)
    async with OutboundClient(Policy()) as http:
        worker = Worker(api, queue, registry, http, throttle=FakeThrottle(), concurrency=10, drain_s=1, lane=Lane(api))
        running = asyncio.create_task(worker.run())
        yield worker
        worker.stop()
        await asyncio.wait_for(running, 15)
    await queue.close()
    await api.close()


def lanes() -> list[int]:
    """Process ids of this process's lanes. Threads and processes may end while they are being listed."""
    found = []
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [pid for pid in map(int, file.read_text().split()) if "--quarantine" in command_line(pid)]
    return found


def command_line(pid: int) -> str:
    """Empty where it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


async def test_a_lane_runs_what_waits_for_it_one_after_the_other_and_its_death_is_told(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with backend_double() as backend:
        snapshot = backend.chain(("test.poison", {}))
        first = backend.accept(snapshot, '"kind"', poison=True)
        killer = backend.accept(snapshot, '"kill"', poison=True)
        neighbour = backend.accept(snapshot, '"kind"')
        async with parent(backend, redis_url, tmp_path, monkeypatch):
            await until(lambda: bool(backend.died_lanes), within_s=START_S)
            assert backend.died_lanes == list(backend.lanes.values())
            assert backend.executions[killer].status == "running"
            assert [backend.executions[known].status for known in (first, neighbour)] == ["succeeded", "succeeded"]
            pids = {backend.executions[known].output for known in (first, neighbour)}
            assert str(os.getpid()) in pids
            assert len(pids) == 2
            names = {(registration.name, registration.lane) for registration in backend.registrations}
            assert names == {("parent", "main"), ("parent-quarantine", "quarantine")}
        assert lanes() == []
        assert len(backend.died_lanes) == 1


async def test_a_lane_that_has_nothing_left_ends_and_a_drain_reaches_one_that_works(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with backend_double() as backend:
        snapshot = backend.chain(("test.poison", {}))
        done = backend.accept(snapshot, '"kind"', poison=True)
        async with parent(backend, redis_url, tmp_path, monkeypatch) as worker:
            await until(lambda: backend.executions[done].status == "succeeded", within_s=START_S)
            await until(lambda: lanes() == [], within_s=START_S)
            hanging = backend.accept(snapshot, '"hang"', poison=True)
            assert worker._lane is not None
            worker._lane.want()
            await until(lambda: backend.executions[hanging].status == "running", within_s=START_S)
        assert lanes() == []
        assert backend.executions[hanging].status == "queued", "it was given back"
        assert backend.died_lanes == []


async def test_a_lane_does_not_outlive_its_parent() -> None:
    code = (
        "import subprocess, sys, os, time\n"
        "lane = subprocess.Popen([sys.executable, '-m', 'executor', '--quarantine', str(os.getpid())])\n"
        "print(lane.pid, flush=True)\n"
        "time.sleep(60)"
    )
    environment = {**os.environ, "TRESTLE_EXECUTOR_KEY": KEY, "TRESTLE_BACKEND_URL": "http://127.0.0.1:1"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=pipe, stderr=pipe, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(START_S):
        lane = int(await process.stdout.readline())
        assert b"waiting for the backend" in await process.stderr.readline()
    assert "executor --quarantine" in command_line(lane)
    process.send_signal(signal.SIGKILL)
    async with asyncio.timeout(START_S):
        await asyncio.gather(process.stdout.read(), process.stderr.read())  # the lane holds them too, until it ends
    await process.wait()
    await until(lambda: not command_line(lane))
