"""The mark of a page that has arrived: before that its buttons can be seen, but nothing good would come of a press."""

from pathlib import Path

import reflex as rx

from web.bundle import importable


class Alive(rx.Component):
    """Once a press is heard: `data-alive` on the page's root, for look/base.css, and the event `alive`, for assets/session.js.

    That takes the page's scripts, and what the page fetches first: Reflex would handle a press before the page's own arrival, which
    closes what an earlier visit had left open, and so what that press has opened. It waits a few seconds for that, not for ever.
    """

    library = importable(Path(__file__).with_name("alive.jsx"))
    tag = "Alive"

    arrived: rx.Var[bool]
    """Whether what the page does on its arrival is done."""


def alive(stateful: bool) -> rx.Component:
    """Among what lies around every page. Without state (`stateful` false) there is nothing to wait for."""
    return rx.fragment(Alive.create(arrived=rx.State.is_hydrated if stateful else True))
