"""The workflows page: every workflow, how its last execution went, and its switch."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from trestle.contracts.workflows import WorkflowSummary
from web.access import signed_in
from web.backend import ApiError
from web.components.browser import pulse, relative_time
from web.components.dialog import confirm_dialog, form_dialog
from web.components.feedback import empty_state, problem, waiting_rows
from web.components.field import field
from web.components.frame import page as framed
from web.components.status import status_chip
from web.components.table import actions_cell, cell, row, table

REFRESH_S = 10


@dataclass
class Row:
    """A workflow as the table shows it."""

    id: str
    name: str
    about: str
    enabled: bool
    draft: bool
    updated_at: str
    last_id: str
    last_status: str
    last_at: str


def shown(workflow: WorkflowSummary) -> Row:
    """A workflow as a row."""
    last = workflow.last_execution or {}
    nodes = "No nodes yet" if not workflow.node_count else "1 node" if workflow.node_count == 1 else f"{workflow.node_count} nodes"
    return Row(
        id=str(workflow.id),
        name=workflow.name,
        about=workflow.description or nodes,
        enabled=workflow.enabled,
        draft=workflow.published_version is None,
        updated_at=workflow.updated_at.isoformat(),
        last_id=str(last.get("id", "")),
        last_status=str(last.get("status", "")),
        last_at=str(last.get("created_at", "")),
    )


class Workflows(rx.State):
    """The table, the search and the three dialogs."""

    rows: list[Row] = []
    loaded: bool = False
    search: str = ""
    more: bool = False
    trouble: str = ""

    dialog: str = ""  # "create", "rename", "delete", or none
    target_id: str = ""
    target_name: str = ""
    error: str = ""
    busy: bool = False

    @rx.event
    async def load(self) -> None:
        """Fetch the workflows that match the search."""
        await self._load()

    @rx.event
    async def find(self, text: str) -> None:
        """Search by name."""
        signed_in(self)
        self.search = text[:200]
        await self._load()

    async def _load(self) -> None:
        try:
            found = await signed_in(self).workflows(search=self.search.strip())
        except ApiError as error:
            self.trouble = str(error)  # said on the page, not as a toast: this is tried again by itself
            return
        self.rows = [shown(workflow) for workflow in found.items]
        self.more = found.next_cursor is not None
        self.loaded, self.trouble = True, ""

    @rx.event
    async def switch(self, workflow_id: str, enabled: bool) -> Any:
        """Enable (which publishes where nothing is published) or disable."""
        api = signed_in(self)
        try:
            changed = shown(await api.change_workflow(workflow_id, {"enabled": enabled}))
        except ApiError as error:
            return rx.toast.error("It can't be enabled yet" if enabled else "It can't be disabled", description=str(error))
        self.rows = [changed if old.id == workflow_id else old for old in self.rows]
        return rx.toast.success(f"“{changed.name}” is {'enabled' if changed.enabled else 'disabled'}")

    @rx.event
    def ask(self, dialog: str, workflow_id: str, name: str) -> None:
        """Open a dialog about one workflow."""
        signed_in(self)
        self.dialog, self.target_id, self.target_name, self.error, self.busy = dialog, workflow_id, name, "", False

    @rx.event
    def close(self, is_open: bool) -> None:
        """A dialog was dismissed."""
        signed_in(self)
        if not is_open:
            self.dialog = ""

    @rx.event
    async def create(self, form: dict[str, Any]) -> Any:
        """Make an empty workflow and open it."""
        api = signed_in(self)
        self.error, self.busy = "", True
        yield
        try:
            made = await api.create_workflow(str(form.get("name", "")).strip() or "Untitled workflow")
        except ApiError as error:
            self.error, self.busy = str(error), False
            return
        self.dialog, self.busy = "", False
        yield rx.redirect(f"/workflows/{made.id}")

    @rx.event
    async def rename(self, form: dict[str, Any]) -> None:
        """Give the workflow another name."""
        api = signed_in(self)
        try:
            await api.change_workflow(self.target_id, {"name": str(form.get("name", "")).strip()})
        except ApiError as error:
            self.error = str(error)
            return
        self.dialog = ""
        await self._load()

    @rx.event
    async def delete(self) -> Any:
        """Delete the workflow that was asked about."""
        api = signed_in(self)
        try:
            await api.delete_workflow(self.target_id)
        except ApiError as error:
            self.error = str(error)
            return None
        self.dialog = ""
        await self._load()
        return rx.toast.success(f"“{self.target_name}” is deleted")


def _row(workflow: Row) -> rx.Component:
    return row(
        cell(
            rx.link(workflow.name, href=f"/workflows/{workflow.id}", class_name="t-row-link", underline="none"),
            rx.el.span(workflow.about, class_name="t-small"),
            kind="t-name",
        ),
        cell(
            rx.cond(
                workflow.last_status != "",
                rx.link(
                    status_chip(workflow.last_status, relative_time(workflow.last_at, class_name="t-small")),
                    href=f"/executions/{workflow.last_id}",
                    class_name="t-above",
                    underline="none",
                    color="inherit",
                ),
                rx.el.span("Not run yet", class_name="t-muted"),
            ),
            kind="t-fit t-below",
        ),
        cell(relative_time(workflow.updated_at, class_name="t-muted"), kind="t-fit t-wide-only"),
        cell(
            rx.el.span(
                rx.switch(
                    checked=workflow.enabled,
                    on_change=lambda on: Workflows.switch(workflow.id, on),
                    size="1",
                    custom_attrs={"aria-label": f"Enable {workflow.name}"},
                ),
                class_name="t-above",
            ),
            kind="t-fit",
        ),
        actions_cell(
            workflow.name,
            rx.menu.item("Rename", on_select=Workflows.ask("rename", workflow.id, workflow.name)),
            rx.menu.item("Executions", on_select=rx.redirect(f"/executions?workflow={workflow.id}")),
            rx.menu.separator(),
            rx.menu.item("Delete", color_scheme="red", on_select=Workflows.ask("delete", workflow.id, workflow.name)),
        ),
        key=workflow.id,
    )


def _new(label: str = "New workflow") -> rx.Component:
    return rx.button(rx.icon("plus", size=16), label, on_click=Workflows.ask("create", "", ""))


def _dialogs() -> rx.Component:
    return rx.fragment(
        form_dialog(
            field("Name", "name", placeholder="Hot leads to chat", required=True, max_length=200, auto_focus=True),
            title="New workflow",
            submit="Create",
            is_open=Workflows.dialog == "create",
            on_open_change=Workflows.close,
            on_submit=Workflows.create,
            error=Workflows.error,
            busy=Workflows.busy,
        ),
        form_dialog(
            field("Name", "name", default_value=Workflows.target_name, key=Workflows.target_id, required=True, max_length=200, id="rename"),
            title="Rename workflow",
            submit="Rename",
            is_open=Workflows.dialog == "rename",
            on_open_change=Workflows.close,
            on_submit=Workflows.rename,
            error=Workflows.error,
            busy=Workflows.busy,
        ),
        confirm_dialog(
            f"Delete “{Workflows.target_name}”?",
            "Its webhooks stop answering at once. Executions that have run stay in the history.",
            confirm="Delete workflow",
            is_open=Workflows.dialog == "delete",
            on_open_change=Workflows.close,
            on_confirm=Workflows.delete,
            error=Workflows.error,
        ),
    )


def _list() -> rx.Component:
    none_found = empty_state("search-x", "Nothing found", "No workflow has this in its name. Try a shorter word.")
    nothing_yet = empty_state(
        "workflow",
        "Build your first workflow",
        "A workflow starts when something happens, a webhook call for one, and runs its steps in order. "
        "Draw it, publish it, and watch it run.",
        _new("Create a workflow"),
    )
    return rx.cond(
        ~Workflows.loaded,
        waiting_rows(),
        rx.cond(
            Workflows.rows.length() == 0,
            rx.cond(Workflows.search != "", none_found, nothing_yet),
            rx.fragment(
                table(["Name", "Last execution", "Changed", "Enabled", ""], rx.foreach(Workflows.rows, _row), "Workflows"),
                rx.cond(
                    Workflows.more,
                    rx.el.p("The newest 100 are shown. Search to find the others.", class_name="t-small"),
                ),
            ),
        ),
    )


def page() -> rx.Component:
    """The page."""
    return framed(
        "Workflows",
        rx.cond(
            Workflows.rows.length() + Workflows.search.length() > 0,
            rx.el.div(
                rx.input(
                    rx.input.slot(rx.icon("search", size=16)),
                    placeholder="Search workflows",
                    on_change=Workflows.find.debounce(250),
                    default_value=Workflows.search,
                    type="search",
                    width=["100%", "100%", "280px"],
                    custom_attrs={"aria-label": "Search workflows"},
                ),
                class_name="t-toolbar",
            ),
        ),
        problem(Workflows.trouble),
        _list(),
        _dialogs(),
        pulse(REFRESH_S, Workflows.load),
        actions=(_new(),),
    )
