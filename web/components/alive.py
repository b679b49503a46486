"""The mark of a page whose scripts have come: before that its buttons can be seen, but nothing would come of a press."""

import reflex as rx
from reflex.utils.imports import ImportDict
from reflex.vars.base import Var


class Alive(rx.Component):
    """Once React answers to presses: `data-alive` on the page's root, for look/base.css, and the event `alive`, for assets/session.js."""

    library = "react"
    tag = "Fragment"

    def add_imports(self) -> ImportDict:
        """What the hook needs."""
        return {"react": "useEffect"}

    def add_hooks(self) -> list[str | Var[str]]:
        """Runs once, after the whole page is mounted."""
        return [
            """
            useEffect(() => {
                document.documentElement.dataset.alive = "";
                document.dispatchEvent(new Event("alive"));
            }, []);
            """
        ]


def alive(stateful: bool) -> rx.Component:
    """Among what lies around every page."""
    return Alive.create()
