"""The executions page: everything that ran or runs, filtered by state and workflow. A row opens it on the canvas."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
import reflex as rx

from trestle.contracts.states import ExecutionStatus
from web.access import signed_in
from web.api import Api
from web.backend import ApiError
from web.components.browser import pulse, relative_time
from web.components.chooser import chooser
from web.components.commands import Finder
from web.components.dialog import Dialogs, confirm_dialog, opened_by
from web.components.feedback import empty_state, link_button, waiting_rows
from web.components.frame import page as framed
from web.components.listing import Listing, listing
from web.components.status import status_chip
from web.components.table import actions_cell, cell, row, table
from web.editor.watching import STEERED
from web.pages.execution_rows import Row, shown

PAGE = 50
REFRESH_S = 5
SPANS = {"hour": ("Last hour", 1), "day": ("Last 24 hours", 24), "week": ("Last 7 days", 7 * 24), "month": ("Last 30 days", 30 * 24)}
"""Words and hours of each span of time to choose."""
ANY = "any"
"""A filter's value for everything: a Radix choice has no empty value."""
_ANY_WORKFLOW = "Any workflow"

TRIGGERS = {
    "webhook": ("webhook", "Webhook"),
    "manual": ("mouse-pointer-click", "By hand"),
    "schedule": ("calendar-clock", "Schedule"),
    "event": ("radio", "Event"),
    "error": ("circle-alert", "Failed workflow"),
    "workflow": ("workflow", "Other workflow"),
}
"""Icon and words of each kind of trigger."""


async def _name(api: Api, workflow_id: str) -> str:
    """The name of a workflow that an address names; empty where there is none."""
    try:
        return (await api.workflow(UUID(workflow_id))).name
    except ValueError:
        return ""  # no id at all
    except ApiError as error:
        if error.status == 404:
            return ""
        raise


class Executions(Listing, Dialogs, rx.State):
    """The table and its filters."""

    rows: list[Row] = []
    status: str = ANY
    workflow_id: str = ANY
    workflow: str = _ANY_WORKFLOW
    trigger: str = ANY
    since: str = ANY
    more: bool = False
    _cursor: str | None = None
    _far: bool = False  # nothing found yet, and beyond the newest

    @rx.event
    async def arrive(self) -> None:
        """Begin with the filters that the address names."""
        signed_in(self)
        asked = self.router.url.query_parameters
        statuses = {status.value for status in ExecutionStatus}
        self.status = asked["status"] if asked.get("status") in statuses else ANY
        self.trigger = asked["trigger"] if asked.get("trigger") in TRIGGERS else ANY
        self.since = asked["since"] if asked.get("since") in SPANS else ANY
        self._far, self.dialog = False, ""
        self.workflow_id, self.workflow = asked.get("workflow") or ANY, ""
        await self.refresh()

    @rx.event
    async def refresh(self) -> None:
        """Fetch again what is shown, and the name of the workflow where that is still missing."""
        api = signed_in(self)
        if not self.workflow:
            with self._fetching():
                await self._say_which(api)
        if self.workflow:
            await self._load(min(max(PAGE, len(self.rows)), 200))

    async def _say_which(self, api: Api) -> None:
        """The name of the workflow that the address asks for; all of them where that isn't there."""
        self.workflow = "" if self.workflow_id == ANY else await _name(api, self.workflow_id)
        if not self.workflow:
            self.workflow_id, self.workflow = ANY, _ANY_WORKFLOW

    @rx.event
    async def by_status(self, status: str) -> Any:
        """Show one state only, or any."""
        signed_in(self)
        self.status = status
        return await self._narrowed()

    @rx.event
    async def by_workflow(self, workflow_id: str, name: str) -> Any:
        """Show one workflow only, or any."""
        signed_in(self)
        self.workflow_id, self.workflow = workflow_id, name
        return await self._narrowed()

    @rx.event
    async def by_trigger(self, trigger: str) -> Any:
        """Show those with one kind of trigger only, or any."""
        signed_in(self)
        self.trigger = trigger
        return await self._narrowed()

    @rx.event
    async def by_time(self, since: str) -> Any:
        """Show those of the last time only, or of any."""
        signed_in(self)
        self.since = since
        return await self._narrowed()

    @rx.event
    async def widen(self) -> Any:
        """Show all of them again."""
        signed_in(self)
        self.status = self.trigger = self.since = ANY
        self.workflow_id, self.workflow = ANY, _ANY_WORKFLOW
        return await self._narrowed()

    async def _narrowed(self) -> Any:
        """Fetch what the filters say, and keep them in the address: to come back to, and to send to somebody."""
        self.rows, self._far = [], False
        await self._load(PAGE)
        chosen = {"status": self.status, "workflow": self.workflow_id, "trigger": self.trigger, "since": self.since}
        query = urlencode({name: value for name, value in chosen.items() if value != ANY})
        address = orjson.dumps(f"/executions?{query}" if query else "/executions").decode()
        return rx.call_script(f"history.replaceState(history.state, '', {address})")

    @rx.event
    def ask_to_delete(self, execution_id: str) -> None:
        """Ask whether an execution may go."""
        signed_in(self)
        self._open("delete", execution_id)

    @rx.event
    async def delete(self, form: dict[str, Any]) -> Any:
        """Delete the execution that was asked about."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            await api.delete_execution(UUID(self.target_id))
        if self.error:
            return
        self.rows = [row for row in self.rows if row.id != self.target_id]
        yield rx.toast.success("Deleted, with its steps and its log.")

    @rx.event
    async def steer(self, execution_id: str, verb: str) -> Any:
        """Cancel, pause, resume, retry or replay one."""
        api = signed_in(self)
        said = STEERED[verb]
        try:
            await api.steer(UUID(execution_id), verb)
        except ApiError as error:
            return rx.toast.error(str(error))
        await self._load(min(max(PAGE, len(self.rows)), 200))
        return rx.toast.success(said)

    @rx.event
    async def load_more(self) -> None:
        """Append the next page."""
        api = signed_in(self)
        found, projects = await asyncio.gather(api.executions(**self._filters(), limit=PAGE, cursor=self._cursor), api.projects())
        now = datetime.now(UTC)
        self.rows = [*self.rows, *(shown(execution, now, projects) for execution in found.items)]
        self._cursor, self.more, self._far = found.next_cursor, found.next_cursor is not None, not self.rows

    def _filters(self) -> dict[str, str]:
        return {
            "status": "" if self.status == ANY else self.status,
            "workflow_id": "" if self.workflow_id == ANY else self.workflow_id,
            "trigger": "" if self.trigger == ANY else self.trigger,
            "since": "" if self.since == ANY else (datetime.now(UTC) - timedelta(hours=SPANS[self.since][1])).isoformat(),
        }

    async def _load(self, limit: int) -> None:
        if len(self.rows) > 200 or self._far:
            return  # somebody reads far down, or looks far back: what they read stays where it is
        api = signed_in(self)
        with self._fetching():
            found, projects = await asyncio.gather(api.executions(**self._filters(), limit=limit), api.projects())
            now = datetime.now(UTC)
            self.rows = [shown(execution, now, projects) for execution in found.items]
            self._cursor, self.more = found.next_cursor, found.next_cursor is not None


def _trigger(kind: rx.Var[str] | str) -> rx.Component:
    return rx.el.span(
        rx.match(kind, *[(name, rx.icon(icon, size=16)) for name, (icon, _) in TRIGGERS.items()], rx.icon("zap", size=16)),
        rx.match(kind, *[(name, words) for name, (_, words) in TRIGGERS.items()], kind),
        class_name="t-status t-muted",
    )


def _row(execution: Row) -> rx.Component:
    return row(
        cell(
            rx.link(execution.workflow, href=f"/executions/{execution.id}", class_name="t-row-link", underline="none"),
            rx.el.span(
                rx.cond(execution.error != "", execution.error, execution.version),
                rx.cond(execution.passed_over != "", rx.el.span(" · ", execution.passed_over, class_name="t-warning")),
                class_name="t-small",
            ),
            kind="t-name",
        ),
        cell(status_chip(execution.status), kind="t-fit"),
        cell(_trigger(execution.trigger), kind="t-fit t-below t-wide-only"),
        cell(relative_time(execution.created_at, class_name="t-muted"), kind="t-fit t-below"),
        cell(rx.el.span(execution.took, class_name="t-muted t-number"), kind="t-end t-wide-only"),
        rx.cond(execution.may_run, actions_cell(f"the run of {execution.workflow}", *_actions(execution)), cell(kind="t-end")),
        key=execution.id,
    )


def _actions(execution: Row) -> list[rx.Component]:
    """What can be done to it in its state, by whoever may run it; only editors delete."""
    live = (execution.status == "queued") | (execution.status == "running") | (execution.status == "waiting")
    paused = execution.status == "paused"
    failed = (execution.status == "failed") | (execution.status == "cancelled") | (execution.status == "quarantined")

    def verb(name: str, words: str, **props: Any) -> rx.Component:
        return rx.menu.item(words, on_select=Executions.steer(execution.id, name), **props)

    delete = rx.menu.item("Delete …", color_scheme="red", on_select=Executions.ask_to_delete(execution.id))
    return [
        rx.cond(live, verb("pause", "Pause")),
        rx.cond(paused, verb("resume", "Resume")),
        rx.cond(failed, verb("retry", "Retry from where it failed")),
        rx.cond(live | paused, verb("cancel", "Cancel", color_scheme="red"), verb("replay", "Replay with the same input")),
        rx.cond(execution.may_edit & ~(live | paused), delete),
    ]


def _filter(label: str, value: rx.Var[str] | str, on_change: object, *items: Any) -> rx.Component:
    return rx.select.root(
        rx.select.trigger(custom_attrs={"aria-label": label}, max_width="240px"),
        rx.select.content(rx.select.item(f"Any {label.lower()}", value=ANY), *items, position="popper"),
        value=value,
        on_change=on_change,
    )


def _filters() -> rx.Component:
    return rx.el.div(
        _filter(
            "Status",
            Executions.status,
            Executions.by_status,
            *[rx.select.item(status.value.capitalize(), value=status.value) for status in ExecutionStatus],
        ),
        rx.el.span(  # its place is kept until the browser has drawn it
            chooser(
                label="Workflow",
                value=Executions.workflow_id,
                shown=Executions.workflow,
                everything={"id": ANY, "name": _ANY_WORKFLOW},
                found=Finder.found,
                on_find=Finder.find,
                on_choose=Executions.by_workflow,
            ),
            class_name="t-chooser-place",
        ),
        _filter(
            "Trigger",
            Executions.trigger,
            Executions.by_trigger,
            *[rx.select.item(words, value=name) for name, (_, words) in TRIGGERS.items()],
        ),
        _filter("Time", Executions.since, Executions.by_time, *[rx.select.item(words, value=name) for name, (words, _) in SPANS.items()]),
        class_name="t-toolbar",
    )


def _list() -> rx.Component:
    everything = rx.button("Show all executions", variant="soft", color_scheme="gray", on_click=Executions.widen)
    none_found = empty_state("search-x", "Nothing found", "No execution matches what is chosen above.", everything)
    none_so_far = empty_state(
        "search",
        "Nothing among the newest",
        "No recent execution matches what is chosen above. Older ones have not been looked at yet.",
        rx.button("Look further back", variant="soft", on_click=Executions.load_more),
    )
    nothing_yet = empty_state(
        "history",
        "Nothing has run yet",
        "Run a workflow by hand, or enable one and call its webhook: every execution is kept here, with each step's input and output.",
        link_button("Go to workflows", href="/workflows"),
    )
    chosen = (Executions.status != ANY) | (Executions.workflow_id != ANY) | (Executions.trigger != ANY) | (Executions.since != ANY)
    heads = ("Workflow", "Status", ("Started by", "t-wide-only"), "When", ("Took", "t-end t-wide-only"), "")
    return listing(
        Executions,
        table(heads, rx.foreach(Executions.rows, _row), "Executions"),
        rx.cond(
            Executions.more,
            rx.center(rx.button("Show more", variant="soft", color_scheme="gray", on_click=Executions.load_more), padding_top="24px"),
        ),
        none=Executions.rows.length() == 0,
        empty=rx.cond(chosen, rx.cond(Executions.more, none_so_far, none_found), nothing_yet),
        waiting=waiting_rows(8),
    )


def page() -> rx.Component:
    """The page."""
    question = confirm_dialog(
        "Delete this execution?",
        "Its steps with their inputs and outputs, its log and its files go with it. This can't be undone.",
        confirm="Delete",
        on_confirm=Executions.delete,
        **opened_by(Executions, "delete"),
    )
    return framed("Executions", _filters(), _list(), question, pulse(REFRESH_S, Executions.refresh))
