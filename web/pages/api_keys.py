"""The API keys page: how programs call without a person who signs in. A key is shown once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.api_keys import ApiKey, ApiScope
from trestle.contracts.base import JsonObject
from trestle.contracts.users import ProjectRole
from web.access import signed_in
from web.api import Api
from web.components.browser import relative_time
from web.components.dialog import Dialogs, confirm_dialog, form_dialog, opened_by, shown_once
from web.components.feedback import empty_state
from web.components.field import choice, field
from web.components.listing import Listing, listing
from web.components.settings_tabs import about, settings_page
from web.components.submitting import Wrong
from web.components.table import actions_cell, cell, row, table
from web.projects import Choice, project_choices

SCOPES = {
    ApiScope.WORKFLOWS_READ: "Look at workflows, variables and schedules",
    ApiScope.WORKFLOWS_WRITE: "Change and publish workflows, set variables",
    ApiScope.EXECUTIONS_READ: "Look at executions and their data",
    ApiScope.EXECUTIONS_RUN: "Run, cancel, retry and delete executions",
    ApiScope.CREDENTIALS_WRITE: "Keep credentials; secrets are never given out",
    ApiScope.EVENTS_WRITE: "Send events",
    ApiScope.ADMIN: "All of these, and the project's members",
}
"""What each scope allows, in words."""
LASTS = [Choice("30", "30 days"), Choice("90", "90 days"), Choice("365", "One year"), Choice("", "Until it is deleted")]
_NEVER = "never"


@dataclass
class Row:
    """A key as the table shows it."""

    id: str
    name: str
    about: str
    scopes: str
    expires_at: str
    expired: bool
    last_used_at: str


def shown(found: ApiKey, projects: dict[str, str], others: dict[UUID, str], now: datetime) -> Row:
    """A key as a row, with its project where there are several, and its maker where that is one of the `others`."""
    maker = others.get(found.user_id, "")
    return Row(
        id=str(found.id),
        name=found.name,
        about=" · ".join(filter(None, (f"trk_…{found.ending}", projects.get(str(found.project_id)), maker and f"made by {maker}"))),
        scopes=", ".join(found.scopes),
        expires_at=found.expires_at.isoformat() if found.expires_at else "",
        expired=found.expires_at is not None and found.expires_at <= now,
        last_used_at=found.last_used_at.isoformat() if found.last_used_at else "",
    )


def wanted(form: dict[str, Any], project_id: str, lasts: str, now: datetime) -> JsonObject:
    """The body of `POST /api-keys` that a form means. Raises Wrong where nothing is chosen."""
    scopes = [scope.value for scope in ApiScope if form.get(f"scope.{scope}")]
    if not scopes:
        raise Wrong("Choose at least one thing that the key may do.")
    body: JsonObject = {"name": str(form.get("name", "")).strip(), "scopes": scopes, "project_id": project_id}
    if lasts.isdecimal():
        body["expires_at"] = (now + timedelta(days=int(lasts))).isoformat()
    return body


class ApiKeys(Listing, Dialogs, rx.State):
    """The table and its dialogs: "new", "made" and "delete"."""

    rows: list[Row] = []
    projects: list[Choice] = []
    project_id: str = ""
    lifetimes: list[Choice] = [Choice(one.value or _NEVER, one.label) for one in LASTS]
    lasts: str = "90"
    may_administer: bool = False
    _administered: set[str] = set()
    made: str = ""

    @rx.event
    async def load(self) -> None:
        """Fetch keys and projects."""
        api = signed_in(self)
        self.dialog = self.made = ""  # it was open when the page was loaded again: a key is shown once
        await self._load(api)

    async def _load(self, api: Api) -> None:
        with self._fetching():
            projects = await api.projects()
            self.projects = project_choices(projects)
            self._administered = {str(one.id) for one in projects if one.role == ProjectRole.ADMIN}
            places = {one.value: one.label for one in self.projects} if len(projects) > 1 else {}
            keys = await api.api_keys()
            others = {key.project_id for key in keys if key.user_id != api.session.user.id}
            people = {member.user_id: member.name for found in others for member in (await api.project(found)).members}
            self.rows = [shown(key, places, people, datetime.now(UTC)) for key in keys]

    @rx.event
    def new(self) -> None:
        """Open the form."""
        signed_in(self)
        self._open("new")
        self.lasts = "90"
        self._choose(self.projects[0].value)

    @rx.event
    def set_project(self, project_id: str) -> None:
        """For which project."""
        signed_in(self)
        self._choose(project_id)

    def _choose(self, project_id: str) -> None:
        self.project_id, self.may_administer = project_id, project_id in self._administered

    @rx.event
    def set_lasts(self, lasts: str) -> None:
        """For how long."""
        signed_in(self)
        self.lasts = lasts

    @rx.event
    def ask_delete(self, key_id: str) -> None:
        """Ask before deleting."""
        signed_in(self)
        name = next((found.name for found in self.rows if found.id == key_id), "")
        self._open("delete", key_id, name)

    @rx.event
    def close(self, is_open: bool) -> None:
        """A dialog was dismissed; a key that was shown is forgotten here."""
        signed_in(self)
        if not is_open:
            self.dialog, self.made = "", ""

    @rx.event
    async def create(self, form: dict[str, Any]) -> Any:
        """Make a key and show it."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            made = await api.create_api_key(wanted(form, self.project_id, self.lasts, datetime.now(UTC)))
        if self.error:
            return
        self._open("made", target_name=made.name)
        self.made = made.key
        await self._load(api)

    @rx.event
    async def delete(self, form: dict[str, Any]) -> Any:
        """Delete the one that was asked about."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            await api.call("DELETE", f"/api-keys/{self.target_id}")
        if self.error:
            return
        await self._load(api)
        yield rx.toast.success(f"“{self.target_name}” is deleted")


def _row(key: Row) -> rx.Component:
    return row(
        cell(
            rx.el.span(key.name, class_name="t-strong"),
            rx.el.span(key.about, class_name="t-small"),
            kind="t-name",
        ),
        cell(rx.el.span(key.scopes, class_name="t-muted t-clip"), kind="t-below t-value"),
        cell(
            rx.cond(
                key.expires_at == "",
                rx.el.span("Never", class_name="t-muted"),
                rx.cond(key.expired, rx.el.span("Expired", class_name="t-bad"), relative_time(key.expires_at, class_name="t-muted")),
            ),
            kind="t-fit t-wide-only",
        ),
        cell(
            rx.cond(
                key.last_used_at != "",
                relative_time(key.last_used_at, class_name="t-muted"),
                rx.el.span("Never used", class_name="t-muted"),
            ),
            kind="t-fit",
        ),
        actions_cell(key.name, rx.menu.item("Delete", color_scheme="red", on_select=ApiKeys.ask_delete(key.id))),
        key=key.id,
    )


def _scope(scope: ApiScope, words: str) -> rx.Component:
    return rx.el.label(
        rx.checkbox(name=f"scope.{scope}", custom_attrs={"aria-label": scope.value}),
        rx.el.span(words),
        rx.el.code(scope.value, class_name="t-small t-address"),
    )


def _dialogs() -> rx.Component:
    return rx.fragment(
        form_dialog(
            field("Name", "name", required=True, max_length=200, placeholder="Nightly export", auto_complete="off"),
            rx.cond(
                ApiKeys.projects.length() > 1,
                choice("Project", "project", ApiKeys.projects, value=ApiKeys.project_id, on_change=ApiKeys.set_project),
            ),
            rx.el.fieldset(
                rx.el.legend("It may", class_name="t-field-label", padding="0 0 8px"),
                *[_scope(scope, words) for scope, words in SCOPES.items() if scope != ApiScope.ADMIN],
                # A key is never given more than who makes it has.
                rx.cond(ApiKeys.may_administer, _scope(ApiScope.ADMIN, SCOPES[ApiScope.ADMIN])),
                class_name="t-checks",
            ),
            choice("It is good for", "lasts", ApiKeys.lifetimes, value=ApiKeys.lasts, on_change=ApiKeys.set_lasts),
            title="New API key",
            submit="Create",
            on_submit=ApiKeys.create,
            **opened_by(ApiKeys, "new"),
        ),
        shown_once(
            f"“{ApiKeys.target_name}” is made",
            "Copy the key now and keep it where your secrets are: it is not shown again. Programs send it as “Authorization: Bearer …”.",
            ApiKeys.made,
            is_open=ApiKeys.dialog == "made",
            on_open_change=ApiKeys.close,
        ),
        confirm_dialog(
            f"Delete “{ApiKeys.target_name}”?",
            "Programs that use it are refused at once.",
            confirm="Delete key",
            on_confirm=ApiKeys.delete,
            **opened_by(ApiKeys, "delete"),
        ),
    )


def _new(label: str = "New API key") -> rx.Component:
    return rx.button(rx.icon("plus", size=16), label, on_click=ApiKeys.new)


def page() -> rx.Component:
    """The page."""
    nothing_yet = empty_state(
        "key-square",
        "Let programs call Trestle",
        "A script, a test or another service sends a key instead of a password. It reaches one project, and does what you allow it.",
        _new("Make an API key"),
    )
    heads: list[str | tuple[str, str]] = ["Name", "May", ("Expires", "t-wide-only"), "Last used", ""]
    return settings_page(
        "API keys",
        about("A key acts for you in one project, never beyond your own role there."),
        listing(
            ApiKeys,
            table(heads, rx.foreach(ApiKeys.rows, _row), "API keys"),
            none=ApiKeys.rows.length() == 0,
            empty=nothing_yet,
            retry=ApiKeys.load,
        ),
        _dialogs(),
        actions=(_new(),),
    )
