"""The variables page: what a project's workflows see as `vars.NAME`."""

import json
from dataclasses import dataclass
from typing import Any

import reflex as rx

from trestle.contracts.base import JsonValue
from trestle.contracts.variables import Variable
from web.access import signed_in
from web.api import Api
from web.components.browser import relative_time
from web.components.copying import copied
from web.components.dialog import Dialogs, confirm_dialog, form_dialog, opened_by
from web.components.feedback import empty_state
from web.components.field import area, choice, field
from web.components.listing import Listing, listing
from web.components.settings_tabs import about, settings_page
from web.components.submitting import Wrong
from web.components.table import actions_cell, cell, row, table
from web.projects import Choice, edits, project_choice, project_choices

TEXT, JSON = "text", "json"
KINDS = [Choice(TEXT, "Text"), Choice(JSON, "JSON: a number, a list, an object …")]
_SHOWN = 120


@dataclass
class Row:
    """A variable as the table shows it."""

    id: str
    name: str
    expression: str
    value: str
    updated_at: str


def shown(found: Variable) -> Row:
    """A variable as a row. Text stands as it is, anything else as JSON."""
    value = found.value if isinstance(found.value, str) else json.dumps(found.value, ensure_ascii=False)
    value = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return Row(str(found.id), found.name, f"{{{{ vars.{found.name} }}}}", value, found.updated_at.isoformat())


def written(value: JsonValue) -> tuple[str, str]:
    """Kind and text of a value, as its form begins."""
    if isinstance(value, str):
        return TEXT, value
    return JSON, json.dumps(value, ensure_ascii=False, indent=2)


def read(kind: str, text: str) -> JsonValue:
    """The value that a form means. Raises Wrong where it is no JSON."""
    if kind == TEXT:
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise Wrong(f"This is no JSON: {error}. Texts stand in double quotes there; or choose the kind Text.") from None


class Variables(Listing, Dialogs, rx.State):
    """The table of one project and its dialogs: "edit" (also for a new one) and "delete"."""

    projects: list[Choice] = []
    project_id: str = ""
    may_edit: bool = False
    rows: list[Row] = []
    kind: str = TEXT
    text: str = ""
    form: int = 0
    kinds: list[Choice] = KINDS
    _known: dict[str, Variable] = {}
    _editable: set[str] = set()

    @rx.event
    async def load(self) -> None:
        """Fetch the projects, and the variables of the one that is chosen."""
        api = signed_in(self)
        self.dialog = ""  # it was open when the page was loaded again
        with self._fetching():
            found = await api.projects()
            self.projects = project_choices(found)
            self._editable = {str(one.id) for one in found if edits(one)}
            if self.project_id not in {one.value for one in self.projects}:
                self.project_id = self.projects[0].value
            await self._load(api)

    async def _load(self, api: Api) -> None:
        found = await api.variables(self.project_id)
        self._known = {str(one.id): one for one in found}
        self.rows = [shown(one) for one in found]
        self.may_edit = self.project_id in self._editable

    @rx.event
    async def choose(self, project_id: str) -> None:
        """Another project."""
        api = signed_in(self)
        self.project_id, self.loaded = project_id, False
        with self._fetching():
            await self._load(api)

    @rx.event
    def new(self) -> None:
        """Open the form for a new one."""
        signed_in(self)
        self._edit("", "", "")

    @rx.event
    def edit(self, variable_id: str) -> None:
        """Open the form of one."""
        signed_in(self)
        found = self._known[variable_id]
        self._edit(variable_id, found.name, found.value)

    def _edit(self, ident: str, name: str, value: JsonValue) -> None:
        self._open("edit", ident, name)
        self.kind, self.text = written(value)
        self.form += 1

    @rx.event
    def set_kind(self, kind: str) -> None:
        """Text or JSON."""
        signed_in(self)
        self.kind, self.error = kind, ""

    @rx.event
    def ask_delete(self, variable_id: str) -> None:
        """Ask before deleting."""
        signed_in(self)
        self._open("delete", variable_id, self._known[variable_id].name)

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Keep a new one, or change one."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        name = str(form.get("name", "")).strip()
        with self._doing():
            body = {"name": name, "value": read(self.kind, str(form.get("value", "")))}
            if self.target_id:
                await api.call("PATCH", f"/variables/{self.target_id}", json=body)
            else:
                await api.call("POST", "/variables", json={**body, "project_id": self.project_id})
        yield await self._done(api, f"“{name}” is saved")

    @rx.event
    async def delete(self, form: dict[str, Any]) -> Any:
        """Delete the one that was asked about."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            await api.call("DELETE", f"/variables/{self.target_id}")
        yield await self._done(api, f"“{self.target_name}” is deleted")

    async def _done(self, api: Api, said: str) -> Any:
        """What a dialog was for is done: show it, and say so."""
        if self.error:
            return None
        with self._fetching():
            await self._load(api)
        return rx.toast.success(said)


def _row(variable: Row) -> rx.Component:
    return row(
        cell(
            rx.cond(
                Variables.may_edit,
                rx.el.button(variable.name, type="button", class_name="t-row-link", on_click=Variables.edit(variable.id)),
                rx.el.span(variable.name),
            ),
            rx.el.code(variable.expression, class_name="t-small t-address"),
            kind="t-name",
        ),
        cell(rx.el.span(variable.value, class_name="t-muted t-clip"), kind="t-below t-value"),
        cell(relative_time(variable.updated_at, class_name="t-muted"), kind="t-fit t-wide-only"),
        actions_cell(
            variable.name,
            rx.menu.item("Copy the expression", on_select=copied(variable.expression)),
            rx.cond(
                Variables.may_edit,
                rx.fragment(
                    rx.menu.item("Edit", on_select=Variables.edit(variable.id)),
                    rx.menu.separator(),
                    rx.menu.item("Delete", color_scheme="red", on_select=Variables.ask_delete(variable.id)),
                ),
            ),
        ),
        key=variable.id,
    )


def _dialogs() -> rx.Component:
    is_new = Variables.target_id == ""
    key = Variables.form.to_string()
    return rx.fragment(
        form_dialog(
            field(
                "Name",
                "name",
                default_value=Variables.target_name,
                required=True,
                max_length=63,
                placeholder="REGION",
                pattern="[A-Za-z_][A-Za-z0-9_]*",
                title="Letters, digits and _, not beginning with a digit",
                help_text="Letters, digits and _. Expressions say {{\u00a0vars.NAME\u00a0}}.",
                auto_complete="off",
                key="n" + key,
            ),
            choice("Kind", "kind", Variables.kinds, value=Variables.kind, on_change=Variables.set_kind),
            area("Value", "value", default_value=Variables.text, rows="5", key="v" + key),
            title=rx.cond(is_new, "New variable", f"Edit “{Variables.target_name}”"),
            submit=rx.cond(is_new, "Create", "Save"),
            on_submit=Variables.save,
            **opened_by(Variables, "edit"),
        ),
        confirm_dialog(
            f"Delete “{Variables.target_name}”?",
            "Expressions that name it fail from then on.",
            confirm="Delete variable",
            on_confirm=Variables.delete,
            **opened_by(Variables, "delete"),
        ),
    )


def _new(label: str = "New variable") -> rx.Component:
    return rx.button(rx.icon("plus", size=16), label, on_click=Variables.new)


def page() -> rx.Component:
    """The page."""
    nothing_yet = rx.cond(
        Variables.may_edit,
        empty_state(
            "braces",
            "Say it once, use it in every workflow",
            "Addresses, names, limits: what several workflows need, as {{\u00a0vars.NAME\u00a0}}. Secrets belong into credentials.",
            _new("Add a variable"),
        ),
        empty_state(
            "braces", "No variables here", "Editors of this project can add values that its expressions use as {{\u00a0vars.NAME\u00a0}}."
        ),
    )
    return settings_page(
        "Variables",
        about("Values that a project's expressions use as {{\u00a0vars.NAME\u00a0}}. Whoever may look at the project sees them."),
        project_choice(Variables.projects, Variables.project_id, Variables.choose),
        listing(
            Variables,
            table(["Name", "Value", ("Changed", "t-wide-only"), ""], rx.foreach(Variables.rows, _row), "Variables"),
            none=Variables.rows.length() == 0,
            empty=nothing_yet,
            retry=Variables.load,
        ),
        _dialogs(),
        actions=(rx.cond(Variables.may_edit, _new()),),
    )
