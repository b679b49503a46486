"""The mark of a page whose scripts have come: before that its buttons can be seen, but nothing would come of a press."""

import reflex as rx
from reflex.utils.imports import ImportDict
from reflex.vars.base import Var


class Alive(rx.Component):
    """Tells assets/session.js once React answers to presses; look/base.css knows it by `data-alive` on the page's root."""

    library = "react"
    tag = "Fragment"

    def add_imports(self) -> ImportDict:
        """What the hook needs."""
        return {"react": "useEffect"}

    def add_hooks(self) -> list[str | Var[str]]:
        """Runs once, after the whole page is mounted."""
        return ["useEffect(() => void window.trestle.alive(), [])"]


def alive(stateful: bool) -> rx.Component:
    """Among what lies around every page."""
    return Alive.create()
