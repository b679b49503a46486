"""Recorded data for the editor: enough of each value to see what there is, never so much that the browser is busy with it. Pure."""

from collections.abc import Iterable
from typing import Any

import orjson

from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.executions import Execution, Step

ITEMS = 20
FIELDS = 200
CHARACTERS = 300
DEPTH = 8
SHOWN_BYTES = 4_000


def sample(value: JsonValue, depth: int = 0) -> JsonValue:
    """The value with its long lists, texts and deep parts cut off."""
    if isinstance(value, str):
        return value if len(value) <= CHARACTERS else value[:CHARACTERS] + "…"
    if isinstance(value, list):
        return [] if depth >= DEPTH else [sample(item, depth + 1) for item in value[:ITEMS]]
    if isinstance(value, dict):
        return {} if depth >= DEPTH else {name: sample(inner, depth + 1) for name, inner in list(value.items())[:FIELDS]}
    return value


def recorded(execution: Execution, steps: Iterable[Step]) -> JsonObject:
    """`{execution_id, payload, trigger, nodes: {key: {port, output}}}` of a run: how each node left, by its last attempt."""
    nodes = {step.node: {"port": step.port, "output": sample(step.output)} for step in steps if step.item is None and step.port}
    return {"execution_id": str(execution.id), "payload": sample(execution.input), "trigger": sample(execution.trigger), "nodes": nodes}


def shortened(preview: dict[str, Any]) -> dict[str, Any]:
    """A preview whose value is small enough to be shown under a field."""
    if "value" not in preview:
        return preview
    value = preview["value"]
    return {"value": value if len(orjson.dumps(value)) <= SHOWN_BYTES else sample(value, DEPTH - 3)}
