"""What is said while the page has lost its connection to the server."""

import reflex as rx


def lost_connection() -> rx.Component:
    """A line at the top of the window, for as long as there is no connection. Reflex tries again by itself."""
    return rx.connection_banner(
        rx.el.div(
            rx.icon("cloud-off", size=16),
            rx.el.span("The connection to Trestle is lost. Trying again…"),
            class_name="t-lost",
            role="status",
        )
    )
