"""`list.limit`: so many items of a list."""

from typing import Literal

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, Items, JsonValue, Node, Static


class Config(Base):
    """How many, and from which end."""

    items: Items = Field(title="Items", examples=["{{ input }}"])
    count: int = Field(title="Count", ge=0, examples=[10])
    keep: Static[Literal["first", "last"]] = Field("first", title="Keep", description="From which end they are taken")


class ListLimit(Node[Config]):
    """Keeps the first or the last items of a list, in their order."""

    type, title, group, icon = "list.limit", "Limit a list", "Data", "list-end"
    effect = "pure"
    takes_references = ("input",)
    summary = "{keep} {count}"
    example = {"items": "{{ input }}", "count": 10}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> list[JsonValue]:
        """At most `count` items."""
        if config.keep == "first":
            return config.items[: config.count]
        return config.items[max(len(config.items) - config.count, 0) :]
