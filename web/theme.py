"""The look in one place: names of colours and icons that carry a meaning, and the stylesheets that the rest of it lies in."""

from typing import Final

STYLESHEETS: Final = [
    f"/look/{part}.css"
    for part in (
        "base",
        "frame",
        "tables",
        "states",
        "forms",
        "phone",
        "notifications",
        "dashboard",
        "settings",
        "workflows",
        "templates",
        "connection",
    )
]
"""In this order: where two rules weigh the same, the later one counts."""
FONT_PACKAGE: Final = "@fontsource-variable/inter@5.2.8"
"""Inter as a variable font, bundled: nothing is fetched from another host. rxconfig.py adds it to the build."""

STATUS_COLOR: Final = {
    "queued": "gray",
    "running": "blue",
    "waiting": "amber",
    "paused": "amber",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "gray",
    "quarantined": "red",
    "pending": "gray",
    "skipped": "gray",
}
"""Radix colours of the states of executions and steps."""

STATUS_ICON: Final = {
    "queued": "circle-dashed",
    "running": "loader-circle",
    "waiting": "clock",
    "paused": "circle-pause",
    "succeeded": "circle-check",
    "failed": "circle-x",
    "cancelled": "circle-slash",
    "quarantined": "octagon-alert",
    "pending": "circle",
    "skipped": "circle-chevron-right",
}
"""The icon that goes with each: a state is never told by colour alone."""

ICON_SIZE: Final = 16
"""Pixels of an icon beside text."""
