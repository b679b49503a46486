"""Something to copy, and the word that it was."""

from typing import Any

import reflex as rx


def copied(text: Any) -> list[Any]:
    """Put a text on the clipboard, and say so."""
    return [rx.set_clipboard(text), rx.toast.success("It is copied")]


def copy_button(text: Any, label: Any = "Copy", **props: Any) -> rx.Component:
    """A button that copies a text. `label`: what it copies, for those who hear the page."""
    props = {"variant": "ghost", "color_scheme": "gray", **props}
    return rx.icon_button(
        rx.icon("copy", size=16), type="button", on_click=copied(text), title="Copy", custom_attrs={"aria-label": label}, **props
    )
