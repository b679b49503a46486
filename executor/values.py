"""Values between steps. Each output is encoded once, to the text that is stored, and decoded anew for each step that takes it:
so what a step sees is what was recorded, and no node can change another's data.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from executor.errors import NodeError
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.graph import Outcome

MAX_OUTPUT_BYTES = 10_000_000

_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

decode = orjson.loads


class BadOutput(NodeError):
    """What a node returned can't be its output."""


def encode(value: JsonValue) -> EncodedJson:
    """The value as JSON text. Raises `BadOutput` where it isn't JSON, holds NaN or Infinity, or is over 10 MB."""
    try:
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
    return encoded.decode()


def encode_object(parts: Mapping[str, EncodedJson]) -> EncodedJson:
    """An object of values that are encoded already."""
    return "{" + ",".join(f"{orjson.dumps(key).decode()}:{text}" for key, text in parts.items()) + "}"


def encode_list(parts: list[EncodedJson]) -> EncodedJson:
    """A list of values that are encoded already."""
    return "[" + ",".join(parts) + "]"


class Outputs(Mapping[str, Any]):
    """The outputs of the steps so far, by node, as expressions see them. Decoded when first asked for; read-only by convention."""

    __slots__ = ("_decoded", "_outcomes")

    def __init__(self, outcomes: Mapping[str, Outcome]) -> None:
        self._outcomes = outcomes
        self._decoded: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._decoded:
            outcome = self._outcomes[key]
            if outcome.port is None:
                raise KeyError(key)
            self._decoded[key] = decode(outcome.output)
        return self._decoded[key]

    def __contains__(self, key: object) -> bool:
        outcome = self._outcomes.get(key) if isinstance(key, str) else None
        return outcome is not None and outcome.port is not None

    def __iter__(self) -> Iterator[str]:
        return (key for key, outcome in self._outcomes.items() if outcome.port is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
