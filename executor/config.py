"""A node's config on its way from the graph to the node: upgraded, compiled once, rendered and validated for each step."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from executor.errors import InvalidConfig
from executor.node import Node
from executor.per_item import PerItem
from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.config_fields import MarkedField, marked_fields
from trestle.language import (
    Condition,
    LanguageError,
    Scope,
    Template,
    compile_condition,
    compile_config,
    compile_item_value,
    references_in,
    whole,
)

C = TypeVar("C", bound=BaseModel)


class ConfigTemplate(Generic[C]):
    """One node's config, compiled. Safe to share between steps and executions; keep it with the snapshot.

    Raises `trestle.language.LanguageError` where an expression can't be compiled: publish has seen to that, a draft may
    still hold one.
    """

    def __init__(self, node: Node[C], schema: JsonObject, config: JsonObject) -> None:
        upgraded = node.upgrade(config)
        marked = marked_fields(schema, upgraded)
        self._shape = node.config_class
        self._cases = node.ports_from
        self._takes_references = "config" in node.takes_references
        self._template: Template = compile_config(upgraded, static=[field.pointer for field in marked])
        self._conditions = [_condition(field) for field in marked if field.kind == "condition" and not field.per_item]
        self._per_item = [_per_item(field) for field in marked if field.per_item]

    def names(self) -> set[str]:
        """The roots and the `nodes.<key>` that rendering looks at."""
        compiled = [part for _, part in (*self._conditions, *self._per_item)]
        return set(self._template.names()).union(*(part.names() for part in compiled))

    def render(self, scope: Scope) -> C:
        """The config as the node takes it. Raises `LanguageError` (an expression) or `InvalidConfig` (what it came to), and
        `Unloaded` where large values have to be loaded first.

        Of the cases that `ports_from` names the first that holds is taken, so later ones are False and never evaluated:
        they may speak of data that is there only when it does not hold.
        """
        rendered: Any = self._template.render(scope)
        if scope.references and not self._takes_references:
            rendered = whole(rendered)
        taken = False
        for field, condition in self._conditions:
            is_case = field.path[0] == self._cases
            holds = not (is_case and taken) and _holds(condition, field, scope)
            taken = taken or (is_case and holds)
            rendered = _replaced(rendered, field.path, holds)
        for field, part in self._per_item:
            evaluate = part.holds if field.kind == "condition" else part.of
            rendered = _replaced(rendered, field.path, PerItem(evaluate, scope, field.pointer))
        try:
            return self._shape.model_validate(rendered)  # type: ignore[return-value]  # C is the node's config_class
        except ValidationError as error:
            if not scope.references or not references_in(rendered):
                raise InvalidConfig.of(error) from None
        # A field that may not be a reference: with the values in their places it may be what the field takes.
        try:
            return self._shape.model_validate(whole(rendered))  # type: ignore[return-value]  # as above
        except ValidationError as error:
            raise InvalidConfig.of(error) from None


def _condition(field: MarkedField) -> tuple[MarkedField, Condition]:
    try:
        return field, compile_condition(field.value)
    except LanguageError as error:
        raise error.at(field.pointer, "") from None


def _per_item(field: MarkedField) -> tuple[MarkedField, Any]:
    if field.kind == "condition":
        return _condition(field)
    try:
        return field, compile_item_value(field.value)
    except LanguageError as error:
        raise error.at(field.pointer, "") from None


def _holds(condition: Condition, field: MarkedField, scope: Scope) -> bool:
    try:
        return condition.holds(scope)
    except LanguageError as error:
        raise error.at(field.pointer, "") from None


def _replaced(value: Any, path: tuple[str | int, ...], new: JsonValue) -> Any:
    """`value` with `new` at `path`; what is on the way is copied, as the template's constants are shared."""
    if not path:
        return new
    copied = value.copy()
    copied[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copied
