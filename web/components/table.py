"""Tables with a sticky head, which become two-line cards on a phone."""

from collections.abc import Sequence
from typing import Any

import reflex as rx


def table(heads: Sequence[str | tuple[str, str]], rows: Any, label: str) -> rx.Component:
    """A table. A head is a word, or a word and CSS classes as of `cell`; an empty one stands above controls. `rows` are made by `row`."""
    cells = [_head(*head) if isinstance(head, tuple) else _head(head) for head in heads]
    return rx.el.table(
        rx.el.thead(rx.el.tr(*cells)),
        rx.el.tbody(rows),
        class_name="t-table",
        # On a phone its parts are laid out as a grid, which would take their roles away.
        custom_attrs={"role": "table", "aria-label": label},
    )


def _head(text: str, kind: str = "") -> rx.Component:
    if not text:
        return rx.el.td(class_name=kind)
    return rx.el.th(text, scope="col", class_name=kind, custom_attrs={"role": "columnheader"})


def row(*cells: rx.Component, **props: Any) -> rx.Component:
    """A row."""
    return rx.el.tr(*cells, custom_attrs={"role": "row", **props.pop("custom_attrs", {})}, **props)


def cell(*content: Any, kind: str = "") -> rx.Component:
    """A cell. `kind`: CSS classes `t-name` (takes the room), `t-fit`, `t-end`, `t-below` (own line on a phone), `t-wide-only`,
    `t-roomy-only` (on wide screens alone)."""
    return rx.el.td(*content, class_name=kind, custom_attrs={"role": "cell"})


def actions_cell(name: Any, *items: rx.Component) -> rx.Component:
    """The last cell of a row: a menu of what can be done with the thing called `name`."""
    more = rx.icon_button(
        rx.icon("ellipsis", size=16), variant="ghost", color_scheme="gray", size="2", custom_attrs={"aria-label": f"More for {name}"}
    )
    menu = rx.menu.root(rx.menu.trigger(more), rx.menu.content(*items, align="end"))
    return cell(rx.el.span(menu, class_name="t-above"), kind="t-end")
