"""The notifications page: what workflows have told this person."""

from dataclasses import dataclass

import reflex as rx

from trestle.contracts.base import JsonObject
from web.access import signed_in
from web.api import Api
from web.components.bell import Bell
from web.components.browser import pulse, relative_time
from web.components.feedback import empty_state
from web.components.frame import page as framed
from web.components.listing import Listing, listing

REFRESH_S = 10
PAGE = 50
ALL, UNREAD = "all", "unread"
OUTCOMES = {"approved": "Approved", "rejected": "Rejected", "over": "Ended without a decision"}


@dataclass
class Row:
    """A notification as the list shows it. `link` leads to what it is about, empty where there is nothing."""

    id: str
    title: str
    message: str
    link: str
    elsewhere: bool
    created_at: str
    unread: bool
    outcome: str = ""
    """What was decided, in words; empty where nothing was, or nothing is asked."""
    decision: str = ""


def shown(found: JsonObject) -> Row:
    """A notification of GET /notifications as a row: its own link, else the execution that it came from."""
    own = found.get("link") or ""
    execution, outcome = found.get("execution_id"), found.get("outcome") or {}
    decision, by = outcome.get("decision", ""), outcome.get("by")
    return Row(
        id=found["id"],
        title=found.get("title") or "",
        message=found["message"],
        link=own or (f"/executions/{execution}" if execution else ""),
        elsewhere=bool(own),
        created_at=found["created_at"],
        unread=found.get("read_at") is None,
        outcome=OUTCOMES.get(decision, "") + (f" by {by}" if by else ""),
        decision=decision,
    )


class Notifications(Listing, rx.State):
    """The list."""

    rows: list[Row] = []
    which: str = ALL
    more: bool = False
    _cursor: str | None = None

    @rx.event
    async def load(self) -> None:
        """Fetch the newest."""
        api = signed_in(self)
        if len(self.rows) > PAGE:
            return  # somebody reads far down: what they read stays where it is
        await self._load(api)

    @rx.event
    async def load_more(self) -> None:
        """Append the next page."""
        await self._load(signed_in(self), self._cursor)

    @rx.event
    async def narrow(self, which: str | list[str]) -> None:
        """All of them, or only those that are not read."""
        api = signed_in(self)
        self.which, self.loaded = str(which), False
        await self._load(api)

    async def _load(self, api: Api, cursor: str | None = None) -> None:
        with self._fetching():
            answer = await api.notifications(limit=PAGE, cursor=cursor, unread=self.which == UNREAD)
            rows = [shown(found) for found in answer["items"]]
            self.rows = [*self.rows, *rows] if cursor else rows
            self._cursor = answer.get("next_cursor")
            self.more = self._cursor is not None

    @rx.event
    async def read(self, ident: str) -> object:
        """Mark one as read."""
        await signed_in(self).read_notifications([ident])
        for found in self.rows:
            if found.id == ident:
                found.unread = False
        return Bell.count

    @rx.event
    async def read_all(self) -> object:
        """Mark all as read."""
        await signed_in(self).read_notifications(None)
        for found in self.rows:
            found.unread = False
        return Bell.count


def _outcome(found: Row) -> rx.Component:
    icon = rx.match(
        found.decision,
        ("approved", rx.icon("circle-check", size=14, color="var(--green-11)")),
        ("rejected", rx.icon("circle-x", size=14, color="var(--red-11)")),
        rx.icon("circle-minus", size=14, color="var(--gray-11)"),
    )
    return rx.el.span(icon, found.outcome, class_name="t-status t-small")


def _item(found: Row) -> rx.Component:
    return rx.el.li(
        rx.el.span(class_name="t-unread", custom_attrs={"data-on": rx.cond(found.unread, "true", "")}),
        rx.el.div(
            rx.cond(found.title != "", rx.text(found.title, size="2", weight="medium")),
            rx.text(found.message, size="2", white_space="pre-wrap", overflow_wrap="anywhere"),
            rx.el.div(
                relative_time(found.created_at, class_name="t-small"),
                rx.cond(found.outcome != "", _outcome(found)),
                rx.cond(
                    found.link != "",
                    rx.link(
                        rx.cond(found.outcome != "", "Show it", rx.cond(found.elsewhere, "Open", "Show the execution")),
                        href=found.link,
                        size="1",
                        on_click=Notifications.read(found.id),
                    ),
                ),
                class_name="t-note-foot",
            ),
            class_name="t-note-body",
        ),
        rx.cond(
            found.unread,
            rx.icon_button(
                rx.icon("check", size=16),
                variant="ghost",
                color_scheme="gray",
                on_click=Notifications.read(found.id),
                title="Mark as read",
                custom_attrs={"aria-label": "Mark as read"},
            ),
        ),
        key=found.id,
        class_name="t-note",
    )


def page() -> rx.Component:
    """The page."""
    nothing_yet = empty_state(
        "bell", "Nothing to tell you", "Workflows write here with a Notify node, and when somebody has to decide something (Approval)."
    )
    none_unread = empty_state("bell", "You have read everything", "What is new will be here, and its number beside the bell.")
    everything = rx.fragment(
        rx.el.ul(rx.foreach(Notifications.rows, _item), class_name="t-notes", custom_attrs={"aria-label": "Notifications"}),
        rx.cond(
            Notifications.more,
            rx.center(rx.button("Show more", variant="soft", color_scheme="gray", on_click=Notifications.load_more), padding_top="24px"),
        ),
    )
    return framed(
        "Notifications",
        rx.cond(
            (Notifications.rows.length() > 0) | (Notifications.which == UNREAD),
            rx.el.div(
                rx.segmented_control.root(
                    rx.segmented_control.item("All", value=ALL),
                    rx.segmented_control.item("Unread", value=UNREAD),
                    value=Notifications.which,
                    on_change=Notifications.narrow,
                ),
                class_name="t-toolbar",
            ),
        ),
        listing(
            Notifications,
            everything,
            none=Notifications.rows.length() == 0,
            empty=rx.cond(Notifications.which == UNREAD, none_unread, nothing_yet),
        ),
        pulse(REFRESH_S, Notifications.load),
        actions=(
            rx.cond(Bell.unread > 0, rx.button("Mark all as read", variant="soft", color_scheme="gray", on_click=Notifications.read_all)),
        ),
    )
