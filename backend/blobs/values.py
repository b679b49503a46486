"""Values as they are stored (null where a blob belongs, and references beside) put together and taken apart."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from uuid import UUID

from trestle.contracts.executions import LargeValue
from trestle.contracts.jobs import BlobRef
from trestle.language import Reference, put, taken_out

Stored = Mapping[str, Any] | None
"""`Refs` (contracts.jobs), as they lie in a row."""


def put_together(value: Any, refs: Stored) -> Any:
    """The value with a `Reference` in the place of each large one; itself where it has none."""
    if not refs:
        return value
    whole = deepcopy(value)
    for pointer, found in refs.items():
        ref = BlobRef.model_validate(found)
        whole = put(whole, pointer, Reference(ref.id, ref.size, ref.media_type))
    return whole


def taken_apart(execution_id: UUID, value: Any) -> tuple[Any, dict[str, LargeValue]]:
    """The value with null in the place of each `Reference`, and what they are, for people who may see the execution."""
    found: dict[str, Reference] = {}
    rest = taken_out(value, found)
    large = {
        pointer: LargeValue(id=one.id, size=one.size, media_type=one.media_type, url=url(execution_id, one.id))
        for pointer, one in found.items()
    }
    return (rest, large) if large else (value, large)


def shown(execution_id: UUID, refs: Stored) -> dict[str, LargeValue]:
    """References for people who may see the execution."""
    found = {pointer: LargeValue.model_validate(ref) for pointer, ref in (refs or {}).items()}
    return {pointer: large.model_copy(update={"url": url(execution_id, large.id)}) for pointer, large in found.items()}


def url(execution_id: UUID, blob_id: UUID) -> str:
    """Where it is downloaded."""
    return f"/api/v1/executions/{execution_id}/blobs/{blob_id}"
