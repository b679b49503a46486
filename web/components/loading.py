"""What a page shows while its rows are fetched, and where they could not be: never a skeleton for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import reflex as rx

from web.backend import ApiError
from web.components.feedback import problem, waiting_rows


class Fetching(Protocol):
    """A State with the two vars that this needs: `loaded`, and `trouble`, empty where there is none."""

    loaded: bool
    trouble: str


@contextmanager
def fetching(state: Fetching) -> Iterator[None]:
    """Around the calls that fetch a page's rows: what the backend refuses is told in the page. One may stand in another."""
    state.trouble = ""
    try:
        yield
    except ApiError as error:
        state.trouble = str(error)
    state.loaded = state.loaded or not state.trouble


def fetched(state: Any, retry: Any, content: rx.Component) -> rx.Component:
    """`content` once there is something to show; before that a skeleton, or what went wrong with a way to try again."""
    return rx.fragment(
        rx.cond(
            state.trouble != "",
            rx.el.div(
                problem(state.trouble),
                rx.button(rx.icon("rotate-cw", size=14), "Try again", variant="soft", color_scheme="gray", on_click=retry),
                class_name="t-trouble",
            ),
        ),
        rx.cond(state.loaded, content, rx.cond(state.trouble == "", waiting_rows())),
    )
