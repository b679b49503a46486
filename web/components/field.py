"""A form's field: label, input and help, tied together for those who hear the page."""

from typing import Any

import reflex as rx


def field(label: Any, name: Any, *, help_text: Any = "", **props: Any) -> rx.Component:
    """A labelled text input. `props` go to the input."""
    identity = props.pop("id", name)
    return rx.el.div(
        rx.el.label(label, html_for=identity),
        rx.input(name=name, id=identity, size="2", width="100%", **props),
        _help(help_text),
        class_name="t-field",
    )


def area(label: Any, name: str, *, help_text: Any = "", **props: Any) -> rx.Component:
    """A labelled text of several lines. `props` go to the text area."""
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.text_area(name=name, id=name, size="2", width="100%", **props),
        _help(help_text),
        class_name="t-field",
    )


def choice(label: Any, name: str, options: Any, *, help_text: Any = "", **props: Any) -> rx.Component:
    """A labelled choice. `options`: a list of `{value, label}` (a list var of objects with these fields)."""
    return rx.el.div(
        rx.el.span(label, class_name="t-field-label", id=f"{name}-label"),
        rx.select.root(
            rx.select.trigger(width="100%", custom_attrs={"aria-labelledby": f"{name}-label"}),
            rx.select.content(rx.foreach(options, lambda option: rx.select.item(option.label, value=option.value)), position="popper"),
            name=name,
            **props,
        ),
        _help(help_text),
        class_name="t-field",
    )


def _help(text: Any) -> rx.Component:
    shown = rx.el.span(text, class_name="t-small")
    if isinstance(text, str):
        return shown if text else rx.fragment()
    return rx.cond(text != "", shown)
