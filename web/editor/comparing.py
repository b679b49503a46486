"""Two executions of a workflow side by side: what became of each node in either. And what one's outputs are as pins. Pure."""

from collections.abc import Iterable, Sequence

from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.executions import Execution, Step
from trestle.contracts.graph import MAIN
from trestle.contracts.states import StepStatus
from web.editor.graph import status_of
from web.editor.values import WHOLE_BYTES, size_of

_TOOK = {StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.RUNNING, StepStatus.WAITING, StepStatus.CANCELLED}
_PINS_BYTES = 2 * 1024 * 1024
"""A draft with more than this in pins would be slow to open."""


def last(steps: Iterable[Step]) -> dict[str, Step]:
    """The last attempt at each node. `steps` are oldest first."""
    return {step.node: step for step in steps if step.item is None}


def compared(mine: Sequence[Step], theirs: Sequence[Step]) -> dict[str, JsonObject]:
    """`{node: {mark, mine, theirs}}`; mark: same, changed (another status, port, output or error), added (only mine took it), removed.

    `mine` and `theirs` are `{step, status, ms, error, …}`, or None where the node wasn't taken.
    """
    ours, others = last(mine), last(theirs)
    found: dict[str, JsonObject] = {}
    for key in [*ours, *(key for key in others if key not in ours)]:
        one, other = _taken(ours.get(key)), _taken(others.get(key))
        if one is None and other is None:
            continue
        mark = "added" if other is None else "removed" if one is None else "same" if _same(one, other) else "changed"
        found[key] = {"mark": mark, "mine": _told(one), "theirs": _told(other)}
    return found


def _taken(step: Step | None) -> Step | None:
    return step if step is not None and step.status in _TOOK else None


def _same(one: Step, other: Step) -> bool:
    return _outcome(one) == _outcome(other)


def _outcome(step: Step) -> tuple[object, ...]:
    return step.status, step.port, step.output, _blobs(step), step.error


def _blobs(step: Step) -> dict[str, tuple[int, str]]:
    return {pointer: (large.size, large.media_type) for pointer, large in step.refs.items()}


def _told(step: Step | None) -> JsonObject | None:
    if step is None:
        return None
    return {"step": str(step.id), **status_of(step), "error": step.error.model_dump(mode="json") if step.error else None}


def named(execution: Execution) -> JsonObject:
    """What is said of the execution that is compared with."""
    return execution.model_dump(mode="json", include={"id", "status", "version", "trigger", "created_at", "started_at", "finished_at"})


def pins(execution: Execution, steps: Iterable[Step]) -> JsonObject:
    """`{execution_id, input, pins: {node: output}, left: [{node, reason}]}`: what makes a test run see what this execution saw.

    A pin leaves by the main port, so that nodes which left by another decide again, on the same data. Triggers get the input.
    """
    found: dict[str, JsonValue] = {}
    left: list[dict[str, str]] = []
    total = 0
    for key, step in last(steps).items():
        if step.status is not StepStatus.SUCCEEDED or step.output is None or step.type.startswith("trigger."):
            continue
        size = size_of(step.output)
        if step.port != MAIN:
            left.append({"node": key, "reason": "it decides again, on the same data"})
        elif step.refs or size > WHOLE_BYTES or total + size > _PINS_BYTES:
            left.append({"node": key, "reason": "its output is too large for a pin"})
        else:
            found[key] = step.output
            total += size
    given = None if execution.input_refs or size_of(execution.input) > WHOLE_BYTES else execution.input
    return {"execution_id": str(execution.id), "input": given, "pins": found, "left": left}
