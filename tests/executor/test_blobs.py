"""Blobs at the backend: sent and read a chunk a call, however often the backend goes away."""

import os
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from executor.api import Api, BackendAway, BackendRefused
from executor.blobs import BackendBlobs
from executor.errors import NodeError
from trestle.contracts.jobs import BLOB_CHUNK_BYTES, BlobRef

CHUNK = BLOB_CHUNK_BYTES


class FakeApi(Api):
    """Keeps chunks; every `away`-th call gets no answer, after its work is done."""

    def __init__(self, *, away: int = 0, refuse: int = 0, keep: bool = True) -> None:
        self.chunks: dict[int, bytes] = {}
        self.calls: list[tuple[UUID, int, bool]] = []
        self.away = away
        self.refuse = refuse
        self.keep = keep

    async def put_chunk(
        self, execution_id: UUID, epoch: int, blob_id: UUID, chunk: bytes, *, place: int, last: bool, media_type: str
    ) -> BlobRef:
        self.calls.append((blob_id, place, last))
        if self.refuse:
            raise BackendRefused(self.refuse, '{"detail": "It is larger than 1 MB."}')
        assert len(chunk) == CHUNK or last
        if self.keep:
            assert self.chunks.setdefault(place, chunk) == chunk
        self._go_away()
        return BlobRef(id=blob_id, size=place * CHUNK + len(chunk), media_type=media_type)

    async def chunk(self, execution_id: UUID, epoch: int, blob_id: UUID, place: int) -> bytes:
        self.calls.append((blob_id, place, False))
        self._go_away()
        return self.chunks[place]

    def _go_away(self) -> None:
        if self.away and len(self.calls) % self.away == 0:
            raise BackendAway("no answer")


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    """The data in pieces."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
@pytest.mark.parametrize("size", [70_000, 10 * CHUNK])
async def test_bytes_go_in_chunks_and_come_back(length: int, size: int) -> None:
    api, data = FakeApi(away=3), os.urandom(length)
    blobs = BackendBlobs(api)
    ref = await blobs.store(uuid4(), 1, pieces(data, size), "application/zip")
    assert (ref.size, ref.media_type, b"".join(api.chunks.values())) == (length, "application/zip", data)
    assert len({blob_id for blob_id, _, _ in api.calls}) == 1
    assert next(place for place, (_, _, last) in enumerate(api.calls) if last) >= len(api.chunks) - 1
    assert b"".join([piece async for piece in blobs.read(uuid4(), 1, ref.id, ref.size)]) == data


@pytest.mark.parametrize(("status", "kind"), [(413, "TooLarge"), (404, "Refused")])
async def test_what_the_backend_refuses_fails(status: int, kind: str) -> None:
    with pytest.raises(NodeError) as refused:
        await BackendBlobs(FakeApi(refuse=status)).store(uuid4(), 1, pieces(b"x", 1), "")
    assert (refused.value.type, refused.value.retryable) == (kind, False)
    assert "It is larger than 1 MB." in refused.value.message


async def test_no_more_than_a_few_chunks_are_held() -> None:
    async def endless() -> AsyncIterator[Any]:
        for _ in range(60 * 16):
            yield bytes(CHUNK // 16)

    tracemalloc.start()
    try:
        ref = await BackendBlobs(FakeApi(keep=False)).store(uuid4(), 1, endless(), "")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ref.size == 60 * CHUNK
    assert peak < 6 * CHUNK
