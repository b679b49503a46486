"""The frame around every page: the rail (a bar at the bottom of a phone) and the page's head."""

from typing import Any

import reflex as rx

from web.access import Viewer
from web.components.bell import bell
from web.components.brand import wordmark
from web.components.commands import commands, finding
from web.theme import ICON_SIZE

LINKS = (
    ("Workflows", "workflow", "/workflows"),
    ("Executions", "history", "/executions"),
    ("Credentials", "key-round", "/credentials"),
    ("Webhooks", "webhook", "/webhooks"),
    ("Schedules", "calendar-clock", "/schedules"),
    ("Dashboard", "chart-column", "/dashboard"),
)
"""Label, icon and address of the pages in the rail."""


SELDOM = ("Webhooks", "Schedules", "Dashboard")
"""Pages that a phone's bar leaves to the account menu."""


def _link(label: str, icon: str, href: str, current: str) -> rx.Component:
    attributes = {"aria-current": "page"} if current == label else {}
    return rx.link(
        rx.icon(icon, size=ICON_SIZE),
        rx.el.span(label, class_name="t-label"),
        href=href,
        class_name="t-link t-seldom" if label in SELDOM else "t-link",
        underline="none",
        title=label,
        custom_attrs=attributes,
    )


def _me(current: str) -> rx.Component:
    attributes = {"aria-current": "page"} if current == "Settings" else {}
    return rx.box(
        rx.menu.root(
            rx.menu.trigger(
                rx.el.button(
                    rx.el.span(Viewer.initial, class_name="t-avatar"),
                    rx.el.span(Viewer.name, class_name="t-label t-wide-only"),
                    rx.el.span("Account", class_name="t-label t-narrow-only"),
                    class_name="t-link",
                    type="button",
                    width="100%",
                    custom_attrs={"aria-label": "Account", "data-testid": "account", **attributes},
                )
            ),
            rx.menu.content(
                rx.text(Viewer.email, size="1", color_scheme="gray", padding="4px 8px 8px", truncate=True),
                # On a phone the bar has no room for these.
                *[
                    rx.menu.item(rx.icon(icon, size=14), label, on_select=rx.redirect(href), class_name="t-narrow-only")
                    for label, icon, href in LINKS
                    if label in SELDOM
                ],
                rx.menu.item(rx.icon("settings", size=14), "Settings", on_select=rx.redirect("/settings")),
                rx.menu.item(rx.icon("sun-moon", size=14), "Dark or light", on_select=rx.toggle_color_mode),
                rx.menu.separator(),
                rx.menu.item(rx.icon("log-out", size=14), "Sign out", on_select=rx.call_script("trestle.leave()")),
                side="top",
                align="start",
                min_width="200px",
            ),
        ),
        class_name="t-me",
    )


def frame(*content: rx.Component, current: str = "", full: bool = False) -> rx.Component:
    """A page in the product's frame.

    `current` is the label of the rail's link that stands for it. `full`: the page fills the whole space and scrolls by itself
    (the editor); the rail then shows its icons only.
    """
    return rx.el.div(
        rx.el.nav(
            wordmark(),
            finding(),
            rx.el.div(*[_link(*link, current) for link in LINKS], class_name="t-nav"),
            bell(current == "Notifications"),
            _me(current),
            class_name="t-rail",
            custom_attrs={"aria-label": "Pages"},
        ),
        rx.el.main(*content, class_name="t-main"),
        commands(),
        class_name="t-frame",
        custom_attrs={"data-full": "true"} if full else {},
    )


def page(title: str, *content: rx.Component, current: str = "", actions: tuple[rx.Component, ...] = ()) -> rx.Component:
    """A page with a heading, actions at its right, and its content, at a readable width."""
    return frame(
        rx.el.div(page_head(title, *actions), *content, class_name="t-page"),
        current=current or title,
    )


def page_head(title: Any, *actions: rx.Component) -> rx.Component:
    """The heading and what can be done on this page."""
    return rx.el.header(rx.heading(title, size="5", as_="h1", weight="medium"), *actions, class_name="t-head")
