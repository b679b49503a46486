"""The webhooks page and the dashboard."""

from datetime import timedelta

import pytest

from backend.services import Services
from backend.stats import service
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK
from tests.backend.people import Person


async def test_webhooks_and_stats(ada: Person, bob: Person, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    await register(services.database)
    assert (await ada.get("/stats"))["success_rate"] is None
    made = await ada.post("/workflows", json={"name": "W", "nodes": [HOOK]})
    await ada.patch(f"/workflows/{made['id']}", json={"enabled": True})
    (hook,) = (await ada.get("/webhooks"))["items"]
    assert (hook["url"], hook["methods"], hook["auth"], hook["enabled"]) == ("http://localhost:8000/webhooks/in", ["POST"], "none", True)
    assert (await bob.get("/webhooks"))["items"] == []
    # All in one interval of the chart, whenever this runs.
    middle = await services.database.hot.fetchval("select date_bin('5 minutes', now(), 'epoch') - interval '7 minutes 30 seconds'")
    for place, (status, seconds) in enumerate((("succeeded", 1), ("succeeded", 3), ("failed", 2), ("queued", None))):
        execution = await services.database.hot.fetchval(
            "insert into executions"
            " (id, project_id, workflow_id, snapshot_id, status, trigger, input, seed, started_at, finished_at, error)"
            " select uuidv7($5 - now()), $1, $2, snapshot_id, $3, '{}', 'null', '', now(), now() + make_interval(secs => $4),"
            r""" case when $3 = 'failed' then '{"node": "hook", "message": "a \u0000 in it"}'::json end"""
            " from versions where workflow_id = $2 returning id",
            made["project_id"],
            made["id"],
            status,
            seconds,
            middle + timedelta(seconds=place),
        )
        await services.database.hot.execute(
            "insert into steps (execution_id, node, type, attempt, status, epoch, event_seq, duration_ms)"
            " values ($1, 'hook', 'x', 1, 'succeeded', 1, 1, 10), ($1, 'ask', 'approval', 1, 'succeeded', 1, 1, 86400000)",
            execution,
        )
    stats = await ada.get("/stats?hours=1")
    assert stats["executions"] == {"succeeded": 2, "failed": 1, "queued": 1}
    assert (round(stats["success_rate"], 2), stats["p50_ms"], round(stats["p95_ms"])) == (0.67, 2000, 2900)
    assert (stats["workflows"], stats["enabled_workflows"]) == (1, 1)
    assert [(node["node"], node["attempts"]) for node in stats["slowest_nodes"]] == [("hook", 4)]
    assert [(node["node"], node["failures"]) for node in stats["failing_nodes"]] == [("hook", 1)]
    assert stats["interval_s"] == 300
    assert len(stats["series"]) in (12, 13, 14)
    started = [interval for interval in stats["series"] if interval["succeeded"]]
    assert [(interval["succeeded"], interval["failed"], interval["others"]) for interval in started] == [(2, 1, 1)]
    assert round(started[0]["p50_ms"]) == 2000
    assert (started[0]["p95_ms"], stats["durations_of"]) == (stats["p95_ms"], 4), "the figure and the chart are of the same executions"
    monkeypatch.setattr(service, "_ENOUGH_FOR_DURATIONS", 2 * 14)
    stats = await ada.get("/stats?hours=1")
    (told,) = {(one["p50_ms"], one["p95_ms"]) for one in [stats, *stats["series"]] if one["p95_ms"] is not None}
    assert (told, stats["durations_of"]) == ((2000, 2000), 2), "the newest two of the interval: one failed, one is queued"
    assert (await bob.get("/stats"))["executions"] == {}
    assert (await ada.get("/workflows"))["items"][0]["last_execution"]["status"] == "queued"
