"""`list.aggregate`: counts, sums and the like over a list, as a whole or by groups."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from executor.identity import identity
from executor.node import Config as Base
from executor.node import Context, Items, ItemValue, JsonObject, JsonValue, Node, NodeError, Static

GROUP = "group"
Kind = Literal["count", "sum", "avg", "min", "max", "first", "last", "list"]


class Function(Base):
    """One field of the result."""

    name: Static[str] = Field(title="Name", description="The field of the result that holds it", min_length=1, examples=["total"])
    function: Static[Kind] = Field(title="Function", description="Items without a value in the field are left out")
    field: ItemValue | None = Field(
        None, title="Of", description="A field of each item, or an expression; left out: the item itself", examples=["price"]
    )


class Config(Base):
    """What is put together, and by what."""

    items: Items = Field(title="Items", examples=["{{ input }}"])
    group_by: ItemValue | None = Field(
        None,
        title="Group by",
        description="A field of each item, or an expression; left out: one result for all",
        examples=["customer.city"],
    )
    functions: list[Function] = Field(title="Functions", min_length=1)

    @field_validator("functions")
    @classmethod
    def _names_differ(cls, functions: list[Function]) -> list[Function]:
        if len({function.name for function in functions}) < len(functions):
            raise ValueError("the names must differ from one another")
        return functions

    @model_validator(mode="after")
    def _group_is_free(self) -> Self:
        if self.group_by is not None and any(function.name == GROUP for function in self.functions):
            raise ValueError(f"the name {GROUP} is taken by the group's value")
        return self


class ListAggregate(Node[Config]):
    """Counts, adds up and picks values of a list, for all of it or for each group of items."""

    type, title, group, icon = "list.aggregate", "Aggregate a list", "Data", "sigma"
    effect = "pure"
    takes_references = ("input",)
    example = {
        "items": "{{ input }}",
        "group_by": "customer",
        "functions": [{"name": "orders", "function": "count"}, {"name": "total", "function": "sum", "field": "price"}],
    }

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """`{name: value}`; with groups a list of `{group, name: value}`, in the order in which the groups come up."""
        items = config.items
        columns = [items if function.field is None else await function.field.all(items) for function in config.functions]
        if config.group_by is None:
            return _row(config.functions, columns, range(len(items)))
        values = await config.group_by.all(items)
        groups: dict[Any, list[int]] = {}
        for index, value in enumerate(values):
            groups.setdefault(identity(value), []).append(index)
        return [{GROUP: values[places[0]], **_row(config.functions, columns, places)} for places in groups.values()]


def _row(functions: Sequence[Function], columns: Sequence[Sequence[JsonValue]], places: Sequence[int]) -> JsonObject:
    row: JsonObject = {}
    for function, column in zip(functions, columns, strict=True):
        present = [index for index in places if column[index] is not None]
        if function.function == "count" and function.field is None:
            present = list(places)
        row[function.name] = _result(function, column, present)
    return row


def _result(function: Function, column: Sequence[Any], places: Sequence[int]) -> JsonValue:
    values = [column[index] for index in places]
    match function.function:
        case "count":
            return len(values)
        case "list":
            return values
        case "first":
            return values[0] if values else None
        case "last":
            return values[-1] if values else None
    texts = function.function in ("min", "max") and all(isinstance(value, str) for value in values)
    for index, value in zip(places, values, strict=True):
        if not texts and (isinstance(value, bool) or not isinstance(value, int | float)):
            message = f"“{function.name}” is the {function.function} of numbers, and item {index} has none there."
            raise NodeError(message, hint="Convert it: {{ item.price|float }}, or choose another field.")
    if function.function == "sum":
        return sum(values)
    if not values:
        return None
    if function.function == "avg":
        return sum(values) / len(values)
    return min(values) if function.function == "min" else max(values)
