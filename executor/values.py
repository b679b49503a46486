"""Values between steps. Each output is encoded once, to the text that is stored, and decoded anew for each step that takes it:
so what a step sees is what was recorded, and no node can change another's data.

What is too large for that lies in blobs (`executor.large`). `Encoded` is a text with references to such parts beside it; decoded, a
`Reference` stands in the place of each.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import orjson

from executor.errors import NodeError
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.graph import Outcome
from trestle.contracts.jobs import BlobRef, Refs
from trestle.language import Reference, pointer_step, put, references_in, taken_out

MAX_OUTPUT_BYTES = 64 * 1024 * 1024
"""The JSON that a step may put out. Larger values are files: bytes that were streamed into a blob."""

_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_NOTHING: Mapping[UUID, Any] = {}


class BadOutput(NodeError):
    """What a node returned can't be its output."""


class Encoded(str):
    """A value as JSON text that holds null where `refs`, by JSON pointer, say which blob belongs there. A plain text has none."""

    __slots__ = ("refs",)

    refs: Refs

    @classmethod
    def of(cls, text: EncodedJson, refs: Refs | None) -> EncodedJson:
        """The text with its references; itself where there are none."""
        if not refs:
            return text
        made = cls(text)
        made.refs = refs
        return made


def refs_of(text: EncodedJson | None) -> Refs | None:
    """The references beside a text; None where there are none."""
    return text.refs if isinstance(text, Encoded) else None


def decode(text: EncodedJson, opened: Mapping[UUID, Any] = _NOTHING) -> Any:
    """The value. References in it have the values that `opened` holds (`executor.large.LargeValues.opened`)."""
    if isinstance(text, Encoded):
        return placed(orjson.loads(str(text)), text.refs, opened)
    return orjson.loads(text)


def placed(value: Any, refs: Refs, opened: Mapping[UUID, Any]) -> Any:
    """A decoded value, with references put into their places in it."""
    for pointer, ref in refs.items():
        reference = Reference(ref.id, ref.size, ref.media_type, opened)
        value = put(value, pointer, reference)
    return value


def encode(value: JsonValue) -> EncodedJson:
    """The value as JSON text, `Encoded` where it holds references.

    Raises `BadOutput` where it isn't JSON, holds NaN or Infinity, or is over 64 MB.
    """
    found: dict[str, Reference] = {}
    try:
        try:
            encoded = orjson.dumps(value, option=_STRICT)
        except TypeError:
            if not references_in(value):
                raise
            value = taken_out(value, found)
            encoded = orjson.dumps(value, option=_STRICT)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadOutput(
            f"The node's output is not JSON: {error}.",
            hint="Return only objects with text keys, lists, texts, numbers, true, false and null.",
        ) from None
    if len(encoded) > MAX_OUTPUT_BYTES:
        raise BadOutput(
            f"The node's output is {len(encoded) / 1e6:.1f} MB as JSON; a step may put out {MAX_OUTPUT_BYTES / 1e6:.0f} MB.",
            hint="Pass on only the part that is needed, or ask the service for less at a time.",
        )
    if b"null" in encoded:
        # orjson writes NaN and Infinity as null: look only where there is a null at all.
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise BadOutput(
                "The node's output holds NaN or Infinity, which JSON does not have.", hint="Put null or a text there."
            ) from None
    refs = {pointer: BlobRef(id=one.id, size=one.size, media_type=one.media_type) for pointer, one in found.items()}
    return Encoded.of(encoded.decode(), refs)


def encode_object(parts: Mapping[str, EncodedJson]) -> EncodedJson:
    """An object of values that are encoded already."""
    text = "{" + ",".join(f"{orjson.dumps(key).decode()}:{text}" for key, text in parts.items()) + "}"
    return Encoded.of(text, _gathered((pointer_step(key), part) for key, part in parts.items()))


def encode_list(parts: list[EncodedJson]) -> EncodedJson:
    """A list of values that are encoded already."""
    return Encoded.of("[" + ",".join(parts) + "]", _gathered((str(place), part) for place, part in enumerate(parts)))


def _gathered(parts: Iterator[tuple[str, EncodedJson]]) -> Refs:
    return {f"/{name}{pointer}": ref for name, part in parts if isinstance(part, Encoded) for pointer, ref in part.refs.items()}


class Outputs(Mapping[str, Any]):
    """The outputs of the steps so far, by node, as expressions see them. Decoded when first asked for; read-only by convention."""

    __slots__ = ("_decoded", "_opened", "_outcomes")

    def __init__(self, outcomes: Mapping[str, Outcome], opened: Mapping[UUID, Any] = _NOTHING) -> None:
        self._outcomes = outcomes
        self._opened = opened
        self._decoded: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._decoded:
            outcome = self._outcomes[key]
            if outcome.port is None:
                raise KeyError(key)
            self._decoded[key] = decode(outcome.output, self._opened)
        return self._decoded[key]

    def __contains__(self, key: object) -> bool:
        outcome = self._outcomes.get(key) if isinstance(key, str) else None
        return outcome is not None and outcome.port is not None

    def __iter__(self) -> Iterator[str]:
        return (key for key, outcome in self._outcomes.items() if outcome.port is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
