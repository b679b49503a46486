"""Typed wrappers of the local JSX: relative times, and a pulse that stops while nobody looks."""

from pathlib import Path
from typing import Any

import reflex as rx
from reflex.event import no_args_event_spec

from web.bundle import importable
from web.components.events import two_texts

_JSX = importable(Path(__file__).with_name("browser.jsx"))


class RelativeTime(rx.NoSSRComponent):
    """A moment as "5 min. ago", with the exact local time on hover."""

    library = _JSX
    tag = "RelativeTime"

    at: rx.Var[str]
    """RFC 3339; empty shows a dash."""


class LocalTime(rx.NoSSRComponent):
    """A moment as date and time in the zone of the person who looks."""

    library = _JSX
    tag = "LocalTime"

    at: rx.Var[str]
    """RFC 3339; empty shows a dash."""


class Pulse(rx.NoSSRComponent):
    """Calls its handler every so many seconds while the page is in sight."""

    library = _JSX
    tag = "Pulse"

    seconds: rx.Var[int]
    on_pulse: rx.EventHandler[no_args_event_spec]  # type: ignore[type-arg, valid-type]  # read by Reflex when it runs


class TextFile(rx.NoSSRComponent):
    """A choice of a file whose text goes to the handler with its name; one that is too long goes as an empty text."""

    library = _JSX
    tag = "TextFile"

    most: rx.Var[int]
    """Characters that are taken."""
    accept: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """What was chosen."""
        return {**super().get_event_triggers(), "on_text": two_texts}


def text_file(most: int, on_text: Any, **props: Any) -> rx.Component:
    """A choice of a text file."""
    return TextFile.create(most=most, on_text=on_text, **props)


def relative_time(at: rx.Var[str] | str, **props: Any) -> rx.Component:
    """A moment as a distance from now."""
    return RelativeTime.create(at=at, **props)


def local_time(at: rx.Var[str] | str, **props: Any) -> rx.Component:
    """A moment in the person's own zone."""
    return LocalTime.create(at=at, **props)


def pulse(seconds: int, on_pulse: Any) -> rx.Component:
    """Refresh what is shown, every `seconds`, while somebody looks."""
    return Pulse.create(seconds=seconds, on_pulse=on_pulse)
