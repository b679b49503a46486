"""Nothing accepted is lost: executions in flight while executors, the backend and the queue are killed under them."""

import asyncio
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg

from tests.acceptance.api import Api
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home

EXECUTIONS = 200
STEPS = 5


async def note_recorded(database_url: str, recorded: dict[tuple[str, str], float], stop: asyncio.Event) -> None:
    """Write down when each step's success was first seen in the database (Unix time of the look before it)."""
    connection = await asyncpg.connect(database_url)
    try:
        while not stop.is_set():
            rows = await connection.fetch(
                "select execution_id::text e, node n, extract(epoch from clock_timestamp())::float8 t from steps"
                " where status = 'succeeded' and type = 'http.request'"
            )
            for row in rows:
                recorded.setdefault((row["e"], row["n"]), row["t"])
            await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def five_calls(api: Api, url: str) -> dict[str, Any]:
    """A chain of a webhook and five calls to the outside, each telling the peer which execution it is."""
    nodes: list[dict[str, Any]] = [{"key": "hook", "type": "trigger.webhook", "config": {"path": "go"}}]
    for number in range(1, STEPS + 1):
        target = f"{url}/{{{{ execution.id }}}}/call_{number}"
        nodes.append(
            {"key": f"call_{number}", "type": "http.request", "config": {"method": "POST", "url": target, "body": {"n": "{{ payload.n }}"}}}
        )
    keys = [node["key"] for node in nodes]
    return await api.workflow(nodes, list(pairwise(keys)))


async def all_finished(database_url: str, *, within_s: float) -> dict[str, int]:
    """How many executions ended how, once none is under way."""
    connection = await asyncpg.connect(database_url)
    try:
        for _ in range(int(within_s / 0.25)):
            rows = await connection.fetch("select status, count(*) c from executions group by status")
            counts = {row["status"]: row["c"] for row in rows}
            if not counts.keys() & {"queued", "running", "waiting", "paused"}:
                return counts
            await asyncio.sleep(0.25)
        return counts
    finally:
        await connection.close()


def judge(outside: Peer, recorded: dict[tuple[str, str], float], accepted: list[str]) -> None:
    """Each step was called, always with one key, and never again after its success was recorded."""
    calls: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for call in outside.calls:
        _, execution_id, node = call.path.split("/")
        calls[execution_id, node].append((call.at, call.idempotency_key))
    expected = {(execution_id, f"call_{number}") for execution_id in accepted for number in range(1, STEPS + 1)}
    assert calls.keys() == expected
    unstable = {step: seen for step, seen in calls.items() if len({key for _, key in seen}) != 1}
    assert not unstable, "a step's idempotency key changed between its runs"
    again = [step for step, seen in calls.items() if step in recorded and max(at for at, _ in seen) > recorded[step]]
    assert not again, "a step ran again after its success was recorded"
    assert len({seen[0][1] for seen in calls.values()}) == len(calls), "two steps share an idempotency key"


async def held(database_url: str) -> int:
    """How many executions an executor has in its hands under a lease that holds."""
    connection = await asyncpg.connect(database_url)
    try:
        return int(
            await connection.fetchval("select count(*) from executions where status = 'running' and lease_until > now() + interval '25 s'")
        )
    finally:
        await connection.close()


async def test_nothing_is_lost_when_executors_backend_and_queue_are_killed(migrated_home: Home, tmp_path: Path) -> None:
    # Few enough at a time that every kill finds work under way and work still queued.
    few = {"TRESTLE_EXECUTOR_CONCURRENCY": "40"}
    with running(migrated_home, tmp_path / "home", env=few) as stack:
        async with peer() as outside, Api(stack.backend_url) as api:
            outside.delay_s = 0.4
            await api.sign_up()
            await five_calls(api, outside.url)
            recorded: dict[tuple[str, str], float] = {}
            stop = asyncio.Event()
            watching = asyncio.create_task(note_recorded(stack.database_url, recorded, stop))

            accepted = await asyncio.gather(*(api.post_webhook("go", {"n": number}) for number in range(EXECUTIONS)))
            for strike in range(5):
                await asyncio.sleep(1.5)
                async with asyncio.timeout(30):  # the kill finds executions under way
                    while await held(stack.database_url) <= 10:
                        await asyncio.sleep(0.1)
                stack.kill("executor")
                if strike == 1:
                    stack.flush_queue()
                await asyncio.to_thread(stack.start, "executor")
                if strike == 3:
                    stack.kill("backend")
                    await asyncio.sleep(0.5)
                    await asyncio.to_thread(stack.start, "backend")

            counts = await all_finished(stack.database_url, within_s=120)
            await asyncio.sleep(0.2)
            stop.set()
            await watching
            assert counts == {"succeeded": EXECUTIONS}
            judge(outside, recorded, accepted)
            calls = len(outside.calls)
            assert calls > EXECUTIONS * STEPS, "the kills interrupted steps"


async def test_sigterm_drains_without_running_anything_twice(stack: Stack) -> None:
    async with peer() as outside, Api(stack.backend_url) as api:
        outside.delay_s = 1.0
        await api.sign_up()
        await five_calls(api, outside.url)
        accepted = [await api.post_webhook("go", {"n": number}) for number in range(20)]
        await asyncio.sleep(1.5)
        for _ in range(2):
            assert await asyncio.to_thread(stack.terminate, "executor") == 0, "a drained executor leaves with exit code 0"
            await asyncio.to_thread(stack.start, "executor")
            await asyncio.sleep(1.2)
        counts = await all_finished(stack.database_url, within_s=25)
        assert counts == {"succeeded": 20}, "what was given back goes on at once, without waiting for a lease to run out"
        assert len(outside.calls) == len(accepted) * STEPS, "no call was made twice"
