"""The audit page: who did what, when and from where."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from trestle.contracts.audit import Action, AuditEntry
from trestle.contracts.base import JsonObject
from web.access import signed_in
from web.api import Api
from web.components.browser import relative_time
from web.components.feedback import empty_state
from web.components.listing import Listing, listing
from web.components.settings_tabs import about, settings_page
from web.components.table import cell, row, table
from web.projects import Choice

WORDS: dict[str, str] = {
    Action.SIGNED_IN: "Signed in",
    Action.SIGN_IN_FAILED: "Failed to sign in",
    Action.SESSIONS_ENDED: "Signed out everywhere else",
    Action.PASSWORD_CHANGED: "Changed their password",
    Action.SECOND_FACTOR_ON: "Switched two-factor sign-in on",
    Action.SECOND_FACTOR_OFF: "Switched two-factor sign-in off",
    Action.RECOVERY_CODES_MADE: "Made new recovery codes",
    Action.SECOND_FACTOR_RESET: "Reset the two-factor sign-in of",
    Action.USER_REGISTERED: "Made an account",
    Action.USER_CHANGED: "Changed the account",
    Action.USER_INVITED: "Invited",
    Action.PROJECT_CREATED: "Created the project",
    Action.PROJECT_CHANGED: "Renamed the project to",
    Action.PROJECT_DELETED: "Deleted the project",
    Action.MEMBER_SET: "Set the membership of",
    Action.MEMBER_REMOVED: "Removed the member",
    Action.WORKFLOW_CREATED: "Created the workflow",
    Action.WORKFLOW_CHANGED: "Changed the workflow",
    Action.WORKFLOW_PUBLISHED: "Published the workflow",
    Action.WORKFLOW_ENABLED: "Enabled the workflow",
    Action.WORKFLOW_DISABLED: "Disabled the workflow",
    Action.WORKFLOW_RESTORED: "Restored a version of",
    Action.WORKFLOW_DELETION_BEGUN: "Began to delete the workflow",
    Action.WORKFLOW_DELETED: "Deleted the workflow",
    Action.CREDENTIAL_CREATED: "Created the credential",
    Action.CREDENTIAL_CHANGED: "Changed the credential",
    Action.CREDENTIAL_TESTED: "Tested the credential",
    Action.CREDENTIAL_CONNECTED: "Connected the credential",
    Action.CREDENTIAL_DISCONNECTED: "Disconnected the credential",
    Action.CREDENTIAL_DELETED: "Deleted the credential",
    Action.API_KEY_CREATED: "Made the API key",
    Action.API_KEY_DELETED: "Deleted the API key",
    Action.VARIABLE_CREATED: "Created the variable",
    Action.VARIABLE_CHANGED: "Changed the variable",
    Action.VARIABLE_DELETED: "Deleted the variable",
    Action.EXECUTION_CANCELLED: "Cancelled an execution",
    Action.EXECUTION_RETRIED: "Retried an execution",
    Action.EXECUTION_REPLAYED: "Replayed an execution",
    Action.EXECUTION_DELETED: "Deleted",
}
"""What each action is called, before the name of what it was done to."""

KINDS = [
    Choice("all", "Everything"),
    Choice("session", "Signing in"),
    Choice("user", "Accounts"),
    Choice("project", "Projects"),
    Choice("member", "Members"),
    Choice("workflow", "Workflows"),
    Choice("credential", "Credentials"),
    Choice("variable", "Variables"),
    Choice("api_key", "API keys"),
    Choice("execution", "Executions"),
]
_ALL = "all"
_PAGES = {"workflow": "/workflows/", "execution": "/executions/"}


@dataclass
class Row:
    """An entry as the table shows it. `link` leads to what it is about, empty where there is nothing to see."""

    id: str
    at: str
    who: str
    did: str
    subject: str
    details: str
    link: str
    address: str


def shown(entry: AuditEntry) -> Row:
    """An entry as a row."""
    who = entry.who or "Nobody"
    kind = entry.action.partition(".")[0]
    gone = entry.action.endswith(".deleted") or entry.subject_id is None
    about_oneself = entry.subject == entry.who and kind in ("session", "user")
    did = WORDS.get(entry.action, entry.action)
    if entry.action == Action.EXECUTION_DELETED and not entry.subject:
        did = "Deleted an execution"
    if entry.action == Action.SIGN_IN_FAILED and entry.subject and not about_oneself:
        did += " as"
    return Row(
        id=str(entry.id),
        at=entry.at.isoformat(),
        who=f"{who} · key “{entry.api_key}”" if entry.api_key else who,
        did=did,
        subject="" if about_oneself else entry.subject,
        details=detailed(entry.details),
        link=f"{_PAGES[kind]}{entry.subject_id}" if kind in _PAGES and not gone else "",
        address=entry.address,
    )


def detailed(details: JsonObject) -> str:
    """Details in one line: names and values, without ids of things and what is empty."""
    told = []
    for name, value in details.items():
        if value in (None, "", [], {}) or name.endswith("_id"):
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if isinstance(value, dict):
            text = detailed(value)
        told.append(f"{name.replace('_', ' ')}: {text}")
    return " · ".join(told)


class Audit(Listing, rx.State):
    """The table and its filters."""

    rows: list[Row] = []
    people: list[Choice] = [Choice(_ALL, "Everybody")]
    kinds: list[Choice] = KINDS
    person: str = _ALL
    kind: str = _ALL
    more: bool = False
    _cursor: str | None = None

    @rx.event
    async def load(self) -> None:
        """Fetch the newest, and whom to choose from."""
        api = signed_in(self)
        self.rows, self.loaded = [], False
        with self._fetching():
            self.people = [Choice(_ALL, "Everybody"), *(Choice(str(one.id), one.email) for one in await api.users())]
            await self._load(api)

    async def _load(self, api: Api, cursor: str | None = None) -> None:
        person, kind = (value if value != _ALL else "" for value in (self.person, self.kind))
        found = await api.audit(user_id=person, action=kind, cursor=cursor)
        rows = [shown(entry) for entry in found.items]
        self.rows = [*self.rows, *rows] if cursor else rows
        self._cursor, self.more = found.next_cursor, found.next_cursor is not None

    @rx.event
    async def choose_person(self, person: str) -> None:
        """Only what this one did."""
        api = signed_in(self)
        self.person = person
        with self._fetching():
            await self._load(api)

    @rx.event
    async def choose_kind(self, kind: str) -> None:
        """Only this kind."""
        api = signed_in(self)
        self.kind = kind
        with self._fetching():
            await self._load(api)

    @rx.event
    async def load_more(self) -> None:
        """Append the next page."""
        api = signed_in(self)
        with self._fetching():
            await self._load(api, self._cursor)


def _row(entry: Row) -> rx.Component:
    return row(
        cell(
            rx.el.span(
                entry.did,
                rx.cond(
                    entry.subject != "",
                    rx.fragment(
                        " ",
                        rx.cond(
                            entry.link != "",
                            rx.link("“", entry.subject, "”", href=entry.link, underline="always", class_name="t-above t-inline"),
                            rx.el.span("“", entry.subject, "”"),
                        ),
                    ),
                ),
            ),
            rx.el.span(entry.details, class_name="t-small"),
            kind="t-name",
        ),
        cell(rx.el.span(entry.who, class_name="t-muted"), kind="t-fit t-below"),
        cell(rx.el.span(entry.address, class_name="t-muted t-number"), kind="t-fit t-wide-only"),
        cell(relative_time(entry.at, class_name="t-muted"), kind="t-fit t-end"),
        key=entry.id,
    )


def _filter(label: str, options: Any, value: Any, on_change: Any) -> rx.Component:
    chosen: rx.Component = rx.select.root(
        rx.select.trigger(custom_attrs={"aria-label": label}),
        rx.select.content(rx.foreach(options, lambda one: rx.select.item(one.label, value=one.value)), position="popper"),
        value=value,
        on_change=on_change,
    )
    return chosen


def page() -> rx.Component:
    """The page."""
    nothing = empty_state("scroll-text", "Nothing like that was done", "Choose somebody else, or everything.")
    everything = rx.fragment(
        table(["What", "Who", ("From", "t-wide-only"), ("When", "t-end")], rx.foreach(Audit.rows, _row), "Audit"),
        rx.cond(
            Audit.more,
            rx.center(rx.button("Show more", variant="soft", color_scheme="gray", on_click=Audit.load_more), padding_top="24px"),
        ),
    )
    return settings_page(
        "Audit",
        about("Who did what, when and from where. Secrets are never in it."),
        rx.cond(
            Audit.loaded,
            rx.el.div(
                _filter("Who", Audit.people, Audit.person, Audit.choose_person),
                _filter("What", Audit.kinds, Audit.kind, Audit.choose_kind),
                class_name="t-toolbar",
            ),
        ),
        listing(Audit, everything, none=Audit.rows.length() == 0, empty=nothing, retry=Audit.load),
    )
