"""Something to copy, and the word that it was."""

from typing import Any

import reflex as rx
from reflex.vars import FunctionStringVar

_copy: Any = FunctionStringVar.create("window.trestle.copy")  # assets/copying.js: Reflex's own needs a page that came by HTTPS


def copied(text: Any, said: str = "It is copied") -> list[Any]:
    """Put a text on the clipboard, and say so."""
    return [rx.run_script(_copy.call(text)), rx.toast.success(said)]


def copy_button(text: Any, label: Any = "Copy", **props: Any) -> rx.Component:
    """A button that copies a text. `label`: what it copies, for those who hear the page."""
    props = {"variant": "ghost", "color_scheme": "gray", **props}
    return rx.icon_button(
        rx.icon("copy", size=16), type="button", on_click=copied(text), title="Copy", custom_attrs={"aria-label": label}, **props
    )
