"""What all pages under Settings share: one heading, and the way from one to the next."""

import reflex as rx

from web.access import Viewer
from web.components.frame import frame, page_head

TABS = (
    ("Profile", "/settings"),
    ("Members", "/members"),
    ("Variables", "/variables"),
    ("API keys", "/api-keys"),
    ("Audit", "/audit"),
)
"""Label and address. The audit is shown to who may read it."""


def _tab(label: str, href: str, current: str) -> rx.Component:
    attributes = {"aria-current": "page"} if label == current else {}
    link = rx.link(label, href=href, class_name="t-tab", underline="none", custom_attrs=attributes)
    return rx.cond(Viewer.administers, link) if label == "Audit" else link


def settings_page(current: str, *content: rx.Component, actions: tuple[rx.Component, ...] = ()) -> rx.Component:
    """A page under Settings; `current` is its tab."""
    return frame(
        rx.el.div(
            page_head("Settings", *actions),
            rx.el.nav(*[_tab(*tab, current) for tab in TABS], class_name="t-tabs", custom_attrs={"aria-label": "Settings"}),
            *content,
            class_name="t-page",
        ),
        current="Settings",
    )


def about(text: str) -> rx.Component:
    """One sentence on what a page is for."""
    return rx.text(text, size="2", color_scheme="gray", class_name="t-about")
