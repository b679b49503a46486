"""What a page says when there is nothing yet, when it loads, and when something is wrong."""

from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink


def empty_state(icon: str, title: str, text: str, *actions: rx.Component) -> rx.Component:
    """An empty page that says what it is for and what to do next."""
    return rx.el.div(
        rx.icon(icon, size=32, stroke_width=1.5),
        rx.heading(title, size="3", as_="h2", weight="medium"),
        rx.text(text, size="2", color_scheme="gray"),
        *([rx.el.div(*actions, class_name="t-empty-action")] if actions else []),
        class_name="t-empty",
    )


def link_button(*content: Any, href: Any, **props: Any) -> rx.Component:
    """A link that looks like a button: one thing to those who go by Tab or hear the page, not a button in a link."""
    return rx.button(ReactRouterLink.create(*content, to=href), as_child=True, **{"variant": "soft", **props})


def waiting_rows(count: int = 4) -> rx.Component:
    """The place of a table that loads."""
    bars = [rx.el.div(rx.skeleton(height="16px", width=width), rx.skeleton(height="16px", width="72px")) for width in ("38%", "24%", "31%")]
    return rx.el.div(
        *[bars[index % len(bars)] for index in range(count)],
        class_name="t-waiting",
        custom_attrs={"aria-busy": "true", "aria-label": "Loading"},
    )


def problem(message: Any) -> rx.Component:
    """What is wrong, at the place where it is; nothing where the message is empty."""
    return rx.cond(
        message != "",
        rx.callout.root(
            rx.callout.icon(rx.icon("circle-alert", size=16)),
            rx.callout.text(message, class_name="t-problem"),
            color_scheme="red",
            size="1",
            width="100%",
            role="alert",
        ),
    )


def outcome(message: Any, went: Any) -> rx.Component:
    """How something that was tried went: "well", "badly", or neither (nothing could be tried)."""
    icon = rx.match(went, ("well", rx.icon("circle-check", size=16)), ("badly", rx.icon("circle-x", size=16)), rx.icon("info", size=16))
    return rx.cond(
        message != "",
        rx.callout.root(
            rx.callout.icon(icon),
            rx.callout.text(message, class_name="t-problem"),
            color_scheme=rx.match(went, ("well", "green"), ("badly", "red"), "gray"),
            size="1",
            width="100%",
            role="status",
        ),
    )


def notice(message: Any) -> rx.Component:
    """Something to know, not an error; nothing where the message is empty."""
    return rx.cond(
        message != "",
        rx.callout.root(
            rx.callout.icon(rx.icon("info", size=16)), rx.callout.text(message), color_scheme="gray", size="1", width="100%", role="status"
        ),
    )
