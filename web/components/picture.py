"""A graph drawn small, from where its nodes stand: for a card and for a closer look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from trestle.contracts.base import JsonObject
from trestle.contracts.graph import NOTE

WIDTH, HEIGHT, MARGIN = 224, 84, 24
LABEL = 17
"""Characters of a name that fit into a box."""

_HUES = {"trigger": "crimson", "http": "blue", "notify": "orange", "set": "teal", "list": "teal", "code": "teal"}


@dataclass
class Box:
    """A node: where it is drawn (an SVG transform), and what stands in it."""

    place: str
    label: str
    hue: str


@dataclass
class Picture:
    """A graph as shapes of an SVG."""

    view: str = "0 0 1 1"
    boxes: list[Box] = field(default_factory=list)
    wires: list[str] = field(default_factory=list)


def hue_of(kind: str) -> str:
    """The Radix colour of a node type, as the editor's cards have it."""
    return _HUES.get(kind.partition(".")[0], "violet")


def drawn(nodes: Sequence[JsonObject], connections: Sequence[JsonObject]) -> Picture:
    """The picture of a document's graph, without its notes."""
    nodes = [node for node in nodes if node["type"] != NOTE]
    if not nodes:
        return Picture()
    at: Mapping[str, tuple[float, float]] = {node["key"]: (node["position"]["x"], node["position"]["y"]) for node in nodes}
    boxes = [
        Box("translate({:g} {:g})".format(*at[node["key"]]), _short(node.get("name") or node["key"]), hue_of(node["type"]))
        for node in nodes
    ]
    wires = [_curve(at[link["source"]], at[link["target"]]) for link in connections]
    left, top = min(x for x, _ in at.values()), min(y for _, y in at.values())
    width, height = max(x for x, _ in at.values()) - left + WIDTH, max(y for _, y in at.values()) - top + HEIGHT
    return Picture(f"{left - MARGIN:g} {top - MARGIN:g} {width + 2 * MARGIN:g} {height + 2 * MARGIN:g}", boxes, wires)


def _short(text: str) -> str:
    return text if len(text) <= LABEL else text[: LABEL - 1].rstrip() + "…"


def _curve(source: tuple[float, float], target: tuple[float, float]) -> str:
    x, y, to_x, to_y = source[0] + WIDTH, source[1] + HEIGHT / 2, target[0], target[1] + HEIGHT / 2
    bend = max(40.0, abs(to_x - x) / 2)
    return f"M{x:g} {y:g} C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}"


def _box(box: Any) -> rx.Component:
    ink = {"fill": f"var(--{box.hue}-12)"}
    paper = {"fill": f"var(--{box.hue}-3)", "stroke": f"var(--{box.hue}-a7)"}
    return rx.el.svg.g(
        rx.el.svg.rect(width=WIDTH, height=HEIGHT, rx=14, style=paper),
        rx.el.svg.text(box.label, x=WIDTH // 2, y=HEIGHT // 2 + 8, text_anchor="middle", style=ink),
        custom_attrs={"transform": box.place},
    )


def picture(shown: Any, label: Any, class_name: str = "") -> rx.Component:
    """The drawing of a `Picture`."""
    return rx.el.svg(
        rx.foreach(shown.wires, lambda wire: rx.el.svg.path(d=wire, fill="none", stroke="var(--gray-8)", stroke_width=4)),
        rx.foreach(shown.boxes, _box),
        view_box=shown.view,
        class_name=f"t-picture {class_name}",
        role="img",
        custom_attrs={"aria-label": label, "preserveAspectRatio": "xMidYMid meet"},
    )
