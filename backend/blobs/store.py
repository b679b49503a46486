"""Where the bytes of blobs lie. What is known of a blob (its project, size, kind) is always a row of `blobs`."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import asyncpg

from trestle.contracts.jobs import BLOB_CHUNK_BYTES

_PUT = "insert into blob_chunks (blob_id, place, data) values ($1, $2, $3) on conflict do nothing"
_GET = "select data from blob_chunks where blob_id = $1 and place = $2"
_COUNT = "select count(*) from blob_chunks where blob_id = $1"
_DROP = "delete from blob_chunks where blob_id = any($1::uuid[])"


class BlobStore(Protocol):
    """Keeps chunks (contracts.jobs.BLOB_CHUNK_BYTES each, but the last) under a blob's id and their place from 0."""

    async def put(self, blob_id: UUID, place: int, chunk: bytes) -> None:
        """Keeps a chunk. One that is there already stays: a repeat brings the same bytes."""

    async def get(self, blob_id: UUID, place: int) -> bytes | None:
        """The chunk, or None where there is none."""

    async def count(self, blob_id: UUID) -> int:
        """How many chunks there are."""

    async def drop(self, blob_ids: Sequence[UUID]) -> None:
        """Forgets all chunks of these blobs."""


async def pieces(store: BlobStore, blob_id: UUID) -> AsyncIterator[bytes]:
    """All of a complete blob, chunk by chunk."""
    place = 0
    while (chunk := await store.get(blob_id, place)) is not None:
        yield chunk
        if len(chunk) < BLOB_CHUNK_BYTES:
            return
        place += 1


class DatabaseStore:
    """In PostgreSQL, a row each. The blob's own row has to be there first; chunks go with it."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def put(self, blob_id: UUID, place: int, chunk: bytes) -> None:
        """A row."""
        await self._pool.execute(_PUT, blob_id, place, chunk)

    async def get(self, blob_id: UUID, place: int) -> bytes | None:
        """The row's bytes."""
        found: bytes | None = await self._pool.fetchval(_GET, blob_id, place)
        return found

    async def count(self, blob_id: UUID) -> int:
        """Of its rows."""
        found: int = await self._pool.fetchval(_COUNT, blob_id)
        return found

    async def drop(self, blob_ids: Sequence[UUID]) -> None:
        """All rows of these."""
        await self._pool.execute(_DROP, blob_ids)
