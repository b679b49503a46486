"""Blobs, chunk by chunk: taken from executors and webhooks, given to executors and people. No more than a chunk is held at a time.

Whoever sends a blob chooses its id and may repeat any chunk: a broken connection costs no more than that one.
"""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import orjson

from backend.blobs import uses
from backend.blobs.store import BlobStore, pieces
from backend.errors import BodyTooLarge, NotFound, Unprocessable
from trestle.contracts.base import EncodedJson
from trestle.contracts.jobs import BLOB_BYTES, BLOB_CHUNK_BYTES, BlobRef, Refs

JSON = "application/json"
BYTES = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(; ?[\w-]{1,40}=(\"[\w .:+-]{1,100}\"|[\w.:+-]{1,100})){0,3}", re.ASCII)

# A step that runs while its execution is paused may finish, and what it puts out is recorded.
_PROJECT = """
select project_id from executions
where id = $1 and epoch = $2 and executor_id = $3 and status in ('running', 'paused') and lease_until is not null
"""

_NEW = "insert into blobs (id, project_id, media_type) values ($1, $2, $3) on conflict do nothing"
_FIND = "select id, size, media_type, complete from blobs where id = $1 and project_id = $2"
_COMPLETE = "update blobs set complete = true, size = $2, created_at = now() where id = $1 and not complete"


def media_type(said: str) -> str:
    """What a sender says that its bytes are, as it is kept: JSON without parameters, nonsense as plain bytes."""
    kind = said.strip()
    if kind.partition(";")[0].strip().lower() == JSON:
        return JSON
    return kind if _MEDIA_TYPE.fullmatch(kind) else BYTES


class Blobs:
    """All that is done with blobs. `max_bytes`: the size of the largest."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", store: BlobStore, *, max_bytes: int) -> None:
        self._pool = pool
        self._store = store
        self._max_bytes = max_bytes

    # executors

    async def take(
        self, executor_id: UUID, execution_id: UUID, epoch: int, *, blob_id: UUID, kind: str, place: int, last: bool, chunk: bytes
    ) -> BlobRef:
        """Keeps a chunk that an execution's owner sends; with the `last` one the blob is complete, and the execution uses it.

        Raises:
            NotFound: the execution is not the executor's (any more), or the blob is not its project's or was given up.
            BodyTooLarge: it would be larger than blobs may be.
            Unprocessable: a chunk of another size than its place wants, or chunks before the last one are missing.
        """
        project_id = await self._owner(executor_id, execution_id, epoch)
        if place == 0:
            await self._pool.execute(_NEW, blob_id, project_id, media_type(kind))
        found = await self._pool.fetchrow(_FIND, blob_id, project_id)
        if found is None:
            raise NotFound("There is no such blob to add to. Send it again from its first chunk, under a new id.")
        if not found["complete"]:
            size = self._size(place, last=last, chunk=chunk)
            await self._store.put(blob_id, place, chunk)
            made = BlobRef(id=blob_id, size=size, media_type=found["media_type"])
            if last:
                await self._finish(blob_id, size, place + 1)
                await uses.note(self._pool, [(execution_id, made)])
            return made
        return BlobRef(id=blob_id, size=found["size"], media_type=found["media_type"])

    async def give(self, executor_id: UUID, execution_id: UUID, epoch: int, *, blob_id: UUID, place: int) -> bytes:
        """A chunk of a blob, for an execution's owner. Raises NotFound."""
        project_id = await self._owner(executor_id, execution_id, epoch)
        found = await self._pool.fetchrow(_FIND, blob_id, project_id)
        chunk = await self._store.get(blob_id, place) if found is not None and found["complete"] else None
        if chunk is None:
            raise NotFound("This project has no such blob, or the blob no such chunk.")
        return chunk

    # the backend itself

    async def keep(self, project_id: UUID, data: bytes, kind: str) -> BlobRef:
        """Stores bytes that are here already, such as a webhook's body. Unless an execution uses it, it is gone after an hour.

        `Refs` with it go into `births.insert`, which notes the use in the transaction that makes the execution.
        Raises BodyTooLarge.
        """
        chunks = [data[at : at + BLOB_CHUNK_BYTES] for at in range(0, len(data), BLOB_CHUNK_BYTES)] or [b""]
        self._size(len(chunks) - 1, last=True, chunk=chunks[-1])
        made = BlobRef(id=uuid4(), size=len(data), media_type=media_type(kind))
        await self._pool.execute(_NEW, made.id, project_id, made.media_type)
        for place, chunk in enumerate(chunks):
            await self._store.put(made.id, place, chunk)
        await self._finish(made.id, made.size, len(chunks))
        return made

    async def spill(self, project_id: UUID, value: EncodedJson) -> tuple[EncodedJson, Refs]:
        """A value as it is to be stored: itself, or null and a reference where it is over 256 KB."""
        encoded = value.encode()
        if len(encoded) <= BLOB_BYTES:
            return value, {}
        return "null", {"": await self.keep(project_id, encoded, JSON)}

    async def used(self, execution_id: UUID, refs: Refs) -> Refs:
        """Those of the references whose blobs the execution uses: only these may be read for it."""
        return await uses.used(self._pool, execution_id, refs)

    async def stream(self, blob_id: UUID) -> AsyncIterator[bytes]:
        """All of a complete blob, piece by piece. Whoever calls this has made sure that it may be read (`used`)."""
        async for piece in pieces(self._store, blob_id):
            yield piece

    async def _owner(self, executor_id: UUID, execution_id: UUID, epoch: int) -> UUID:
        project_id: UUID | None = await self._pool.fetchval(_PROJECT, execution_id, epoch, executor_id)
        if project_id is None:
            raise NotFound("This executor does not own that execution under that epoch.")
        return project_id

    def _size(self, place: int, *, last: bool, chunk: bytes) -> int:
        """The blob's size with this chunk."""
        if len(chunk) > BLOB_CHUNK_BYTES or (not last and len(chunk) < BLOB_CHUNK_BYTES):
            raise Unprocessable(f"Chunks are of {BLOB_CHUNK_BYTES} bytes; only the last one may be smaller.")
        size = place * BLOB_CHUNK_BYTES + len(chunk)
        if size > self._max_bytes:
            raise BodyTooLarge(
                f"The value is larger than {self._max_bytes / 1_000_000:g} MB. An operator may raise TRESTLE_MAX_BLOB_BYTES."
            )
        return size

    async def _finish(self, blob_id: UUID, size: int, chunks: int) -> None:
        if await self._store.count(blob_id) != chunks:
            raise Unprocessable("Chunks before the last one are missing. Send the blob again, under a new id.")
        await self._pool.execute(_COMPLETE, blob_id, size)


def encoded_refs(refs: Refs) -> EncodedJson | None:
    """References as they are stored beside their value; None where there are none."""
    if not refs:
        return None
    return orjson.dumps({pointer: ref.model_dump(mode="json") for pointer, ref in refs.items()}).decode()
