"""`note`: a sticky note on the canvas. It is drawn, copied, exported and compared like a node, and never runs."""

from typing import Literal

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, JsonValue, Multiline, Node, Static
from trestle.contracts.graph import NOTE


class Config(Base):
    """What it says, and how it looks. Sizes are in pixels at zoom 1."""

    text: Static[Multiline] = Field(
        "",
        title="Text",
        description="Lines that begin with # are headings, with - a list; **bold**, *italic*, `code`, [links](https://…)",
        max_length=10_000,
    )
    color: Static[Literal["amber", "green", "blue", "pink", "gray"]] = Field("amber", title="Colour")
    width: Static[int] = Field(240, title="Width", ge=120, le=2000)
    height: Static[int] = Field(160, title="Height", ge=60, le=2000)


class Note(Node[Config]):
    """A note on the canvas for whoever reads the workflow. Nothing leads to it, and it never runs."""

    type, title, group, icon = NOTE, "Note", "Notes", "sticky-note"
    effect = "pure"
    inputs = ()
    outputs = ()
    summary = "{text}"
    example = {"text": "## Leads\nOnly those with a score of **80** or more go to the chat.", "color": "amber"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """Nothing leads here. Passes its input on."""
        return input
