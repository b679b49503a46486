"""The credentials page: named secrets by type. What is secret goes in and never comes out again."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from trestle.contracts.credentials import Credential, CredentialType
from web.access import signed_in
from web.api import Api
from web.backend import ApiError
from web.components.browser import relative_time
from web.components.dialog import confirm_dialog, form_dialog
from web.components.feedback import empty_state, waiting_rows
from web.components.field import choice, field
from web.components.frame import page as framed
from web.components.table import actions_cell, cell, row, table
from web.credential_form import Blank, blanks, filled, hosts_of, wrong_host


@dataclass
class Row:
    """A credential as the table shows it."""

    id: str
    name: str
    type: str
    hosts: str
    updated_at: str


@dataclass
class Kind:
    """A type of credential, as a choice."""

    value: str
    label: str
    description: str


class Credentials(rx.State):
    """The table and its dialogs. The types' schemas stay on the server."""

    rows: list[Row] = []
    kinds: list[Kind] = []
    loaded: bool = False

    dialog: str = ""  # "edit" (also for a new one), "delete", or none
    target_id: str = ""
    target_name: str = ""
    target_hosts: str = ""
    kind: str = ""
    kind_description: str = ""
    blanks: list[Blank] = []
    used_by: str = ""
    error: str = ""
    busy: bool = False
    _types: dict[str, CredentialType] = {}
    _known: dict[str, Credential] = {}

    @rx.event
    async def load(self) -> None:
        """Fetch types and credentials."""
        api = signed_in(self)
        self._types = {kind.name: kind for kind in await api.credential_types()}
        self.kinds = [Kind(kind.name, kind.title, kind.description) for kind in self._types.values()]
        await self._load(api)

    async def _load(self, api: Api) -> None:
        self._known = {str(found.id): found for found in await api.credentials()}
        titles = {name: kind.title for name, kind in self._types.items()}
        self.rows = [
            Row(
                identity,
                found.name,
                titles.get(found.type, found.type),
                ", ".join(found.allowed_hosts) or "Any host",
                found.updated_at.isoformat(),
            )
            for identity, found in self._known.items()
        ]
        self.loaded = True

    @rx.event
    def new(self) -> None:
        """Open the form for a new one."""
        signed_in(self)
        self.dialog, self.target_id, self.target_name, self.target_hosts, self.error = "edit", "", "", "", ""
        self._choose(next(iter(self._types), ""))

    @rx.event
    def edit(self, credential_id: str) -> None:
        """Open the form of one. Its secrets are not in it."""
        signed_in(self)
        found = self._known[credential_id]
        self.dialog, self.target_id, self.target_name, self.error = "edit", credential_id, found.name, ""
        self.target_hosts = ", ".join(found.allowed_hosts)
        self._choose(found.type, found)

    @rx.event
    def choose(self, kind: str) -> None:
        """Another type for a new one: other fields."""
        signed_in(self)
        self._choose(kind)

    def _choose(self, kind: str, found: Credential | None = None) -> None:
        known = self._types.get(kind)
        self.kind, self.busy = kind, False
        self.kind_description = known.description.replace("`", "") if known else ""
        self.blanks = blanks(known.fields_schema, found.fields if found else {}, found.set_fields if found else []) if known else []

    @rx.event
    async def ask_delete(self, credential_id: str) -> None:
        """Ask before deleting, naming what would miss it."""
        api = signed_in(self)
        found = self._known[credential_id]
        uses = await api.credential_usage(credential_id)
        places = [f"{use.workflow_name} ({use.node})" for use in uses]
        self.used_by = ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
        self.dialog, self.target_id, self.target_name, self.error, self.busy = "delete", credential_id, found.name, "", False

    @rx.event
    def close(self, is_open: bool) -> None:
        """A dialog was dismissed."""
        signed_in(self)
        if not is_open:
            self.dialog = ""

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Keep a new one, or change one."""
        api = signed_in(self)
        name, hosts = str(form.get("name", "")).strip(), hosts_of(str(form.get("allowed_hosts", "")))
        self.error = wrong_host(hosts)
        if self.error:
            return
        self.busy = True
        yield
        try:
            data = filled(self._types[self.kind].fields_schema, form)
            if self.target_id:
                await api.change_credential(self.target_id, {"name": name, "allowed_hosts": hosts, **({"data": data} if data else {})})
            else:
                await api.create_credential(name=name, type=self.kind, data=data, allowed_hosts=hosts)
        except ApiError as error:
            self.error, self.busy = str(error), False
            return
        self.dialog, self.busy = "", False
        await self._load(api)
        yield rx.toast.success(f"“{name}” is saved")

    @rx.event
    async def delete(self) -> Any:
        """Delete the one that was asked about."""
        api = signed_in(self)
        try:
            await api.delete_credential(self.target_id, force=True)
        except ApiError as error:
            self.error = str(error)
            return None
        self.dialog = ""
        await self._load(api)
        return rx.toast.success(f"“{self.target_name}” is deleted")


def _row(credential: Row) -> rx.Component:
    return row(
        cell(
            rx.el.button(credential.name, type="button", class_name="t-row-link", on_click=Credentials.edit(credential.id)),
            rx.el.span(credential.hosts, class_name="t-small"),
            kind="t-name",
        ),
        cell(rx.el.span(credential.type, class_name="t-muted"), kind="t-fit"),
        cell(relative_time(credential.updated_at, class_name="t-muted"), kind="t-fit t-wide-only"),
        actions_cell(
            credential.name,
            rx.menu.item("Edit", on_select=Credentials.edit(credential.id)),
            rx.menu.separator(),
            rx.menu.item("Delete", color_scheme="red", on_select=Credentials.ask_delete(credential.id)),
        ),
        key=credential.id,
    )


def _blank(blank: Blank) -> rx.Component:
    return field(
        blank.label,
        blank.name,
        type=blank.input,
        required=blank.required,
        default_value=blank.value,
        placeholder=blank.placeholder,
        help_text=blank.help,
        # The browser must not offer its own saved passwords for other sites' secrets, nor save these.
        auto_complete="off",
        key=Credentials.kind + Credentials.target_id + blank.name,
    )


def _dialogs() -> rx.Component:
    is_new = Credentials.target_id == ""
    return rx.fragment(
        form_dialog(
            rx.cond(
                is_new,
                choice(
                    "Type",
                    "kind",
                    Credentials.kinds,
                    value=Credentials.kind,
                    on_change=Credentials.choose,
                    help_text=Credentials.kind_description,
                ),
            ),
            field("Name", "name", default_value=Credentials.target_name, required=True, max_length=200, key=Credentials.target_id + "name"),
            rx.foreach(Credentials.blanks, _blank),
            field(
                "Allowed hosts",
                "allowed_hosts",
                default_value=Credentials.target_hosts,
                placeholder="api.example.com, *.example.org",
                help_text="The secret is sent to these hosts only. Empty: to any.",
                key=Credentials.target_id + "hosts",
            ),
            title=rx.cond(is_new, "New credential", f"Edit “{Credentials.target_name}”"),
            submit=rx.cond(is_new, "Create", "Save"),
            is_open=Credentials.dialog == "edit",
            on_open_change=Credentials.close,
            on_submit=Credentials.save,
            error=Credentials.error,
            busy=Credentials.busy,
        ),
        confirm_dialog(
            f"Delete “{Credentials.target_name}”?",
            rx.cond(
                Credentials.used_by != "",
                f"It is used by {Credentials.used_by}. Those steps will fail until they are given another one.",
                "No workflow uses it. Its secret can't be brought back.",
            ),
            confirm="Delete credential",
            is_open=Credentials.dialog == "delete",
            on_open_change=Credentials.close,
            on_confirm=Credentials.delete,
            error=Credentials.error,
        ),
    )


def _new(label: str = "New credential") -> rx.Component:
    return rx.button(rx.icon("plus", size=16), label, on_click=Credentials.new)


def page() -> rx.Component:
    """The page."""
    nothing_yet = empty_state(
        "key-round",
        "Keep your secrets here",
        "Tokens and passwords that steps need to call other services. They are encrypted, and no one can read them here again.",
        _new("Add a credential"),
    )
    return framed(
        "Credentials",
        rx.cond(
            ~Credentials.loaded,
            waiting_rows(),
            rx.cond(
                Credentials.rows.length() == 0,
                nothing_yet,
                table(["Name", "Type", "Changed", ""], rx.foreach(Credentials.rows, _row), "Credentials"),
            ),
        ),
        _dialogs(),
        actions=(_new(),),
    )
