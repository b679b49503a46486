"""The credentials page: named secrets by type. What is secret goes in and never comes out again."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import reflex as rx

from trestle.contracts.credentials import Credential, CredentialUse
from trestle.contracts.users import Project
from web.access import signed_in
from web.api import Api
from web.components.browser import relative_time
from web.components.dialog import Dialogs, confirm_dialog, opened_by, told_dialog
from web.components.feedback import empty_state
from web.components.frame import page as framed
from web.components.listing import Listing, listing
from web.components.searching import Searching, rows_with, searched
from web.components.table import actions_cell, cell, row, table
from web.pages.credential_connection import connection_badge, in_short
from web.pages.credential_editor import CredentialEditor, credential_dialog
from web.projects import edits

_HOSTS_SHOWN = 3
_TESTED = "tested"
"""The one toast that says how a test goes and how it went."""


@dataclass
class Row:
    """A credential as the table shows it. `about`: whose it is, where there are several projects, and where it may go."""

    id: str
    name: str
    type: str
    about: str
    connection: str
    updated_at: str
    may_edit: bool


@dataclass
class Place:
    """A node that uses a credential, and where to see it."""

    workflow: str
    node: str
    link: str


def shown(found: Credential, titles: dict[str, str], projects: dict[str, Project]) -> Row:
    """A credential as a row."""
    project = projects.get(str(found.project_id))
    more = len(found.allowed_hosts) - _HOSTS_SHOWN
    hosts = ", ".join(found.allowed_hosts[:_HOSTS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    whose = "" if project is None or len(projects) < 2 else "Personal" if project.personal else project.name
    return Row(
        str(found.id),
        found.name,
        titles.get(found.type, found.type),
        " · ".join(filter(None, (whose, hosts or "Any host"))),
        in_short(found),
        found.updated_at.isoformat(),
        project is not None and edits(project),
    )


def place(use: CredentialUse) -> Place:
    """A use, with the address that opens its node in the editor."""
    return Place(use.workflow_name, use.node, f"/workflows/{use.workflow_id}?node={quote(use.node, safe='')}")


class Credentials(Listing, Searching, Dialogs, rx.State):
    """The table, and what is asked about one of its rows: "delete" and "uses"."""

    places: list[Place] = []
    found = rows_with(Row, lambda one: (one.name, one.type, one.about))

    @rx.event
    async def arrive(self) -> Any:
        """Fetch them; the editor leads here with type and project of a new one."""
        api = signed_in(self)
        self.dialog, self.search = "", ""
        await self._load(api)
        (await self.get_state(CredentialEditor)).is_open = False  # it was open when the page was loaded again
        asked = self.router.url.query_parameters
        kind = asked.get("type", "")
        if not kind or not self.loaded:
            return None
        # The form opens once: not again when the page is loaded again.
        return [
            CredentialEditor.open_new(kind, asked.get("project", "")),
            rx.call_script("history.replaceState(history.state, '', location.pathname)"),
        ]

    @rx.event
    async def load(self) -> None:
        """Fetch them again."""
        await self._load(signed_in(self))

    async def _load(self, api: Api) -> None:
        with self._fetching():
            titles = {kind.name: kind.title for kind in await api.credential_types()}
            projects = {str(one.id): one for one in await api.projects()}
            self._rows = [shown(one, titles, projects) for one in await api.credentials()]

    @rx.event
    async def ask(self, dialog: str, credential_id: str) -> None:
        """Where one is used: to see, or before it is deleted."""
        api = signed_in(self)
        self.places = [place(use) for use in await api.credential_usage(credential_id)]
        self._open(dialog, credential_id, next((one.name for one in self._rows if one.id == credential_id), ""))

    @rx.event
    async def test(self, credential_id: str) -> Any:
        """Try one out and say what came of it."""
        api = signed_in(self)
        yield rx.toast.loading("Asking the service …", id=_TESTED)
        found = await api.test_credential(credential_id)
        say = {True: rx.toast.success, False: rx.toast.error, None: rx.toast.info}[found.ok]
        yield say(found.message, id=_TESTED)

    @rx.event
    async def delete(self, form: dict[str, Any]) -> Any:
        """Delete the one that was asked about."""
        api = signed_in(self)
        if not self._begins(form):
            return
        yield
        with self._doing():
            await api.delete_credential(self.target_id, force=True)
        if self.error:
            return
        await self._load(api)
        yield rx.toast.success(f"“{self.target_name}” is deleted")


def _row(credential: Row) -> rx.Component:
    edit = CredentialEditor.open_kept(credential.id)
    return row(
        cell(
            rx.cond(
                credential.may_edit,
                rx.el.button(credential.name, type="button", class_name="t-row-link", on_click=edit),
                rx.el.span(credential.name, class_name="t-strong"),
            ),
            rx.el.span(credential.about, class_name="t-small"),
            kind="t-name",
        ),
        cell(rx.el.span(credential.type, class_name="t-muted"), connection_badge(credential.connection), kind="t-fit t-below"),
        cell(relative_time(credential.updated_at, class_name="t-muted"), kind="t-fit t-wide-only"),
        actions_cell(
            credential.name,
            rx.cond(
                credential.may_edit,
                rx.fragment(
                    rx.menu.item("Edit", on_select=edit),
                    rx.menu.item("Test", on_select=Credentials.test(credential.id)),
                ),
            ),
            rx.menu.item("Where it is used", on_select=Credentials.ask("uses", credential.id)),
            rx.cond(
                credential.may_edit,
                rx.fragment(
                    rx.menu.separator(),
                    rx.menu.item("Delete", color_scheme="red", on_select=Credentials.ask("delete", credential.id)),
                ),
            ),
        ),
        key=credential.id,
    )


def _places() -> rx.Component:
    return rx.el.ul(
        rx.foreach(
            Credentials.places,
            lambda one: rx.el.li(rx.link(one.workflow, " · ", one.node, href=one.link, size="2"), key=one.link),
        ),
        class_name="t-places",
    )


def _dialogs() -> rx.Component:
    used = Credentials.places.length() > 0
    return rx.fragment(
        told_dialog(
            f"Where “{Credentials.target_name}” is used",
            rx.cond(used, "By these steps of workflows, in their drafts or in what is published:", "No workflow uses it."),
            _places(),
            is_open=Credentials.dialog == "uses",
            on_open_change=Credentials.close,
        ),
        confirm_dialog(
            f"Delete “{Credentials.target_name}”?",
            rx.cond(
                used,
                "These steps use it. They will fail until they are given another one. Its secret can't be brought back.",
                "No workflow uses it. Its secret can't be brought back.",
            ),
            _places(),
            confirm="Delete credential",
            on_confirm=Credentials.delete,
            **opened_by(Credentials, "delete"),
        ),
    )


def _new(label: str = "New credential") -> rx.Component:
    return rx.button(rx.icon("plus", size=16), label, on_click=CredentialEditor.open_new("", ""))


def page() -> rx.Component:
    """The page."""
    nothing_yet = empty_state(
        "key-round",
        "Keep your secrets here",
        "Tokens and passwords that steps need to call other services. They are encrypted, and no one can read them here again.",
        _new("Add a credential"),
    )
    heads: list[str | tuple[str, str]] = ["Name", "Type", ("Changed", "t-wide-only"), ""]
    everything = searched(
        Credentials,
        "Search credentials",
        empty_state("search-x", "No credential has these words", "Search for its name, its type or a host."),
        table(heads, rx.foreach(Credentials.found, _row), "Credentials"),
    )
    return framed(
        "Credentials",
        listing(Credentials, everything, none=Credentials.none, empty=nothing_yet, retry=Credentials.load),
        credential_dialog(Credentials.load),
        _dialogs(),
        actions=(_new(),),
    )
