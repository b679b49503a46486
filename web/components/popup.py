"""Typed wrapper of the button that opens another site's page in a window of its own."""

from pathlib import Path
from typing import Any

import reflex as rx
from reflex.event import no_args_event_spec

from web.bundle import importable
from web.components.events import two_texts

_JSX = importable(Path(__file__).with_name("popup.jsx"))


class PopupButton(rx.NoSSRComponent):
    """A click opens a window and calls `on_ask`, which sets `url`; that goes into the window, or, where it was blocked, `on_blocked`."""

    library = _JSX
    tag = "PopupButton"

    url: rx.Var[str]
    """Where the window goes; empty until it is known."""
    origin: rx.Var[str]
    """The only origin whose messages count."""
    source: rx.Var[str]
    """What those messages call themselves."""
    label: rx.Var[str]
    waiting: rx.Var[bool]
    """The address is being asked for."""
    variant: rx.Var[str]
    size: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """`on_told(yes or no, message)` by the window; `on_look`: the person came back to this page."""
        return {
            **super().get_event_triggers(),
            "on_ask": no_args_event_spec,
            "on_blocked": no_args_event_spec,
            "on_look": no_args_event_spec,
            "on_told": two_texts,
        }


def popup_button(**props: Any) -> rx.Component:
    """The button."""
    return PopupButton.create(**props)
