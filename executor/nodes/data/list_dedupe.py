"""`list.dedupe`: each item once."""

from pydantic import Field

from executor.identity import identity
from executor.node import Config as Base
from executor.node import Context, Items, ItemValue, JsonValue, Node


class Config(Base):
    """What makes two items the same."""

    items: Items = Field(title="Items", examples=["{{ input }}"])
    by: ItemValue | None = Field(
        None,
        title="By",
        description="A field of each item, or an expression; left out: the whole item. Items without a value are all kept",
        examples=["email"],
    )


class ListDedupe(Node[Config]):
    """Drops items of a list that came before: the first of those that are the same stays."""

    type, title, group, icon = "list.dedupe", "Remove duplicates", "Data", "copy-x"
    effect = "pure"
    takes_references = ("input",)
    summary = "{by}"
    example = {"items": "{{ input }}", "by": "email"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> list[JsonValue]:
        """The items that are kept, in their order."""
        values = config.items if config.by is None else await config.by.all(config.items)
        seen = set()
        kept = []
        for item, value in zip(config.items, values, strict=True):
            mark = identity(value)
            if value is None or mark not in seen:
                seen.add(mark)
                kept.append(item)
        return kept
