"""The workflows page: every workflow, how its last executions went, its switch, and what can be done with it."""

import asyncio
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.users import Project
from web.access import signed_in
from web.backend import ApiError
from web.components.browser import pulse, relative_time
from web.components.dialog import Dialogs, confirm_dialog, form_dialog, opened_by
from web.components.feedback import empty_state, link_button
from web.components.field import field
from web.components.frame import page as framed
from web.components.listing import Listing, listing
from web.components.searching import search_box
from web.components.table import actions_cell, cell, row, table
from web.pages.new_workflow import NewWorkflow
from web.pages.new_workflow import dialog as new_dialog
from web.pages.workflow_rows import Row, last_run, shown, sparkline, tags_of

REFRESH_S = 10


ALL = "all"


class Workflows(Listing, Dialogs, rx.State):
    """The table, what narrows it, and the dialogs about one workflow."""

    rows: list[Row] = []
    search: str = ""
    tag: str = ALL
    folder: str = ALL
    tags: list[str] = []
    folders: list[str] = []
    more: bool = False
    _projects: dict[UUID, Project] = {}

    target_folder: str = ""
    target_tags: str = ""

    @rx.var
    def narrowed(self) -> bool:
        """Whether not all are shown."""
        return bool(self.search) or (self.tag, self.folder) != (ALL, ALL)

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

    @rx.event
    async def narrow(self, tag: str, folder: str) -> None:
        """Show those with a tag and in a folder; `all` narrows nothing."""
        signed_in(self)
        self.tag, self.folder = tag, folder
        await self._load()

    async def _load(self) -> None:
        api = signed_in(self)
        tag, folder = ("" if chosen == ALL else chosen for chosen in (self.tag, self.folder))
        with self._fetching():
            found, labels, projects = await asyncio.gather(
                api.workflows(search=self.search.strip(), tag=tag, folder=folder), api.labels(), api.projects()
            )
            self._projects = {one.id: one for one in projects}
            self.rows = [shown(workflow, self._projects) for workflow in found.items]
            self.more = found.next_cursor is not None
            self.tags, self.folders = labels.tags, labels.folders

    @rx.event
    async def switch(self, workflow_id: str, enabled: bool) -> Any:
        """Enable (which publishes where nothing is published) or disable."""
        api = signed_in(self)
        try:
            changed = shown(await api.change_workflow(workflow_id, {"enabled": enabled}), self._projects)
        except ApiError as error:
            return rx.toast.error("It can't be enabled yet" if enabled else "It can't be disabled", description=str(error))
        self.rows = [changed if old.id == workflow_id else old for old in self.rows]
        return rx.toast.success(f"“{changed.name}” is {'enabled' if changed.enabled else 'disabled'}")

    @rx.event
    def ask(self, dialog: str, workflow_id: str, name: str) -> None:
        """Open a dialog about one workflow: `rename`, `sort` or `delete`."""
        signed_in(self)
        self._open(dialog, workflow_id, name)
        chosen = next((one for one in self.rows if one.id == workflow_id), None)
        self.target_folder, self.target_tags = (chosen.folder, ", ".join(chosen.tags)) if chosen else ("", "")

    @rx.event
    async def rename(self, form: dict[str, Any]) -> Any:
        """Give the workflow another name."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            await api.change_workflow(self.target_id, {"name": str(form.get("name", "")).strip()})
        await self._load()

    @rx.event
    async def sort(self, form: dict[str, Any]) -> Any:
        """Move the workflow to a folder and give it tags."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        change = {"folder": str(form.get("folder", "")).strip(), "tags": tags_of(str(form.get("tags", "")))}
        with self._doing():
            await api.change_workflow(self.target_id, change)
        await self._load()

    @rx.event
    async def duplicate(self, workflow_id: str) -> Any:
        """Make a copy, and open it."""
        try:
            made = await signed_in(self).duplicate_workflow(workflow_id)
        except ApiError as error:
            return rx.toast.error("It can't be duplicated", description=str(error))
        return rx.redirect(f"/workflows/{made.id}")

    @rx.event
    async def run(self, workflow_id: str) -> Any:
        """Run the draft once without input, and watch."""
        try:
            execution_id = await signed_in(self).run_workflow(workflow_id)
        except ApiError as error:
            return rx.toast.error("It can't run yet", description=str(error))
        return rx.redirect(f"/executions/{execution_id}")

    @rx.event
    async def delete(self, form: dict[str, Any]) -> Any:
        """Delete the workflow that was asked about."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            await api.delete_workflow(self.target_id)
        await self._load()
        if not self.error:
            yield rx.toast.success(f"“{self.target_name}” is deleted")


def _row(workflow: Row) -> rx.Component:
    return row(
        cell(
            rx.link(workflow.name, href=f"/workflows/{workflow.id}", class_name="t-row-link", underline="none"),
            rx.el.span(
                rx.cond(workflow.project != "", rx.el.span(rx.icon("users", size=12), rx.el.span(workflow.project), class_name="t-tag")),
                rx.cond(workflow.folder != "", rx.el.span(rx.icon("folder", size=12), rx.el.span(workflow.folder), class_name="t-tag")),
                rx.foreach(workflow.tags, lambda tag: rx.el.span(rx.el.span(tag), class_name="t-tag")),
                workflow.about,
                class_name="t-small",
            ),
            kind="t-name",
        ),
        cell(last_run(workflow, relative_time(workflow.last_at, class_name="t-small")), kind="t-fit t-below"),
        cell(sparkline(workflow), kind="t-fit t-wide-only"),
        cell(relative_time(workflow.updated_at, class_name="t-muted"), kind="t-fit t-wide-only t-roomy-only"),
        cell(
            rx.el.span(
                rx.switch(
                    checked=workflow.enabled,
                    on_change=lambda on: Workflows.switch(workflow.id, on),
                    disabled=~workflow.may_edit,
                    size="1",
                    custom_attrs={"aria-label": f"Enable {workflow.name}"},
                ),
                class_name="t-above",
                title=rx.cond(workflow.may_edit, "", "Editors of its project switch it on and off"),
            ),
            kind="t-fit",
        ),
        actions_cell(
            workflow.name,
            rx.cond(workflow.may_run, rx.menu.item("Run", on_select=Workflows.run(workflow.id))),
            rx.menu.item("Executions", on_select=rx.redirect(f"/executions?workflow={workflow.id}")),
            rx.menu.separator(),
            rx.cond(
                workflow.may_edit,
                rx.fragment(
                    rx.menu.item("Rename", on_select=Workflows.ask("rename", workflow.id, workflow.name)),
                    rx.menu.item("Folder and tags", on_select=Workflows.ask("sort", workflow.id, workflow.name)),
                    rx.menu.item("Duplicate", on_select=Workflows.duplicate(workflow.id)),
                ),
            ),
            *[
                rx.menu.item(
                    f"Export as {form.upper()}", on_select=rx.download(f"/exports/{workflow.id}.{form}", f"{workflow.file}.{form}")
                )
                for form in ("json", "yaml")
            ],
            rx.cond(
                workflow.may_edit,
                rx.fragment(
                    rx.menu.separator(),
                    rx.menu.item("Delete", color_scheme="red", on_select=Workflows.ask("delete", workflow.id, workflow.name)),
                ),
            ),
        ),
        key=workflow.id,
    )


def _new() -> rx.Component:
    return rx.button(rx.icon("plus", size=16), "New workflow", on_click=NewWorkflow.ask("blank"))


def _dialogs() -> rx.Component:
    return rx.fragment(
        new_dialog(),
        form_dialog(
            field(
                "Folder",
                "folder",
                default_value=Workflows.target_folder,
                key=f"folder-{Workflows.target_id}",
                max_length=200,
                help_text="Empty: in no folder.",
                list="folders",
            ),
            rx.el.datalist(rx.foreach(Workflows.folders, lambda name: rx.el.option(value=name)), id="folders"),
            field(
                "Tags",
                "tags",
                default_value=Workflows.target_tags,
                key=f"tags-{Workflows.target_id}",
                placeholder="sales, nightly",
                help_text="With commas between them.",
            ),
            title="Folder and tags",
            submit="Save",
            on_submit=Workflows.sort,
            **opened_by(Workflows, "sort"),
        ),
        form_dialog(
            field("Name", "name", default_value=Workflows.target_name, key=Workflows.target_id, required=True, max_length=200, id="rename"),
            title="Rename workflow",
            submit="Rename",
            on_submit=Workflows.rename,
            **opened_by(Workflows, "rename"),
        ),
        confirm_dialog(
            f"Delete “{Workflows.target_name}”?",
            "With it go its draft, all its versions and its saved test inputs; its webhooks and schedules stop at once. "
            "Executions that have run stay in the history. This can't be undone.",
            confirm="Delete workflow",
            on_confirm=Workflows.delete,
            **opened_by(Workflows, "delete"),
        ),
    )


def _list() -> rx.Component:
    none_found = empty_state("search-x", "Nothing found", "No workflow matches. Try a shorter word, or all tags and folders.")
    nothing_yet = empty_state(
        "workflow",
        "Build your first workflow",
        "A workflow starts when something happens, a webhook call for one, and runs its steps in order. "
        "The shortest way to see one: choose a template, and press Run.",
        link_button(rx.icon("layout-template", size=16), "Choose a template", href="/templates", variant="solid"),
        rx.button("Draw one yourself", variant="soft", on_click=NewWorkflow.ask("blank")),
        rx.button("Import one", variant="soft", color_scheme="gray", on_click=NewWorkflow.ask("import")),
    )
    return listing(
        Workflows,
        table(
            ["Name", "Last execution", ("Recent", "t-wide-only"), ("Changed", "t-wide-only t-roomy-only"), "Enabled", ""],
            rx.foreach(Workflows.rows, _row),
            "Workflows",
        ),
        rx.cond(Workflows.more, rx.el.p("The newest 100 are shown. Search to find the others.", class_name="t-small")),
        none=Workflows.rows.length() == 0,
        empty=rx.cond(Workflows.narrowed, none_found, nothing_yet),
    )


def _choice(label: str, everything: str, names: Any, chosen: Any, on_change: Any) -> rx.Component:
    """A narrowing by name; nothing where there are no names."""
    return rx.cond(
        names.length() > 0,
        rx.select.root(
            rx.select.trigger(custom_attrs={"aria-label": label}),
            rx.select.content(
                rx.select.item(everything, value=ALL),
                rx.foreach(names, lambda name: rx.select.item(name, value=name)),
                position="popper",
            ),
            value=chosen,
            on_change=on_change,
        ),
    )


def page() -> rx.Component:
    """The page."""
    return framed(
        "Workflows",
        rx.cond(
            (Workflows.rows.length() > 0) | Workflows.narrowed,
            rx.el.div(
                search_box("Search workflows", Workflows.search, Workflows.find.debounce(250)),
                _choice(
                    "Folder", "All folders", Workflows.folders, Workflows.folder, lambda chosen: Workflows.narrow(Workflows.tag, chosen)
                ),
                _choice("Tag", "All tags", Workflows.tags, Workflows.tag, lambda chosen: Workflows.narrow(chosen, Workflows.folder)),
                class_name="t-toolbar",
            ),
        ),
        _list(),
        _dialogs(),
        pulse(REFRESH_S, Workflows.load),
        actions=(
            link_button(
                rx.icon("layout-template", size=16),
                "Templates",
                href="/templates",
                color_scheme="gray",
                class_name="t-wide-only",  # a phone has room for one action; the dialog leads to the templates, too
            ),
            _new(),
        ),
    )
