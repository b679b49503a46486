"""Webhooks, schedules and notifications as their pages show them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from trestle.contracts.base import JsonObject
from trestle.contracts.overview import Interval, Stats, Webhook
from web.pages import dashboard, executions, notifications, schedules, webhooks

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
    assert (row.rule, row.cron) == ("weekdays 9:00 Europe/Berlin", "0 9 * * 1-5 · Europe/Berlin")
    assert (row.next_at, row.later) == ("2026-03-02T08:00:00Z", ["2026-03-03T08:00:00Z"])
    assert (row.last_status, row.last_execution) == ("failed", "e")
    idle = schedules.shown({**found, "cron": None, "every_s": 300, "next": [], "last": None})
    assert (idle.cron, idle.rule, idle.next_at, idle.last_status, idle.problem) == ("", "every 5 minutes", "", "", "")
    assert schedules.shown({**found, "next": [], "problem": "Its time zone is gone."}).problem == "Its time zone is gone."


def test_what_is_searched_for_is_found_by_all_that_a_row_shows() -> None:
    found: JsonObject = {"trigger_id": "", "workflow_id": "w", "node": "n", "timezone": "Europe/Berlin", "next": []}
    state: Any = schedules.Schedules(_reflex_internal_init=True)  # type: ignore[call-arg]
    state._rows = [
        schedules.shown({**found, "workflow_name": "Figures", "cron": "0 9 * * 1-5"}),
        schedules.shown({**found, "workflow_name": "Backup", "every_s": 300}),
    ]

    def names(words: str) -> list[str]:
        state.search = words
        return [row.workflow for row in state.found]

    assert names("") == ["Figures", "Backup"]
    assert names("weekdays BERLIN") == names("9:00") == names("* 1-5") == names("fig") == ["Figures"]
    assert names("every 5 min") == ["Backup"]
    assert names("figures 5 minutes") == []
    hooks: Any = webhooks.Webhooks(_reflex_internal_init=True)  # type: ignore[call-arg]
    hooks._rows, hooks.search = [webhooks.shown(HOOK)], "/webhooks/LEADS post github"
    assert len(hooks.found) == 1
    hooks.search = "delete"
    assert (hooks.found, hooks.none) == ([], False)


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


def test_a_notification_says_what_became_of_its_approval() -> None:
    found = {"id": "n", "title": "", "message": "Refund?", "link": "/approvals/x", "created_at": "2026-01-01T00:00:00Z"}
    outcomes: list[JsonObject | None] = [
        None,
        {"decision": "approved", "by": "Ada"},
        {"decision": "rejected", "by": None},
        {"decision": "over"},
    ]
    told = [notifications.shown({**found, "outcome": outcome}).outcome for outcome in outcomes]
    assert told == ["", "Approved by Ada", "Rejected", "Ended without a decision"]


def test_every_period_of_the_dashboard_leads_to_the_same_one_of_the_executions() -> None:
    assert {hours: executions.SPANS[dashboard.SPAN[hours]][1] for hours, _ in dashboard.PERIODS} == {"24": 24, "168": 168, "720": 720}


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
    counted = stats.model_copy(
        update={"interval_s": 86_400, "series": [Interval(at=at, succeeded=8000, failed=4), Interval(at=at, others=7)]}
    )
    assert dashboard.sample(counted.model_copy(update={"durations_of": 8011})) == ""
    assert dashboard.sample(counted.model_copy(update={"durations_of": 907})) == "From 907 of 8,011 executions: the newest of every day."
    assert (point["at"], point["Succeeded"], point["Median"], point["95 %"]) == (at.timestamp() * 1000, 2, 1500, None)
