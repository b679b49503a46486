"""A QR code, made here and drawn as an SVG: nothing leaves for another host."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import reflex as rx
import segno

QUIET_ZONE = 4
"""Modules of light around the code, which readers need."""


@dataclass
class QrCode:
    """A code as one SVG path; `size` is its width in modules, the quiet zone included."""

    path: str = ""
    size: int = 1


def encoded(text: str) -> QrCode:
    """The code of a text: each run of dark modules in a row is a box."""
    code = segno.make_qr(text, error="m")
    boxes, size = [], 0
    for y, row in enumerate(code.matrix_iter(border=QUIET_ZONE)):
        x = 0
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                boxes.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
        size = x
    return QrCode("".join(boxes), size)


def qr_code(code: Any, label: str) -> rx.Component:
    """The drawing of a `QrCode`: dark on light in the dark scheme too, for readers that know no other."""
    return rx.el.svg(
        rx.el.svg.path(d=code.path, fill="#000"),
        view_box=f"0 0 {code.size} {code.size}",
        class_name="t-qr",
        role="img",
        custom_attrs={"aria-label": label, "shapeRendering": "crispEdges"},
    )
