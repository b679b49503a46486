"""The form of a credential, new or kept: what its type asks for, tried out before it is saved."""

from typing import Any

import reflex as rx

from trestle.contracts.base import JsonObject
from trestle.contracts.credentials import Credential, CredentialType
from web.access import signed_in
from web.api import Api
from web.components.dialog import form_dialog
from web.components.feedback import outcome
from web.components.field import area, choice, field
from web.components.submitting import Submitting, Wrong
from web.credential_form import Blank, blanks, chosen, filled, hosts_of, wrong_host
from web.pages.credential_connection import connection_panel, is_by_hand, show_connection
from web.projects import Choice, edits, project_choices

TEST, SAVE = "test", "save"


class CredentialEditor(Submitting, rx.State):
    """The dialog. The types' schemas stay on the server, and no secret that is kept comes near it."""

    kinds: list[Choice] = []
    projects: list[Choice] = []
    project_id: str = ""
    is_open: bool = False
    target_id: str = ""
    target_name: str = ""
    target_hosts: str = ""
    kind: str = ""
    kind_description: str = ""
    blanks: list[Blank] = []
    connects: bool = False  # a person connects it, by what the form says now
    tested: str = ""
    test_went: str = ""  # "well", "badly", or neither
    doing: str = ""  # what it is busy with, or was last: "test" or "save"
    form: int = 0  # grows with every opening, which empties the fields
    _purpose: str = SAVE
    _choices: dict[str, str] = {}
    _types: dict[str, CredentialType] = {}
    _kept: Credential | None = None

    async def _open(self, api: Api, credential_id: str, kind: str) -> None:
        known, projects = await api.credential_types(), await api.projects()
        kept = self._kept = await api.credential(credential_id) if credential_id else None
        self._types = {one.name: one for one in known}
        self.kinds = [Choice(one.name, one.title) for one in known]
        self.projects = project_choices(one for one in projects if edits(one))
        self.project_id = self.projects[0].value
        self.is_open, self.target_id = True, credential_id
        self.target_name = kept.name if kept else ""
        self.target_hosts = ", ".join(kept.allowed_hosts) if kept else ""
        self.form += 1
        await show_connection(self, kept)
        self._show(kept.type if kept else kind if kind in self._types else known[0].name)

    def _show(self, kind: str) -> None:
        known = self._types.get(kind)
        self.kind, self._choices = kind, chosen(known.fields_schema, self._fields()) if known else {}
        self.kind_description = known.description.replace("`", "") if known else ""
        self.busy, self._purpose = False, SAVE
        self._draw()

    def _draw(self) -> None:
        self.error = self.tested = self.test_went = ""
        known = self._types.get(self.kind)
        self.connects = is_by_hand(self.kind, self._choices)
        self.blanks = blanks(known.fields_schema, self._fields(), self._set(), self._choices) if known else []

    def _fields(self) -> JsonObject:
        return self._kept.fields if self._kept else {}

    def _set(self) -> list[str]:
        return self._kept.set_fields if self._kept else []

    @rx.event
    async def open_new(self, kind: str, project_id: str) -> None:
        """The form of a new one, of this type and for this project where there are such."""
        await self._open(signed_in(self), "", kind)
        if project_id in {one.value for one in self.projects}:
            self.project_id = project_id

    @rx.event
    async def open_kept(self, credential_id: str) -> None:
        """The form of one that is kept, as it is now."""
        await self._open(signed_in(self), credential_id, "")

    @rx.event
    def choose_kind(self, kind: str) -> None:
        """Another type for a new one: other fields."""
        signed_in(self)
        self._show(kind)

    @rx.event
    def choose(self, name: str, value: str) -> None:
        """Another value of a field with a list of them: other fields may go with it."""
        signed_in(self)
        self._choices = {**self._choices, name.partition(".")[2]: value}
        self._draw()

    @rx.event
    def set_project(self, project_id: str) -> None:
        """Where a new one is kept."""
        signed_in(self)
        self.project_id = project_id

    @rx.event
    def mean(self, purpose: str) -> None:
        """Which of the form's two buttons is about to submit it."""
        signed_in(self)
        self._purpose = TEST if purpose == TEST else SAVE

    @rx.event
    def close(self, is_open: bool) -> None:
        """The dialog was dismissed."""
        signed_in(self)
        self.is_open = is_open

    @rx.event
    async def submit(self, form: dict[str, Any]) -> Any:
        """Try out what the form says, or keep it."""
        api = signed_in(self)
        purpose, self._purpose = self._purpose, SAVE
        if self.kind not in self._types or not self._begins(form):
            return
        self.doing = purpose
        self.tested = self.test_went = ""
        yield
        with self._submitted():
            hosts = hosts_of(str(form.get("allowed_hosts", "")))
            if wrong := wrong_host(hosts):
                raise Wrong(wrong)
            name = str(form.get("name", "")).strip()
            data = filled(self._types[self.kind].fields_schema, form, self._set(), self._choices)
            if self.doing == TEST:
                await self._test(api, data, hosts)
            else:
                kept, was_new = await self._save(api, name, data, hosts), not self.target_id
                yield rx.toast.success(f"“{name}” is saved")
                if was_new and is_by_hand(kept.type, kept.fields):
                    await self._open(api, str(kept.id), "")  # it is to be connected now
                else:
                    self.is_open = False

    async def _test(self, api: Api, data: JsonObject, hosts: list[str]) -> None:
        where = {"credential_id": self.target_id} if self.target_id else {"project_id": self.project_id}
        found = await api.try_credential({"type": self.kind, "data": data, "allowed_hosts": hosts, **where})
        self.tested, self.test_went = found.message, {True: "well", False: "badly", None: ""}[found.ok]

    async def _save(self, api: Api, name: str, data: JsonObject, hosts: list[str]) -> Credential:
        body: JsonObject = {"name": name, "allowed_hosts": [*hosts]}
        if self.target_id:
            return await api.change_credential(self.target_id, {**body, **({"data": data} if data else {})})
        return await api.create_credential({**body, "type": self.kind, "data": data, "project_id": self.project_id})


def _blank(blank: Blank) -> rx.Component:
    key = CredentialEditor.form.to_string() + CredentialEditor.kind + blank.name
    # The browser must not offer its own saved passwords for other sites' secrets, nor save these.
    shared = {"required": blank.required, "default_value": blank.value, "placeholder": blank.placeholder, "help_text": blank.help}
    return rx.fragment(
        rx.match(
            blank.input,
            (
                "choice",
                choice(
                    blank.label,
                    blank.name,
                    blank.options,
                    value=blank.value,
                    on_change=lambda value: CredentialEditor.choose(blank.name, value),
                    help_text=blank.help,
                ),
            ),
            ("lines", area(blank.label, blank.name, rows="5", class_name="t-mono", auto_complete=False, **shared, key=key)),
            field(blank.label, blank.name, type=blank.input, auto_complete="off", **shared, key=key),
        ),
        rx.cond(
            blank.may_drop != "",
            rx.el.label(rx.checkbox(name=blank.may_drop, key=key + "drop"), "Take the kept one away", class_name="t-small t-tick"),
        ),
        key=blank.name,
    )


def credential_dialog(on_saved: Any) -> rx.Component:
    """The dialog. `on_saved` follows each submission: the page may have other rows then."""
    is_new = CredentialEditor.target_id == ""
    key = CredentialEditor.form.to_string()
    return form_dialog(
        rx.cond(
            is_new,
            choice(
                "Type",
                "kind",
                CredentialEditor.kinds,
                value=CredentialEditor.kind,
                on_change=CredentialEditor.choose_kind,
                help_text=CredentialEditor.kind_description,
            ),
            rx.text(CredentialEditor.kind_description, size="2", color_scheme="gray"),
        ),
        rx.cond(
            is_new & (CredentialEditor.projects.length() > 1),
            choice(
                "Project",
                "project",
                CredentialEditor.projects,
                value=CredentialEditor.project_id,
                on_change=CredentialEditor.set_project,
                help_text="Workflows of this project may use it, and its editors may change it.",
            ),
        ),
        field(
            "Name", "name", default_value=CredentialEditor.target_name, required=True, max_length=200, auto_complete="off", key="n" + key
        ),
        rx.cond(CredentialEditor.connects, connection_panel(CredentialEditor.target_id, on_saved)),
        rx.foreach(CredentialEditor.blanks, _blank),
        field(
            "Allowed hosts",
            "allowed_hosts",
            default_value=CredentialEditor.target_hosts,
            placeholder="api.example.com, *.example.org",
            help_text="The secret is sent to these hosts only; *.example.org is every name below it. Empty: to any host.",
            auto_complete="off",
            key="h" + key,
        ),
        outcome(CredentialEditor.tested, CredentialEditor.test_went),
        title=rx.cond(is_new, "New credential", f"Edit “{CredentialEditor.target_name}”"),
        submit=rx.cond(is_new, "Create", "Save"),
        is_open=CredentialEditor.is_open,
        on_open_change=CredentialEditor.close,
        on_submit=[CredentialEditor.submit, on_saved],
        state=CredentialEditor,
        loading=CredentialEditor.busy & (CredentialEditor.doing == SAVE),
        disabled=CredentialEditor.busy,
        on_click=CredentialEditor.mean(SAVE),
        # After the other in the page's order, so that Enter saves.
        beside=rx.button(
            rx.icon("plug-zap", size=14),
            "Test",
            type="submit",
            variant="soft",
            color_scheme="gray",
            on_click=CredentialEditor.mean(TEST),
            loading=CredentialEditor.busy & (CredentialEditor.doing == TEST),
            disabled=CredentialEditor.busy,
            class_name="t-beside",
        ),
    )
