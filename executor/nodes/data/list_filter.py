"""`list.filter`: the items for which a condition holds."""

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, ItemCondition, Items, JsonValue, Node


class Config(Base):
    """A list, and what its items must meet."""

    items: Items = Field(title="Items", examples=["{{ input }}"])
    condition: ItemCondition = Field(
        title="Condition", description="Asked for each `item`, with its `index`", examples=["{{ item.price > 10 }}"]
    )


class ListFilter(Node[Config]):
    """Keeps the items of a list for which a condition holds, in their order."""

    type, title, group, icon = "list.filter", "Filter a list", "Data", "list-filter"
    effect = "pure"
    takes_references = ("input",)
    summary = "{condition}"
    example = {"items": "{{ input }}", "condition": "{{ item.price > 10 }}"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> list[JsonValue]:
        """The items that are kept."""
        holds = await config.condition.all(config.items)
        return [item for item, kept in zip(config.items, holds, strict=True) if kept]
