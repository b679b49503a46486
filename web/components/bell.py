"""The rail's bell: how many notifications this person has not read."""

import logging

import reflex as rx

from web.access import signed_in
from web.backend import ApiError
from web.components.browser import pulse
from web.theme import ICON_SIZE

REFRESH_S = 20
MOST = 99

log = logging.getLogger(__name__)


class Bell(rx.State):
    """The number, fetched again while somebody looks."""

    unread: int = 0

    @rx.event
    async def count(self) -> None:
        """Ask how many there are."""
        api = signed_in(self)
        try:
            self.unread = await api.unread()
        except ApiError as error:
            log.warning("notifications could not be counted: %s", error)  # the number stays as it was; this is asked again


def bell(current: bool) -> rx.Component:
    """The link with its number."""
    return rx.link(
        rx.icon("bell", size=ICON_SIZE),
        rx.el.span("Notifications", class_name="t-label"),
        rx.cond(
            Bell.unread > 0,
            rx.el.span(
                rx.cond(Bell.unread > MOST, f"{MOST}+", Bell.unread.to_string()),
                class_name="t-count",
                custom_attrs={"data-testid": "unread"},
            ),
        ),
        pulse(REFRESH_S, Bell.count),
        href="/notifications",
        class_name="t-link t-bell",
        underline="none",
        title="Notifications",
        on_mount=Bell.count,
        custom_attrs={"aria-current": "page"} if current else {},
    )
