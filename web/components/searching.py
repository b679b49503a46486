"""Searching: the box for it, and by words in what a page has fetched whole."""

from collections.abc import Callable, Iterable
from types import GenericAlias
from typing import Any, TypeVar

import reflex as rx
from reflex.vars.base import ComputedVar

from web.access import signed_in

_MOST_CHARACTERS = 200
Row = TypeVar("Row")


def has_words(wanted: str, *texts: str) -> bool:
    """Whether every word of `wanted` is in one of the texts; case doesn't matter."""
    everything = "\n".join(texts).casefold()
    return all(word in everything for word in wanted.casefold().split())


class Searching(rx.State, mixin=True):
    """What is searched for in the rows that the page has fetched. The page says what `found` looks through, by `rows_with`."""

    search: str = ""
    _rows: list[Any] = []

    @rx.var
    def none(self) -> bool:
        """Whether there is none, whatever is searched for."""
        return not self._rows

    @rx.event
    def find(self, text: str) -> None:
        """Only what has these words."""
        signed_in(self)
        self.search = text[:_MOST_CHARACTERS]


def rows_with(row: type[Row], texts: Callable[[Row], Iterable[str]]) -> ComputedVar[list[Row]]:
    """The variable `found` of a page: of its rows, each a `row`, those that the search leaves; it looks through `texts` of each."""

    def found(self: Searching) -> list[Row]:
        return [one for one in self._rows if has_words(self.search, *texts(one))]

    found.__annotations__["return"] = GenericAlias(list, (row,))  # Reflex draws a row by its fields only where it knows them
    return rx.var(found)


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
