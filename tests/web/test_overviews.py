"""Webhooks, schedules and notifications as their pages show them."""

from datetime import UTC, datetime
from uuid import UUID

from trestle.contracts.base import JsonObject
from trestle.contracts.overview import Interval, Stats, Webhook
from web.pages import dashboard, notifications, schedules, webhooks

HOOK = Webhook(
    workflow_id=UUID(int=7),
    workflow_name="Leads",
    enabled=True,
    node="hook",
    url="https://trestle.example/webhooks/leads",
    methods=["GET", "POST"],
    auth="github",
    last_called_at=None,
)


def test_a_webhook_says_what_it_asks_of_callers_and_how_to_call_it() -> None:
    row = webhooks.shown(HOOK)
    assert (row.path, row.methods, row.auth, row.last_called_at) == ("/webhooks/leads", "GET, POST", "GitHub signature", "")
    assert row.curl.startswith("curl -X POST 'https://trestle.example/webhooks/leads'")
    assert webhooks.curl("https://a.example/x", ["GET"]) == "curl -X GET 'https://a.example/x'"


def test_a_schedule_shows_its_rule_its_times_and_its_last_run() -> None:
    found = {
        "trigger_id": "t",
        "workflow_id": "w",
        "node": "nightly",
        "cron": "0 9 * * 1-5",
        "timezone": "Europe/Berlin",
        "next": ["2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z"],
        "last": {"fire_at": "2026-02-27T08:00:00Z", "execution_id": "e", "status": "failed"},
    }
    row = schedules.shown(found)
    assert (row.cron, row.every_s, row.timezone) == ("0 9 * * 1-5", 0, "Europe/Berlin")
    assert (row.next_at, row.later) == ("2026-03-02T08:00:00Z", ["2026-03-03T08:00:00Z"])
    assert (row.last_status, row.last_execution) == ("failed", "e")
    idle = schedules.shown({**found, "cron": None, "every_s": 300, "next": [], "last": None})
    assert (idle.cron, idle.every_s, idle.next_at, idle.last_status, idle.problem) == ("", 300, "", "", "")
    assert schedules.shown({**found, "next": [], "problem": "Its time zone is gone."}).problem == "Its time zone is gone."


def test_the_next_schedule_comes_first_and_what_is_off_last() -> None:
    found: JsonObject = {"trigger_id": "", "workflow_id": "w", "node": "n", "timezone": "UTC"}
    coming = {"off": [], "late": ["2026-03-03T08:00:00Z"], "soon": ["2026-03-03T08:30:00+01:00"], "also": ["2026-03-03T08:00:00Z"]}
    rows = [schedules.shown({**found, "workflow_name": name, "next": times}) for name, times in coming.items()]
    assert [row.workflow for row in schedules.soonest_first(rows)] == ["soon", "also", "late", "off"]


def test_a_notification_leads_to_its_link_else_to_its_execution() -> None:
    found = {"id": "n", "title": "", "message": "Hello", "link": None, "execution_id": "e", "created_at": "2026-01-01T00:00:00Z"}
    assert notifications.shown(found).link == "/executions/e"
    linked = notifications.shown({**found, "link": "https://trestle.example/approvals/x", "read_at": "2026-01-01T00:00:00Z"})
    assert (linked.link, linked.elsewhere, linked.unread) == ("https://trestle.example/approvals/x", True, False)
    assert notifications.shown({**found, "execution_id": None}).link == ""


def test_the_dashboard_says_how_it_went() -> None:
    stats = Stats.model_validate(
        {
            "since": "2026-01-01T00:00:00Z",
            "workflows": 4,
            "enabled_workflows": 3,
            "executions": {"succeeded": 8, "failed": 1, "quarantined": 1, "queued": 1234},
            "success_rate": 0.8,
            "p50_ms": 250,
            "p95_ms": 61_000,
            "slowest_nodes": [],
        }
    )
    shown = {figure.label: figure for figure in dashboard.figures(stats)}
    assert (shown["Executions"].value, shown["Executions"].note) == ("1,244", "1,234 under way")
    assert (shown["Success rate"].value, shown["Success rate"].tone) == ("80.0 %", "bad")
    assert (shown["Failed"].value, shown["Failed"].tone) == ("2", "bad")
    assert (shown["Typical duration"].value, shown["Typical duration"].note) == ("250 ms", "95 % within 1 min 1 s")
    quiet = {figure.label: figure for figure in dashboard.figures(stats.model_copy(update={"executions": {}, "success_rate": None}))}
    assert (quiet["Success rate"].value, quiet["Failed"].tone) == ("–", "")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    (point,) = dashboard.points([Interval(at=at, succeeded=2, p50_ms=1500)])
    assert (point["at"], point["Succeeded"], point["Median"], point["95 %"]) == (at.timestamp() * 1000, 2, 1500, None)
