"""Searching: the box for it, and by words in what a page has fetched whole."""

from typing import Any

import reflex as rx

from web.access import signed_in

_MOST_CHARACTERS = 200


def has_words(wanted: str, *texts: str) -> bool:
    """Whether every word of `wanted` is in one of the texts; case doesn't matter."""
    everything = "\n".join(texts).casefold()
    return all(word in everything for word in wanted.casefold().split())


class Searching(rx.State, mixin=True):
    """What is searched for. The page has a computed variable `found`: the rows that the search leaves."""

    search: str = ""

    @rx.event
    def find(self, text: str) -> None:
        """Only what has these words."""
        signed_in(self)
        self.search = text[:_MOST_CHARACTERS]


def search_box(label: str, search: Any, on_search: Any) -> rx.Component:
    """Where to type what is searched for. `on_search` is debounced by the page: by the more, the more it costs."""
    return rx.input(
        rx.input.slot(rx.icon("search", size=16)),
        placeholder=label,
        on_change=on_search,
        default_value=search,
        type="search",
        width=["100%", "100%", "280px"],
        custom_attrs={"aria-label": label},
    )


def searched(state: type[Searching], label: str, nothing: rx.Component, *content: rx.Component) -> rx.Component:
    """The box above what it finds; `nothing` in its place where that is none."""
    box = search_box(label, state.search, state.find.debounce(150))
    return rx.fragment(rx.el.div(box, class_name="t-toolbar"), rx.cond(state.found.length() == 0, nothing, rx.fragment(*content)))
