"""The page for addresses that lead nowhere."""

import reflex as rx

from web.components.feedback import empty_state, link_button
from web.components.frame import frame


def page() -> rx.Component:
    """Say so, and lead back."""
    return frame(
        rx.el.div(
            empty_state(
                "signpost",
                "There is nothing at this address",
                "It may have been deleted, or the link is incomplete.",
                link_button("Go to workflows", href="/workflows"),
            ),
            class_name="t-page",
        )
    )
