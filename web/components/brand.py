"""The wordmark and its sign."""

import reflex as rx


def truss(size: int = 24) -> rx.Component:
    """The sign: one bay of a trestle bridge, its deck on two splayed legs with their bracing."""
    return rx.el.svg(
        rx.el.path(d="M2 5.5h20"),
        rx.el.path(d="M8.5 5.5 4.5 20M15.5 5.5l4 14.5"),
        rx.el.path(d="M8.5 5.5l8.9 7M15.5 5.5l-8.9 7M6.6 12.5h10.8"),
        view_box="0 0 24 24",
        width=str(size),
        height=str(size),
        fill="none",
        stroke="currentColor",
        stroke_width="1.75",
        stroke_linecap="round",
        stroke_linejoin="round",
        custom_attrs={"aria-hidden": "true"},
    )


def wordmark(href: str = "/workflows") -> rx.Component:
    """Sign and name, leading to the first page."""
    return rx.link(truss(), rx.el.span("Trestle", class_name="t-label"), href=href, class_name="t-brand", underline="none")
