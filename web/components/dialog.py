"""Dialogs: a form in one, and the question before something is destroyed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import reflex as rx

from web.access import signed_in
from web.backend import ApiError
from web.components.copying import copy_button
from web.components.feedback import problem


class Wrong(ValueError):
    """What a dialog asks for can't be done: a sentence for the person, without asking the backend."""


class Dialogs(rx.State, mixin=True):
    """Which of a page's dialogs is open, what it is about, and what went wrong in it."""

    dialog: str = ""  # its name, or none
    target_id: str = ""
    target_name: str = ""
    error: str = ""
    busy: bool = False

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
        self.error = ""
        try:
            yield
        except (ApiError, Wrong) as error:
            self.error = str(error)
        else:
            self.dialog = ""
        self.busy = False


def opened_by(state: type[Dialogs], *names: str) -> dict[str, Any]:
    """What a dialog of this name (or these) is told by its page's state: `form_dialog(…, **opened_by(Page, "rename"))`."""
    is_open = rx.Var.create(list(names)).contains(state.dialog)
    return {"is_open": is_open, "on_open_change": state.close, "error": state.error, "busy": state.busy}


def form_dialog(
    *fields: rx.Component,
    title: Any,
    submit: Any,
    is_open: Any,
    on_open_change: Any,
    on_submit: Any,
    error: Any,
    busy: Any,
    beside: Any = None,
    on_meant: Any = None,
) -> rx.Component:
    """A form in a dialog. `submit` is the word on its button; `error` is shown above that; `busy` locks it while it works.

    `beside` is a second button that submits; `on_meant` then says, when the first is pressed, that it was that one.
    """
    pressed = {} if on_meant is None else {"on_click": on_meant}
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title),
            rx.form(
                rx.el.div(
                    *fields,
                    problem(error),
                    rx.el.div(
                        rx.dialog.close(rx.button("Cancel", type="button", variant="soft", color_scheme="gray")),
                        rx.button(submit, type="submit", loading=busy, **pressed),
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
    error: Any = "",
    busy: Any = False,
) -> rx.Component:
    """The question before something is destroyed. The safe answer has the focus."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(title),
            rx.alert_dialog.description(text),
            *more,
            rx.el.div(problem(error), margin_top="16px"),
            rx.el.div(
                rx.alert_dialog.cancel(rx.button("Cancel", variant="soft", color_scheme="gray")),
                rx.button(confirm, color_scheme="red", on_click=on_confirm, loading=busy),
                class_name="t-actions",
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
