"""Where a node's config holds fields that are not plain: literal ones, conditions, credentials.

The marks are in the config's JSON Schema; this finds the places in one actual config that carry them. The backend needs
them to validate and publish, the executor to render.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.node_types import CONDITION, CREDENTIAL, PER_ITEM, STATIC, WORKFLOW

Kind = Literal["static", "condition", "credential", "item_value"]


class MarkedField(NamedTuple):
    """One place in a config. `path` leads to it, `pointer` is the same as a JSON pointer (RFC 6901).

    `per_item`: a condition that the node evaluates for each item of a list, as it does an `item_value`.
    """

    path: tuple[str | int, ...]
    kind: Kind
    value: JsonValue
    credential_types: tuple[str, ...] = ()
    per_item: bool = False

    @property
    def pointer(self) -> str:
        """`/cases/0/condition`"""
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.path)


def marked_fields(schema: JsonObject, config: JsonObject) -> list[MarkedField]:
    """Every marked place that `config` fills, in the config's order. What lies below a marked place is part of it."""
    found: dict[tuple[str | int, ...], MarkedField] = {}
    for field in _walk(schema, config, (), schema.get("$defs", {})):
        found.setdefault(field.path, field)
    return list(found.values())


def _walk(schema: Any, value: JsonValue, path: tuple[str | int, ...], defs: JsonObject) -> Iterator[MarkedField]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        rest = {key: part for key, part in schema.items() if key != "$ref"}
        schema = {**defs.get(schema["$ref"].rsplit("/", 1)[-1], {}), **rest}
    marked = _marked(schema, value, path)
    if marked is not None:
        yield marked
        return
    for key in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(key, ()):
            yield from _walk(part, value, path, defs)
    if isinstance(value, dict) and _may_be(schema, value):
        properties = schema.get("properties", {})
        for name, inner in value.items():
            yield from _walk(properties.get(name, schema.get("additionalProperties")), inner, (*path, name), defs)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _walk(schema.get("items"), inner, (*path, position), defs)


def _marked(schema: JsonObject, value: JsonValue, path: tuple[str | int, ...]) -> MarkedField | None:
    if CREDENTIAL in schema:
        # An empty choice names no credential.
        return MarkedField(path, "credential", value, tuple(schema[CREDENTIAL])) if value else MarkedField(path, "static", value)
    if schema.get(PER_ITEM) and value is None:
        return MarkedField(path, "static", value)  # left empty
    if schema.get(CONDITION):
        return MarkedField(path, "condition", value, per_item=bool(schema.get(PER_ITEM)))
    if schema.get(PER_ITEM):
        return MarkedField(path, "item_value", value, per_item=True)
    if schema.get(STATIC) or schema.get(WORKFLOW):
        return MarkedField(path, "static", value)
    return None


def _may_be(schema: JsonObject, value: JsonObject) -> bool:
    """Whether `value` can be this member of a union: its constants agree."""
    constants: Iterable[tuple[str, JsonObject]] = schema.get("properties", {}).items()
    return all(value.get(name, inner["const"]) == inner["const"] for name, inner in constants if "const" in inner)
