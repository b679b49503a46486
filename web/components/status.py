"""The state of an execution or a step, as icon, colour and word."""

from typing import Any

import reflex as rx

from web.theme import STATUS_COLOR, STATUS_ICON


def status_icon(status: rx.Var[str] | str, size: int = 16) -> rx.Component:
    """The icon of a state in its colour."""
    return rx.match(
        status,
        *[(name, rx.icon(icon, size=size, color=f"var(--{STATUS_COLOR[name]}-10)")) for name, icon in STATUS_ICON.items()],
        rx.icon("circle", size=size, color="var(--gray-10)"),
    )


def status_chip(status: rx.Var[str] | str, *details: Any) -> rx.Component:
    """Icon and word; `details` (a time, say) follow in quieter type."""
    return rx.el.span(
        status_icon(status),
        rx.el.span(status, text_transform="capitalize"),
        *details,
        class_name="t-status",
        custom_attrs={"data-status": status},
    )
