"""The schedules page: what starts by the clock, when next, and how it went last."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import reflex as rx

from trestle.contracts.base import JsonObject
from web.access import signed_in
from web.components.browser import local_time, pulse, relative_time
from web.components.feedback import empty_state, link_button
from web.components.frame import page as framed
from web.components.listing import Listing, listing
from web.components.searching import Searching, rows_with, searched
from web.components.status import status_chip
from web.components.table import cell, row, table
from web.schedule_words import schedule_words

REFRESH_S = 15
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Row:
    """A schedule as the table shows it. Times are RFC 3339; `rule` is in words, `cron` the expression that they stand for, if any."""

    id: str
    workflow_id: str
    workflow: str
    rule: str
    cron: str
    next_at: str
    later: list[str] = field(default_factory=list)
    last_at: str = ""
    last_status: str = ""
    last_execution: str = ""
    problem: str = ""


def shown(schedule: JsonObject) -> Row:
    """A schedule of GET /schedules as a row."""
    cron, zone = schedule.get("cron") or "", schedule["timezone"]
    coming: list[str] = schedule["next"]
    last: JsonObject = schedule.get("last") or {}
    return Row(
        id=schedule["trigger_id"],
        workflow_id=schedule["workflow_id"],
        workflow=schedule.get("workflow_name") or schedule["node"],
        rule=schedule_words(cron, float(schedule.get("every_s") or 0), zone),
        cron=f"{cron} · {zone}" if cron else "",
        next_at=coming[0] if coming else "",
        later=coming[1:],
        last_at=last.get("fire_at") or "",
        last_status=last.get("status") or "",
        last_execution=last.get("execution_id") or "",
        problem=schedule.get("problem") or "",
    )


def soonest_first(rows: Iterable[Row]) -> list[Row]:
    """What fires next comes first, what is off comes last."""
    return sorted(rows, key=lambda row: (datetime.fromisoformat(row.next_at) if row.next_at else _NEVER, row.workflow))


class Schedules(Listing, Searching, rx.State):
    """The table."""

    found = rows_with(Row, lambda one: (one.workflow, one.rule, one.cron))

    @rx.event
    async def load(self) -> None:
        """Fetch all of them."""
        api = signed_in(self)
        with self._fetching():
            self._rows = soonest_first(shown(schedule) for schedule in await api.schedules())


def _next(schedule: Row) -> rx.Component:
    """The next time; the nine after it on a click. Where there is none: why."""
    return rx.cond(
        schedule.next_at == "",
        rx.cond(
            schedule.problem != "",
            rx.el.span(rx.icon("triangle-alert", size=14), schedule.problem, class_name="t-problem"),
            rx.el.span("Off: its workflow isn't enabled", class_name="t-muted"),
        ),
        rx.popover.root(
            rx.popover.trigger(
                rx.el.button(
                    local_time(schedule.next_at), rx.icon("chevron-down", size=14), type="button", class_name="t-times-open t-above"
                )
            ),
            rx.popover.content(
                rx.text("After that", size="1", color_scheme="gray"),
                rx.el.ol(rx.foreach(schedule.later, lambda at: rx.el.li(local_time(at))), class_name="t-times"),
                size="1",
                custom_attrs={"aria-label": "The next times"},
            ),
        ),
    )


def _row(schedule: Row) -> rx.Component:
    return row(
        cell(
            rx.link(schedule.workflow, href=f"/workflows/{schedule.workflow_id}", class_name="t-row-link", underline="none"),
            rx.el.span(schedule.rule, title=schedule.cron, class_name="t-small"),
            kind="t-name",
        ),
        cell(_next(schedule), kind="t-fit t-below"),
        cell(
            rx.cond(
                schedule.last_status != "",
                rx.link(
                    status_chip(schedule.last_status, relative_time(schedule.last_at, class_name="t-small t-wide-only")),
                    href=f"/executions/{schedule.last_execution}",
                    class_name="t-above",
                    underline="none",
                    color="inherit",
                ),
                rx.el.span("Not run yet", class_name="t-muted"),
            ),
            kind="t-fit",
        ),
        key=schedule.id,
    )


def page() -> rx.Component:
    """The page."""
    nothing_yet = empty_state(
        "calendar-clock",
        "Nothing runs by the clock",
        "A workflow that begins with a Schedule starts by itself once it is published and enabled. Its next times are shown here.",
        link_button("Go to workflows", href="/workflows"),
    )
    return framed(
        "Schedules",
        listing(
            Schedules,
            searched(
                Schedules,
                "Search schedules",
                empty_state("search-x", "No schedule has these words", "Search for its workflow, its rule or its time zone."),
                table(["Workflow", "Next", "Last execution"], rx.foreach(Schedules.found, _row), "Schedules"),
            ),
            none=Schedules.none,
            empty=nothing_yet,
        ),
        pulse(REFRESH_S, Schedules.load),
    )
