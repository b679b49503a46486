"""The worker between a real queue and a backend at the HTTP seam: claims, losses, outages, drain."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio as redis

from executor import taking
from executor import worker as subject
from executor.api import Api, BackendRefused
from executor.queue import PROCESSING, QUEUE
from tests.executor.backend_double import backend_double
from tests.executor.engine_kit import turns, until
from tests.executor.worker_kit import Bench, Slow, somebody_waits
from trestle.contracts.graph import Connection, ForEach
from trestle.contracts.graph import Node as GraphNode
from trestle.contracts.jobs import Registration, Resolution, Verdict
from trestle.contracts.states import StepStatus

SET = ("set", {"fields": {"x": "{{ payload }}"}})
SLOW: tuple[str, dict[str, object]] = ("test.slow", {})


async def test_many_executions_run_and_leave_nothing_in_the_lists(bench: Bench) -> None:
    backend = bench.backend
    snapshot = backend.chain(SET, SET)
    ids = [backend.accept(snapshot, str(number)) for number in range(200)]
    async with bench.worker():
        await bench.push(*ids)
        await until(lambda: backend.count("succeeded") == 200)
        assert [backend.executions[execution_id].output for execution_id in ids[:3]] == ['{"x":0}', '{"x":1}', '{"x":2}']
        assert all(len(execution.reports) == 1 for execution in backend.executions.values())
        assert backend.calls.count(f"snapshots/{snapshot}") == 1
    async with redis.Redis.from_url(bench.redis_url) as client:
        assert await client.keys(f"{PROCESSING}*") == []


async def test_no_more_run_at_once_than_there_is_room_for(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    ids = [backend.accept(backend.chain(SLOW)) for _ in range(10)]
    async with bench.worker(concurrency=3) as worker:
        await bench.push(*ids)
        await until(lambda: slow.started == 3)
        await asyncio.sleep(0.1)
        assert (slow.started, worker.running) == (3, 3)
        slow.go_on.set()
        await until(lambda: backend.count("succeeded") == 10)


async def test_without_the_queue_it_asks_the_backend(bench: Bench) -> None:
    backend = bench.backend
    async with bench.worker(redis_url="redis://127.0.0.1:1/0"):
        backend.accept(backend.chain(SET))
        await until(lambda: backend.count("succeeded") == 1)


async def test_an_id_that_the_queue_lost_is_asked_for_at_the_start(bench: Bench) -> None:
    bench.backend.accept(bench.backend.chain(SET))
    async with bench.worker():
        await until(lambda: bench.backend.count("succeeded") == 1)


async def test_an_idle_executor_asks_now_and_then(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "ASK_ANY_S", 0.3)
    async with bench.worker():
        await until(lambda: bench.backend.calls.count("claim") >= 1)
        bench.backend.accept(bench.backend.chain(SET))
        await until(lambda: bench.backend.count("succeeded") == 1)


async def test_a_claim_and_a_report_whose_answers_get_lost_are_harmless(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    slow.go_on.set()
    async with bench.worker():
        await until(lambda: "claim" in backend.calls)
        backend.deaf = {"claim", "reports"}
        await bench.push(backend.accept(backend.chain(SLOW)))
        await until(lambda: backend.count("succeeded") == 1)
        (execution,) = backend.executions.values()
        assert (execution.epoch, slow.started) == (1, 1)
        assert not backend.deaf


async def test_results_outlast_a_backend_that_is_away(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    async with bench.worker():
        await bench.push(backend.accept(backend.chain(SLOW, SET)))
        await until(lambda: slow.started == 1)
        backend.away = True
        slow.go_on.set()
        await asyncio.sleep(0.3)
        backend.away = False
        await until(lambda: backend.count("succeeded") == 1)
        assert slow.started == 1


async def test_no_step_with_effects_starts_once_the_lease_has_run_out_and_a_heartbeat_wins_it_back(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    backend.lease_s, backend.heartbeat_s = 1.3, 0.1
    async with bench.worker():
        await bench.push(backend.accept(backend.chain(SLOW, SLOW)))
        await until(lambda: slow.started == 1)
        backend.away = True
        await asyncio.sleep(0.5)
        slow.go_on.set()
        await asyncio.sleep(0.2)
        assert slow.started == 1
        backend.away = False
        await until(lambda: backend.count("succeeded") == 1)
        assert slow.started == 2


@pytest.mark.parametrize("verdict", [Verdict.CANCEL, Verdict.STALE])
async def test_a_heartbeat_ends_what_is_not_to_go_on(bench: Bench, slow: Slow, verdict: Verdict) -> None:
    backend = bench.backend
    backend.heartbeat_s = 0.05
    async with bench.worker() as worker:
        execution_id = backend.accept(backend.chain(SLOW))
        await bench.push(execution_id)
        await until(lambda: slow.started == 1)
        backend.verdicts = {execution_id: verdict}
        await until(lambda: slow.cancelled == 1 and worker.running == 0)


async def test_a_cancel_is_heard_at_once(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    async with bench.worker() as worker:
        execution_id = backend.accept(backend.chain(SLOW))
        await bench.push(execution_id)
        await until(lambda: slow.started == 1)
        backend.verdicts = {execution_id: Verdict.CANCEL}
        await bench.say(execution_id)
        await until(lambda: slow.cancelled == 1 and worker.running == 0, within_s=5)


async def test_a_pause_lets_the_running_step_finish_and_gives_the_execution_back(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    backend.heartbeat_s = 0.05
    async with bench.worker() as worker:
        execution_id = backend.accept(backend.chain(SLOW, SLOW))
        await bench.push(execution_id)
        await until(lambda: slow.started == 1)
        backend.verdicts = {execution_id: Verdict.PAUSE}
        await bench.beaten()
        slow.go_on.set()
        await until(lambda: worker.running == 0)
        assert slow.started == 1
        assert any(
            s.status is StepStatus.SUCCEEDED for report in backend.executions[execution_id].reports for s in report.steps if s.node == "n0"
        )
        assert "release" in backend.calls


async def test_a_pause_that_ends_while_a_step_still_runs_leaves_the_execution_here(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    backend.heartbeat_s = 0.05
    async with bench.worker() as worker:
        execution_id = backend.accept(backend.chain(SLOW, SLOW))
        await bench.push(execution_id)
        await until(lambda: slow.started == 1)
        backend.verdicts = {execution_id: Verdict.PAUSE}
        await bench.beaten()
        backend.verdicts = {}
        await bench.beaten()
        slow.go_on.set()
        await until(lambda: backend.count("succeeded") == 1 and worker.running == 0)
    execution = backend.executions[execution_id]
    assert (execution.epoch, slow.started) == (1, 2)


async def test_an_answer_to_a_wait_is_heard_at_once_while_the_execution_is_held(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    nodes = [GraphNode(key="start", type="trigger.manual"), GraphNode(key="slow", type="test.slow"), GraphNode(key="ask", type="test.ask")]
    snapshot = backend.snapshot(nodes, [Connection(source="start", target="slow"), Connection(source="start", target="ask")])
    async with bench.worker():
        execution_id = backend.accept(snapshot)
        await bench.push(execution_id)
        await until(lambda: slow.started == 1)
        backend.resolved = {execution_id: [Resolution(node="ask", kind="webhook", answer={"body": 7})]}
        await bench.say(execution_id)
        reports = backend.executions[execution_id].reports
        await until(lambda: any(s.node == "ask" and s.output == '{"body":7}' for r in reports for s in r.steps), within_s=5)
        slow.go_on.set()
        await until(lambda: backend.count("succeeded") == 1)


async def test_a_cancel_stops_a_for_each_at_once(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    nodes = [GraphNode(key="start", type="trigger.manual"), GraphNode(key="n", type="test.slow", for_each=ForEach(items=[1, 2, 3]))]
    async with bench.worker() as worker:
        execution_id = backend.accept(backend.snapshot(nodes, [Connection(source="start", target="n")]))
        await bench.push(execution_id)
        await until(lambda: slow.started == 3)
        backend.verdicts = {execution_id: Verdict.CANCEL}
        await bench.say(execution_id)
        await until(lambda: slow.cancelled == 3 and worker.running == 0, within_s=5)


async def test_a_drain_finishes_running_steps_and_gives_back_the_rest(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    execution_id = backend.accept(backend.chain(SLOW, SLOW))
    async with bench.worker() as worker:
        await bench.push(execution_id)
        await until(lambda: slow.started == 1)
        worker.stop()
        await turns()
        slow.go_on.set()
    execution = backend.executions[execution_id]
    assert (execution.status, slow.started, slow.cancelled) == ("queued", 1, 0)
    assert any(s.status is StepStatus.SUCCEEDED and s.node == "n0" for report in execution.reports for s in report.steps)


async def test_a_drain_does_not_wait_for_ever(bench: Bench, slow: Slow) -> None:
    backend = bench.backend
    execution_id = backend.accept(backend.chain(SLOW))
    begun = time.monotonic()
    async with bench.worker(drain_s=0.2):
        await bench.push(execution_id)
        await until(lambda: slow.started == 1)
    assert time.monotonic() - begun < 9
    assert (backend.executions[execution_id].status, slow.cancelled) == ("queued", 1)


async def test_a_drain_puts_ids_that_it_could_not_claim_back_where_others_find_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "RELEASE_S", 0.3)
    backend = bench.backend
    client: Any
    async with redis.Redis.from_url(bench.redis_url, decode_responses=True) as client:
        async with bench.worker():
            await somebody_waits(client)  # whose first claim is over
            backend.away = True
            taken = backend.accept(backend.chain(SET))
            await bench.push(taken)
            async with asyncio.timeout(9):
                while await client.llen(QUEUE):
                    await asyncio.sleep(0.01)
            asked = backend.calls.count("claim")
            await until(lambda: backend.calls.count("claim") > asked)
        assert await client.lrange(QUEUE, 0, -1) == [str(taken)]
        assert await client.keys(f"{PROCESSING}*") == []


async def test_a_token_that_ran_out_is_renewed(bench: Bench) -> None:
    backend = bench.backend
    async with bench.worker():
        await until(lambda: "claim" in backend.calls)
        backend.token = "token-2"
        await bench.push(*[backend.accept(backend.chain(SET)) for _ in range(5)])
        await until(lambda: backend.count("succeeded") == 5)
        assert backend.calls.count("register") == 2


async def test_an_execution_without_its_graph_fails_and_says_so(bench: Bench) -> None:
    backend = bench.backend
    async with bench.worker():
        execution_id = backend.accept("f" * 64)
        await bench.push(execution_id)
        await until(lambda: backend.count("failed") == 1)
        ending = backend.executions[execution_id].reports[-1].ending
        assert ending is not None
        assert ending.error is not None
        assert ending.error.type == "NoSnapshot"


async def test_a_wrong_key_is_refused() -> None:
    async with backend_double() as backend:
        api = Api(backend.url, "some other key of executors", Registration(name="x", catalogue=[]))
        with pytest.raises(BackendRefused):
            await api.register()
        await api.close()


async def test_ids_of_nobody_are_forgotten(bench: Bench) -> None:
    async with bench.worker() as worker:
        await bench.push(uuid4(), uuid4())
        await bench.push(bench.backend.accept(bench.backend.chain(SET)))
        await until(lambda: bench.backend.count("succeeded") == 1 and worker.running == 0)
