"""`/metrics`: what an operator's monitoring sees of executions, whichever way they end."""

import asyncio

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend.metrics import service
from tests.backend.executions.test_settling import FAILED
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step


async def samples(backend: Backend) -> dict[str, float]:
    """The numbers by name, with the status behind a colon, read by Prometheus' own parser."""
    status, text = await backend.call("GET", "/metrics")
    assert status == 200
    return {
        ":".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


async def until(backend: Backend, before: dict[str, float], **grown: float) -> dict[str, float]:
    """The numbers, once these counters have grown by so much."""
    async with asyncio.timeout(20):
        while True:
            now = await samples(backend)
            got = {name: now.get(f"trestle_executions_{name}", 0) - before.get(f"trestle_executions_{name}", 0) for name in _names(grown)}
            if got == {name: grown[name.replace(":", "__")] for name in got}:
                return now
            await asyncio.sleep(0.05)


def _names(grown: dict[str, float]) -> list[str]:
    return [name.replace("__", ":") for name in grown]


async def test_numbers_follow_what_happens(monkeypatch: pytest.MonkeyPatch, backend: Backend, world: World, executor: FakeExecutor) -> None:
    monkeypatch.setattr(service, "_KEPT_S", 0)
    before = await samples(backend)
    assert (before["trestle_database_up"], before["trestle_queue_up"], before["trestle_executors"]) == (1, 1, 1)
    ids = [await backend.post() for _ in range(3)]
    seen = await until(backend, before, accepted_total=3)
    assert seen["trestle_executions:queued"] == 3
    jobs = [await executor.take(ident) for ident in ids[:2]]
    seen = await samples(backend)
    assert (seen["trestle_executions:queued"], seen["trestle_executions:running"]) == (1, 2)
    await executor.report(report(jobs[0], 1, step("name"), ending=DONE))
    await executor.report(report(jobs[1], 1, step("name", "failed", error=FAILED["error"]), ending=FAILED))
    seen = await until(backend, before, ended_total__succeeded=1, ended_total__failed=1)
    assert (seen["trestle_executions:queued"], seen["trestle_executions:running"]) == (1, 0)


async def test_what_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch, backend: Backend) -> None:
    monkeypatch.setattr(service, "_KEPT_S", 0)
    monitor = backend.app.state.services.monitor
    closed = await asyncpg.create_pool(backend.settings.database_url, min_size=0)
    await closed.close()
    monkeypatch.setattr(monitor, "_pool", closed)
    seen = await samples(backend)
    assert (seen["trestle_database_up"], seen["trestle_queue_up"]) == (0, 1)
    assert "trestle_executions:queued" not in seen
    assert "trestle_executions_accepted_total" in seen
