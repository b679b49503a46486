"""The notifications page: what workflows have told this person."""

from dataclasses import dataclass

import reflex as rx

from trestle.contracts.base import JsonObject
from web.access import signed_in
from web.components.bell import Bell
from web.components.browser import pulse, relative_time
from web.components.feedback import empty_state, waiting_rows
from web.components.frame import page as framed

REFRESH_S = 10
PAGE = 50


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


def shown(found: JsonObject) -> Row:
    """A notification of GET /notifications as a row: its own link, else the execution that it came from."""
    own = found.get("link") or ""
    execution = found.get("execution_id")
    return Row(
        id=found["id"],
        title=found.get("title") or "",
        message=found["message"],
        link=own or (f"/executions/{execution}" if execution else ""),
        elsewhere=bool(own),
        created_at=found["created_at"],
        unread=found.get("read_at") is None,
    )


class Notifications(rx.State):
    """The list."""

    rows: list[Row] = []
    loaded: bool = False
    more: bool = False
    _cursor: str | None = None

    @rx.event
    async def load(self) -> None:
        """Fetch the newest."""
        if len(self.rows) > PAGE:
            return  # somebody reads far down: what they read stays where it is
        answer = await signed_in(self).notifications(limit=PAGE)
        self.rows = [shown(found) for found in answer["items"]]
        self._cursor, self.loaded = answer.get("next_cursor"), True
        self.more = self._cursor is not None

    @rx.event
    async def load_more(self) -> None:
        """Append the next page."""
        answer = await signed_in(self).notifications(limit=PAGE, cursor=self._cursor)
        self.rows = [*self.rows, *(shown(found) for found in answer["items"])]
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


def _item(found: Row) -> rx.Component:
    return rx.el.li(
        rx.el.span(class_name="t-unread", custom_attrs={"data-on": rx.cond(found.unread, "true", "")}),
        rx.el.div(
            rx.cond(found.title != "", rx.text(found.title, size="2", weight="medium")),
            rx.text(found.message, size="2", white_space="pre-wrap", overflow_wrap="anywhere"),
            rx.el.div(
                relative_time(found.created_at, class_name="t-small"),
                rx.cond(
                    found.link != "",
                    rx.link(
                        rx.cond(found.elsewhere, "Open", "Show the execution"),
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
    everything = rx.fragment(
        rx.el.ul(rx.foreach(Notifications.rows, _item), class_name="t-notes", custom_attrs={"aria-label": "Notifications"}),
        rx.cond(
            Notifications.more,
            rx.center(rx.button("Show more", variant="soft", color_scheme="gray", on_click=Notifications.load_more), padding_top="24px"),
        ),
    )
    return framed(
        "Notifications",
        rx.cond(~Notifications.loaded, waiting_rows(), rx.cond(Notifications.rows.length() == 0, nothing_yet, everything)),
        pulse(REFRESH_S, Notifications.load),
        actions=(rx.button("Mark all as read", variant="soft", color_scheme="gray", on_click=Notifications.read_all),),
    )
