"""Expressions that a node evaluates itself, once for each item of a list (`executor.fields.ItemCondition`, `ItemValue`)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from trestle.contracts.base import JsonValue
from trestle.language import LanguageError, Scope

T = TypeVar("T")

AT_ONCE = 500
"""Items that are evaluated before others get their turn."""


class PerItem(Generic[T]):
    """What an expression comes to for an item and its place. Raises `LanguageError`, which names the field and the item."""

    __slots__ = ("_evaluate", "_pointer", "_scope")

    def __init__(self, evaluate: Callable[[Scope], T], scope: Scope, pointer: str) -> None:
        self._evaluate = evaluate
        self._scope = scope
        self._pointer = pointer

    def __call__(self, item: JsonValue, index: int) -> T:
        """For one item."""
        try:
            return self._evaluate(self._scope.with_item(item, index))
        except LanguageError as error:
            hint = f"{error.hint} This is item {index}.".lstrip()
            raise LanguageError(error.message, kind=error.kind, field=self._pointer, expression=error.expression, hint=hint) from None

    async def all(self, items: Sequence[JsonValue]) -> list[T]:
        """For each of the items. A long list does not keep other steps waiting."""
        found: list[T] = []
        for start in range(0, len(items), AT_ONCE):
            if start:
                await asyncio.sleep(0)
            found += [self(item, index) for index, item in enumerate(items[start : start + AT_ONCE], start)]
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)
