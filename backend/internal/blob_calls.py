"""Executors' calls about blobs: one chunk a call, so that neither side holds more than that and any call may be repeated.

POST /blobs?execution_id&epoch&id&place[&last=1][&media_type]   the chunk → BlobRef
GET  /blobs/{id}?execution_id&epoch&place                       → the chunk
"""

from uuid import UUID

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request

from backend.blobs.service import Blobs
from backend.errors import Unprocessable, field_errors


class _Asked(BaseModel):
    execution_id: UUID
    epoch: int
    id: UUID
    place: int = Field(ge=0, le=1_000_000)
    last: bool = False
    media_type: str = Field("", max_length=300)


class BlobCalls:
    """Reads the calls and answers them."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def take(self, executor_id: UUID, request: Request) -> bytes:
        """Keeps a chunk."""
        asked = _read(dict(request.query_params))
        made = await self._blobs.take(
            executor_id,
            asked.execution_id,
            asked.epoch,
            blob_id=asked.id,
            kind=asked.media_type,
            place=asked.place,
            last=asked.last,
            chunk=await request.body(),
        )
        return made.model_dump_json().encode()

    async def give(self, executor_id: UUID, blob_id: str, request: Request) -> bytes:
        """A chunk's bytes."""
        asked = _read({**request.query_params, "id": blob_id})
        return await self._blobs.give(executor_id, asked.execution_id, asked.epoch, blob_id=asked.id, place=asked.place)


def _read(query: dict[str, str]) -> _Asked:
    try:
        return _Asked.model_validate(query)
    except ValidationError as error:
        errors = field_errors(error.errors())
        raise Unprocessable(f"A call about a blob: {errors[0].loc}: {errors[0].message}", errors=errors) from None
