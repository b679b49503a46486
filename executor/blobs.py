"""Blobs at the backend (`executor.seams.Blobs`): a chunk a call, each repeated until the backend answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from executor.api import Api, BackendAway, BackendRefused
from executor.desk import detail
from executor.errors import NodeError
from trestle.contracts.jobs import BLOB_CHUNK_BYTES, BlobRef

T = TypeVar("T")

MAX_PAUSE_S = 2.0

_log = structlog.get_logger("executor.blobs")


class BackendBlobs:
    """One serves all executions. It holds a chunk of each blob that is on its way, and no more."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def store(self, execution_id: UUID, epoch: int, pieces: AsyncIterator[bytes], media_type: str) -> BlobRef:
        """Sends the bytes on in chunks as they come. Raises `NodeError` where the backend refuses them."""
        blob_id, place = uuid4(), 0

        async def send(chunk: bytes, *, last: bool) -> BlobRef:
            return await _answered(
                lambda: self._api.put_chunk(execution_id, epoch, blob_id, chunk, place=place, last=last, media_type=media_type),
                "can't be stored",
            )

        waiting = bytearray()
        async for piece in pieces:
            # In steps: a piece may be as large as a whole value.
            view = memoryview(piece)
            while view:
                taken = view[: BLOB_CHUNK_BYTES + 1 - len(waiting)]
                waiting += taken
                view = view[len(taken) :]
                if len(waiting) > BLOB_CHUNK_BYTES:  # so this chunk is not the last
                    await send(bytes(waiting[:BLOB_CHUNK_BYTES]), last=False)
                    del waiting[:BLOB_CHUNK_BYTES]
                    place += 1
        return await send(bytes(waiting), last=True)

    async def read(self, execution_id: UUID, epoch: int, blob_id: UUID, size: int) -> AsyncIterator[bytes]:
        """Asks for one chunk after another."""
        for place in range(max(1, -(-size // BLOB_CHUNK_BYTES))):
            yield await _answered(lambda place=place: self._api.chunk(execution_id, epoch, blob_id, place), "can't be read")  # type: ignore[misc]  # inferred per turn


async def _answered(call: Callable[[], Awaitable[T]], what: str) -> T:
    """The backend's answer, however long it is away."""
    pause = 0.05
    while True:
        try:
            return await call()
        except BackendAway as error:
            _log.warning("a large value waits for the backend", reason=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_S)
        except BackendRefused as refusal:
            too_large = refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            hint = "Pass on only the part that is needed, or ask the service for less." if too_large else "Run the workflow again."
            kind = "TooLarge" if too_large else "Refused"
            raise NodeError(f"A large value {what}. {detail(refusal)}", hint=hint, type=kind) from None
