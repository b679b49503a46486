"""What is shown where a page broke down in the browser. The details go to the web interface's log, not to the person."""

import reflex as rx
from reflex.app import default_error_boundary
from reflex.event import noop

from web.components.feedback import empty_state


def broken_page(stateful: bool) -> rx.Component:
    """The boundary around every page. Without state (`stateful` false) nobody can be told of the error."""
    said = rx.el.div(
        empty_state(
            "triangle-alert",
            "This page broke down",
            "That is a mistake in Trestle. What was saved is safe: load the page again. "
            "If it happens again, tell your operator; the log says more.",
            # A plain link: nothing of the broken page is needed to follow it.
            rx.el.a("Load it again", href="", class_name="t-reload"),
        ),
        class_name="t-page",
        data_testid="broken",
    )
    return default_error_boundary(fallback_render=said, **({} if stateful else {"on_error": noop()}))
