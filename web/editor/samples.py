"""Recorded data for the editor: enough of each value to see what there is, never so much that the browser is busy with it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.executions import Execution, Step
from web.editor.values import size_of

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


def lengths(value: JsonValue, path: tuple[str | int, ...] = (), depth: int = 0) -> Iterator[list[Any]]:
    """`[path, length]` of each list that `sample` cuts off. `path`: where the value stands."""
    if depth >= DEPTH:
        return
    if isinstance(value, list):
        if len(value) > ITEMS:
            yield [list(path), len(value)]
        for index, item in enumerate(value[:ITEMS]):
            yield from lengths(item, (*path, index), depth + 1)
    elif isinstance(value, dict):
        for name, inner in list(value.items())[:FIELDS]:
            yield from lengths(inner, (*path, name), depth + 1)


def recorded(execution: Execution, steps: Iterable[Step]) -> JsonObject:
    """`{execution_id, status, payload, trigger, nodes: {key: {port, output}}, lengths}` of a run: how each node left, by its last attempt;
    and how long the lists are of which only the beginning is here, `[path, length]` of each."""
    ended = {step.node: step for step in steps if step.item is None and step.port}
    nodes = {key: {"port": step.port, "output": sample(step.output)} for key, step in ended.items()}
    found = {"status": execution.status, "payload": sample(execution.input), "trigger": sample(execution.trigger), "nodes": nodes}
    whole = [(("payload",), execution.input), *((("nodes", key, "output"), step.output) for key, step in ended.items())]
    return {"execution_id": str(execution.id), **found, "lengths": [one for path, value in whole for one in lengths(value, path)]}


def shortened(preview: dict[str, Any]) -> dict[str, Any]:
    """A preview whose value is small enough to be shown under a field."""
    if "value" not in preview:
        return preview
    value = preview["value"]
    return {"value": value if size_of(value) <= SHOWN_BYTES else sample(value, DEPTH - 3)}
