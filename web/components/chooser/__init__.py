"""A choice among more things than a list has room for: what is typed is looked for where they are kept."""

from pathlib import Path
from typing import Any

import reflex as rx

from web.bundle import importable
from web.components.events import text, two_texts


class Chooser(rx.NoSSRComponent):
    """A button that shows what is chosen; it opens a search with a list."""

    library = importable(Path(__file__).with_name("chooser.jsx"))
    tag = "Chooser"

    label: rx.Var[str]
    """What is chosen here, in the singular."""
    value: rx.Var[str]
    shown: rx.Var[str]
    """The name of what is chosen."""
    everything: rx.Var[dict[str, str]]
    """`{id, name}` of the choice that narrows nothing."""
    found: rx.Var[dict[str, Any]]
    """`{asked, items: [{id, name, about}], more}` or `{asked, trouble}`: what there is by what was typed."""

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """`on_find(what was typed)`, `on_choose(id, name)`."""
        return {**super().get_event_triggers(), "on_find": text, "on_choose": two_texts}


def chooser(**props: Any) -> rx.Component:
    """The choice."""
    return Chooser.create(**props)
