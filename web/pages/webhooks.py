"""The webhooks page: every address at which the outside world may call, with what it asks of a caller and when it was called last."""

from dataclasses import dataclass

import reflex as rx

from trestle.contracts.overview import Webhook
from web.access import signed_in
from web.components.browser import pulse, relative_time
from web.components.copying import copied, copy_button
from web.components.feedback import empty_state, link_button
from web.components.frame import page as framed
from web.components.listing import Listing, listing
from web.components.searching import Searching, rows_with, searched
from web.components.table import actions_cell, cell, row, table

REFRESH_S = 10
AUTH = {
    "none": "Open to all",
    "basic": "Name and password",
    "header": "Secret header",
    "jwt": "JSON Web Token",
    "hmac": "Signature",
    "github": "GitHub signature",
    "stripe": "Stripe signature",
    "standard": "Standard Webhooks",
}
"""What each kind of authentication is called."""


@dataclass
class Row:
    """A webhook as the table shows it."""

    workflow_id: str
    workflow: str
    enabled: bool
    url: str
    path: str
    methods: str
    auth: str
    last_called_at: str
    curl: str


def curl(url: str, methods: list[str]) -> str:
    """A call to try it with, as POSIX shells read it."""
    if "POST" in methods or not methods:
        return f"curl -X POST '{url}' -H 'Content-Type: application/json' -d '{{\"name\": \"Ada\", \"score\": 91}}'"
    return f"curl -X {methods[0]} '{url}'"


def shown(hook: Webhook) -> Row:
    """A webhook as a row."""
    return Row(
        workflow_id=str(hook.workflow_id),
        workflow=hook.workflow_name,
        enabled=hook.enabled,
        url=hook.url,
        path=hook.url[hook.url.find("/webhooks/") :],
        methods=", ".join(hook.methods),
        auth=AUTH.get(hook.auth, hook.auth),
        last_called_at=hook.last_called_at.isoformat() if hook.last_called_at else "",
        curl=curl(hook.url, hook.methods),
    )


class Webhooks(Listing, Searching, rx.State):
    """The table."""

    found = rows_with(Row, lambda one: (one.workflow, one.url, one.methods, one.auth))

    @rx.event
    async def load(self) -> None:
        """Fetch all of them."""
        api = signed_in(self)
        with self._fetching():
            self._rows = [shown(hook) for hook in await api.webhooks()]


def _row(hook: Row) -> rx.Component:
    return row(
        cell(
            rx.link(hook.workflow, href=f"/workflows/{hook.workflow_id}", class_name="t-row-link", underline="none"),
            rx.el.code(hook.path, class_name="t-small t-address"),
            kind="t-name",
        ),
        cell(rx.el.span(hook.methods, class_name="t-muted"), kind="t-fit t-wide-only"),
        cell(rx.el.span(hook.auth, class_name="t-muted"), kind="t-fit t-below t-wide-only"),
        cell(
            rx.cond(
                hook.enabled,
                rx.cond(hook.last_called_at != "", relative_time(hook.last_called_at), rx.el.span("Never called")),
                rx.el.span("Off: its workflow isn't enabled"),
            ),
            kind="t-fit t-below t-muted",
        ),
        cell(rx.el.span(copy_button(hook.url, f"Copy the address of {hook.path}"), class_name="t-above"), kind="t-fit t-wide-only"),
        actions_cell(
            hook.path,
            rx.menu.item("Copy the address", on_select=copied(hook.url)),
            rx.menu.item("Copy a curl call", on_select=copied(hook.curl)),
        ),
        key=hook.url,
    )


def page() -> rx.Component:
    """The page."""
    nothing_yet = empty_state(
        "webhook",
        "No webhook is published",
        "A workflow that begins with a Webhook has an address of its own once it is published. All of them are listed here.",
        link_button("Go to workflows", href="/workflows"),
    )
    none_found = empty_state("search-x", "No webhook has these words", "Search for its workflow, its address, its methods or its callers.")
    heads: list[str | tuple[str, str]] = [
        "Workflow",
        ("Methods", "t-wide-only"),
        ("Callers", "t-wide-only"),
        "Last call",
        ("", "t-wide-only"),
        "",
    ]
    return framed(
        "Webhooks",
        listing(
            Webhooks,
            searched(Webhooks, "Search webhooks", none_found, table(heads, rx.foreach(Webhooks.found, _row), "Webhooks")),
            none=Webhooks.none,
            empty=nothing_yet,
        ),
        pulse(REFRESH_S, Webhooks.load),
    )
