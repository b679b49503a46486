"""`list.dedupe`: each item once."""

from typing import Literal

from pydantic import Field

from executor.identity import identity
from executor.node import Config as Base
from executor.node import Context, Effect, Items, ItemValue, JsonValue, Node, Static

DAY_S = 86_400


class Config(Base):
    """What makes two items the same, and how far back it matters."""

    items: Items = Field(title="Items", examples=["{{ input }}"])
    by: ItemValue | None = Field(
        None,
        title="By",
        description="A field of each item, or an expression; left out: the whole item. Items without a value are all kept",
        examples=["email"],
    )
    against: Static[Literal["list", "earlier"]] = Field(
        "list", title="Against", description="`list`: this list alone. `earlier`: also what came in earlier executions"
    )
    forget_after_days: Static[float] = Field(90, title="Forget after (days)", description="For `earlier`: for how long", gt=0, le=3660)


class ListDedupe(Node[Config]):
    """Drops items of a list that came before, in it or in earlier executions: the first of those that are the same stays."""

    type, title, group, icon = "list.dedupe", "Remove duplicates", "Data", "copy-x"
    effect = "pure"
    summary = "{by}"
    example = {"items": "{{ input }}", "by": "email"}

    def effect_of(self, config: Config) -> Effect:
        """What was seen earlier is remembered; a repeat of the step is told the same."""
        return "pure" if config.against == "list" else "idempotent"

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> list[JsonValue]:
        """The items that are kept, in their order."""
        values = config.items if config.by is None else await config.by.all(config.items)
        if config.against == "list":
            fresh = _first(values)
        else:
            present = [value for value in values if value is not None]
            answers = iter(await ctx.remember(present, forget_after_s=config.forget_after_days * DAY_S))
            fresh = [value is None or next(answers) for value in values]
        return [item for item, kept in zip(config.items, fresh, strict=True) if kept]


def _first(values: list[JsonValue]) -> list[bool]:
    seen = set()
    fresh = []
    for value in values:
        mark = identity(value)
        fresh.append(value is None or mark not in seen)
        seen.add(mark)
    return fresh
