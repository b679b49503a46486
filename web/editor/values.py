"""A step's values for the browser: whole where they are small, else the beginning of each part and how much there is. Pure."""

from typing import Any

from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.executions import Step
from web import exact

WHOLE_BYTES = 512 * 1024
"""A value with more JSON than this is shown by its beginnings: the browser would be busy with it for seconds."""
READ_BYTES = 32 * 1024 * 1024
"""JSON that is stored apart from its value is read in for showing up to this many bytes."""
DATA_BYTES = 8 * 1024 * 1024
"""So much of what a run has stored apart is read in for the data that expressions are written from: its shape, and the beginnings."""
PAGE = 100
"""So many items of a long list are handed out at a time."""

_LIMITS = ((100, 2000, 12), (30, 500, 8), (10, 200, 6), (5, 60, 3))
_FIELDS = 500

Cuts = dict[str, int]
"""By JSON pointer: how many items a shortened list, characters a shortened text, or fields a shortened object has."""


def size_of(value: JsonValue) -> int:
    """Bytes of the value's JSON."""
    return len(exact.dumps(value))


def shown(value: JsonValue) -> JsonObject:
    """`{value, bytes, cuts}`: all of it, or what fits; `cuts` says where something was left out."""
    size = size_of(value)
    if size <= WHOLE_BYTES:
        return {"value": value, "bytes": size, "cuts": {}}
    return {**_shortened(value, ""), "bytes": size}


def part(value: JsonValue, pointer: str, start: int) -> JsonObject:
    """`{pointer, start, items, cuts}`: the next items of the list at `pointer`. Raises LookupError where there is no list."""
    found = at(value, pointer)
    if not isinstance(found, list):
        raise LookupError(pointer)
    page = found[start : start + PAGE]
    shortened = _shortened(page, "")
    cuts = {f"{pointer}/{_shifted(name, start)}": count for name, count in shortened["cuts"].items() if name}
    return {"pointer": pointer, "start": start, "items": shortened["value"], "cuts": cuts}


def at(value: JsonValue, pointer: str) -> JsonValue:
    """The part at a JSON pointer. Raises LookupError."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal():
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value[name]
        else:
            raise LookupError(pointer)
    return value


def put(value: JsonValue, pointer: str, inner: JsonValue) -> JsonValue:
    """The value with `inner` at a JSON pointer that it has; changed in place but for the empty pointer. Raises LookupError."""
    if not pointer:
        return inner
    above, _, name = pointer.rpartition("/")
    holder = at(value, above)
    holder[int(name) if isinstance(holder, list) else name.replace("~1", "/").replace("~0", "~")] = inner
    return value


def _shifted(pointer: str, start: int) -> str:
    """A pointer into a page as one into the list."""
    index, *rest = pointer[1:].split("/")
    return "/".join([str(int(index) + start), *rest])


def _shortened(value: JsonValue, pointer: str) -> JsonObject:
    """`{value, cuts}` with as long beginnings as fit."""
    for limits in _LIMITS:
        cuts: Cuts = {}
        found = _cut(value, pointer, limits, cuts)
        if size_of(found) <= WHOLE_BYTES // 2:
            break
    return {"value": found, "cuts": cuts}


def _cut(value: JsonValue, pointer: str, limits: tuple[int, int, int], cuts: Cuts) -> JsonValue:
    items, characters, depth = limits
    if isinstance(value, str):
        if len(value) > characters:
            cuts[pointer] = len(value)
        return value[:characters]
    if not isinstance(value, list | dict):
        return value
    most = 0 if pointer.count("/") >= depth else items if isinstance(value, list) else min(_FIELDS, items * 10)
    if len(value) > most:
        cuts[pointer] = len(value)
    if isinstance(value, list):
        return [_cut(item, f"{pointer}/{index}", limits, cuts) for index, item in enumerate(value[:most])]
    kept = list(value.items())[:most]
    return {name: _cut(inner, f"{pointer}/{_escaped(name)}", limits, cuts) for name, inner in kept}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def values_of(execution_id: str, step: Step) -> JsonObject:
    """`{execution_id, step, status, input, output}` of one attempt; input and output as `shown`, and `files`: their parts stored apart."""
    return {
        "execution_id": execution_id,
        "step": str(step.id),
        "status": step.status,
        "input": {**shown(step.input), "files": _files(step.input_refs)},
        "output": {**shown(step.output), "files": _files(step.refs)},
    }


def _files(refs: Any) -> list[JsonObject]:
    """The parts of a value that are stored apart: `{pointer, id, size, media_type}` of each."""
    return [{"pointer": pointer, **ref.model_dump(mode="json")} for pointer, ref in refs.items()]
