"""What can be done and gone to from every page, found by typing (Ctrl K); the keys (?); and rows of tables by arrows.

One component in the frame. A page with more to offer, as the editor, hands that to `offers.js` in the browser.
"""

from pathlib import Path
from typing import Any, Final

import reflex as rx
from reflex.event import no_args_event_spec

from trestle.contracts.workflows import WorkflowSummary
from web.access import Viewer, signed_in
from web.backend import ApiError
from web.bundle import importable
from web.components.events import text
from web.theme import ICON_SIZE

PAGES: Final[tuple[tuple[str, str], ...]] = (
    ("Workflows", "/workflows"),
    ("Executions", "/executions"),
    ("Credentials", "/credentials"),
    ("Webhooks", "/webhooks"),
    ("Schedules", "/schedules"),
    ("Dashboard", "/dashboard"),
    ("Templates", "/templates"),
    ("Notifications", "/notifications"),
    ("Settings", "/settings"),
    ("Members", "/members"),
    ("Variables", "/variables"),
    ("API keys", "/api-keys"),
    ("Audit", "/audit"),
)
"""Name and address of every page to go to. The audit is offered to who may read it."""
MOST = 50
"""Workflows that one search finds."""

_JSX = importable(Path(__file__).with_name("commands.jsx"))


class Commands(rx.NoSSRComponent):
    """The list that opens by Ctrl K, the sheet that opens by ?, and the keys of tables."""

    library = _JSX
    tag = "Commands"

    pages: rx.Var[list[list[str]]]
    """Name and address of each."""
    found: rx.Var[dict[str, Any]]
    """`{asked, items: [{id, name, about}], more}` or `{asked, trouble}`: workflows for what was typed."""

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """What is wanted of Python."""
        return {**super().get_event_triggers(), "on_find": text, "on_theme": no_args_event_spec}


class Finding(rx.NoSSRComponent):
    """A button that opens the list."""

    library = _JSX
    tag = "Finding"


def told(workflow: WorkflowSummary) -> dict[str, str]:
    """A workflow as the list shows it."""
    return {"id": str(workflow.id), "name": workflow.name, "about": workflow.description or workflow.folder}


class Finder(rx.State):
    """The workflows that were looked for."""

    found: dict[str, Any] = {}

    @rx.event
    async def find(self, words: str) -> None:
        """Workflows with this in their name; the newest where it is empty."""
        api = signed_in(self)
        try:
            page = await api.workflows(search=words.strip()[:200], limit=MOST)
        except ApiError as error:
            self.found = {"asked": words, "trouble": str(error)}
            return
        items = [told(workflow) for workflow in page.items]
        self.found = {"asked": words, "items": items, "more": page.next_cursor is not None}


def commands() -> rx.Component:
    """The component for the frame."""
    everybodys = [list(page) for page in PAGES if page[0] != "Audit"]
    return Commands.create(
        pages=rx.cond(Viewer.administers, [list(page) for page in PAGES], everybodys),
        found=Finder.found,
        on_find=Finder.find,
        on_theme=rx.toggle_color_mode,
    )


def finding() -> rx.Component:
    """The rail's way to the list."""
    return Finding.create(
        rx.icon("search", size=ICON_SIZE),
        rx.el.span("Find", class_name="t-label"),
        rx.el.kbd("Ctrl K", class_name="t-label"),
        class_name="t-link t-find",
        custom_attrs={"title": "Find anything (Ctrl K)", "aria-label": "Find anything", "data-testid": "find"},
    )
