"""`list.sort`: a list's items in order."""

from typing import Any, Literal

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, Items, ItemValue, JsonValue, Node, NodeError, Static


class Config(Base):
    """By what, and which way."""

    items: Items = Field(title="Items", examples=["{{ input }}"])
    by: ItemValue | None = Field(
        None,
        title="By",
        description="A field of each item, or an expression; left out: the item itself",
        examples=["price", "{{ item.name|lower }}"],
    )
    order: Static[Literal["ascending", "descending"]] = Field("ascending", title="Order")


class ListSort(Node[Config]):
    """Sorts a list by numbers or by texts. Equal items keep their order; those without a value come last."""

    type, title, group, icon = "list.sort", "Sort a list", "Data", "arrow-down-narrow-wide"
    effect = "pure"
    takes_references = ("input",)
    summary = "{by}, {order}"
    example = {"items": "{{ input }}", "by": "price", "order": "descending"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> list[JsonValue]:
        """All items, in order."""
        values = config.items if config.by is None else await config.by.all(config.items)
        present = [index for index, value in enumerate(values) if value is not None]
        kinds = {index: _kind(values[index], index) for index in present}
        odd = next((index for index in present if kinds[index] != kinds[present[0]]), None)
        if odd is not None:
            message = f"Item {present[0]} has {kinds[present[0]]} and item {odd} has {kinds[odd]} to sort by: these have no order."
            raise NodeError(message, hint="Convert them: {{ item.price|float }}, or {{ item.price|string }}.")

        def value_of(index: int) -> Any:
            return values[index]

        present.sort(key=value_of, reverse=config.order == "descending")
        return [config.items[index] for index in present] + [
            item for item, value in zip(config.items, values, strict=True) if value is None
        ]


def _kind(value: JsonValue, index: int) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    what = "a list" if isinstance(value, list) else "an object"
    raise NodeError(f"Item {index} has {what} to sort by, which has no order.", hint="Sort by a number or a text in it.")
