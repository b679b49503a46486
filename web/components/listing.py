"""What pages that show something fetched have in common: it loads, or it can't be had, or there is none, or it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import reflex as rx

from web.backend import ApiError
from web.components.feedback import problem, waiting_rows


class Listing(rx.State, mixin=True):
    """Whether it has been fetched, and why the last attempt failed."""

    loaded: bool = False
    trouble: str = ""

    @contextmanager
    def _fetching(self) -> Iterator[None]:
        """Around a fetch. What goes wrong is said on the page, not as a toast: it is tried again by itself."""
        try:
            yield
        except ApiError as error:
            self.trouble = str(error)
        else:
            self.loaded, self.trouble = True, ""


def listing(
    state: type[Listing],
    *content: rx.Component,
    none: Any,
    empty: rx.Component,
    waiting: rx.Component | None = None,
    retry: Any = None,
) -> rx.Component:
    """The content once it is there; `empty` where `none` is true and nothing is wrong. Before that `waiting`, or what is wrong.

    `retry` fetches again: of a page that doesn't do so by itself.
    """
    return rx.fragment(
        problem(state.trouble) if retry is None else _trouble(state, retry),
        rx.cond(
            state.loaded,
            rx.cond(none, rx.cond(state.trouble == "", empty), rx.fragment(*content)),
            rx.cond(state.trouble == "", waiting or waiting_rows()),
        ),
    )


def _trouble(state: type[Listing], retry: Any) -> rx.Component:
    return rx.cond(
        state.trouble != "",
        rx.el.div(
            problem(state.trouble),
            rx.button(rx.icon("rotate-cw", size=14), "Try again", variant="soft", color_scheme="gray", on_click=retry),
            class_name="t-trouble",
        ),
    )
