"""Dialogs: a form in one, and the question before something is destroyed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import reflex as rx

from web.access import signed_in
from web.components.copying import copy_button
from web.components.feedback import problem
from web.components.submitting import Submitting, form


class Dialogs(Submitting, mixin=True):
    """Which of a page's dialogs is open, what it is about, and what went wrong in it."""

    dialog: str = ""  # its name, or none
    target_id: str = ""
    target_name: str = ""

    @rx.event
    def close(self, is_open: bool) -> None:
        """A dialog was dismissed."""
        signed_in(self)
        if not is_open:
            self.dialog = ""

    def _open(self, dialog: str, target_id: str = "", target_name: str = "") -> None:
        self.dialog, self.target_id, self.target_name, self.error, self.busy = dialog, target_id, target_name, "", False

    @contextmanager
    def _doing(self) -> Iterator[None]:
        """Around what the dialog is for: then it closes, or says what went wrong."""
        with self._submitted():
            yield
            self.dialog = ""


def opened_by(state: type[Dialogs], *names: str) -> dict[str, Any]:
    """What a dialog of this name (or these) is told by its page's state: `form_dialog(…, **opened_by(Page, "rename"))`."""
    is_open = rx.Var.create(list(names)).contains(state.dialog)
    return {"state": state, "is_open": is_open, "on_open_change": state.close}


def form_dialog(
    *fields: rx.Component,
    title: Any,
    submit: Any,
    is_open: Any,
    on_open_change: Any,
    on_submit: Any,
    state: type[Submitting],
    beside: Any = None,
    **pressed: Any,
) -> rx.Component:
    """A form in a dialog. `submit` is the word on its button; what is wrong is shown above that.

    `beside` is a second button that submits; `pressed` are then props of the first: that it was that one.
    """
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title),
            form(
                state,
                rx.el.div(
                    *fields,
                    problem(state.error),
                    rx.el.div(
                        rx.dialog.close(rx.button("Cancel", type="button", variant="soft", color_scheme="gray")),
                        rx.button(submit, type="submit", **{"loading": state.busy, **pressed}),
                        *([] if beside is None else [beside]),
                        class_name="t-actions",
                    ),
                    class_name="t-form",
                ),
                on_submit=on_submit,
            ),
            max_width="440px",
            custom_attrs={"aria-describedby": ""},
        ),
        open=is_open,
        on_open_change=on_open_change,
    )


def confirm_dialog(
    title: Any,
    text: Any,
    *more: rx.Component,
    confirm: str,
    is_open: Any,
    on_open_change: Any,
    on_confirm: Any,
    state: type[Submitting],
) -> rx.Component:
    """The question before something is destroyed. The safe answer has the focus."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(title),
            rx.alert_dialog.description(text),
            *more,
            form(
                state,
                rx.el.div(problem(state.error), margin_top="16px"),
                rx.el.div(
                    rx.alert_dialog.cancel(rx.button("Cancel", type="button", variant="soft", color_scheme="gray")),
                    rx.button(confirm, type="submit", color_scheme="red", loading=state.busy),
                    class_name="t-actions",
                ),
                on_submit=on_confirm,
            ),
            max_width="440px",
        ),
        open=is_open,
        on_open_change=on_open_change,
    )


def told_dialog(title: Any, text: Any, *content: rx.Component, is_open: Any, on_open_change: Any) -> rx.Component:
    """Something to read."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title),
            rx.dialog.description(text),
            *content,
            rx.el.div(rx.dialog.close(rx.button("Done", variant="soft", color_scheme="gray")), class_name="t-actions"),
            max_width="440px",
        ),
        open=is_open,
        on_open_change=on_open_change,
    )


def shown_once(title: Any, text: Any, secret: Any, *, is_open: Any, on_open_change: Any) -> rx.Component:
    """Something to copy now, because it is not shown again."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title),
            rx.dialog.description(text),
            rx.el.div(
                rx.el.code(secret, custom_attrs={"data-testid": "shown-once"}),
                copy_button(secret, variant="soft"),
                class_name="t-once",
            ),
            rx.el.div(rx.dialog.close(rx.button("Done")), class_name="t-actions"),
            max_width="480px",
        ),
        open=is_open,
        on_open_change=on_open_change,
    )
