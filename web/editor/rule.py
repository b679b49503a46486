"""A schedule in words, as the editor's cards have it: worded in the browser, by the same script."""

from typing import Any

import reflex as rx

from web.editor.browser import RULE


class Rule(rx.NoSSRComponent):
    """`weekdays 9:00 Europe/Berlin`, `every 5 minutes`; the expression itself where it has no short name."""

    library = RULE
    tag = "Rule"

    cron: rx.Var[str]
    every_s: rx.Var[float]
    """Seconds; 0 where the cron expression counts."""
    timezone: rx.Var[str]


def rule(cron: Any, every_s: Any, timezone: Any) -> rx.Component:
    """The words, with the expression on hover."""
    return Rule.create(cron=cron, every_s=every_s, timezone=timezone)
