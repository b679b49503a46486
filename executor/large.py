"""One execution's large values: what a step puts out beyond 256 KB goes into blobs; what a step looks into comes from them."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final
from uuid import UUID

import orjson

from executor.errors import NodeError
from executor.seams import Blobs
from executor.values import encode
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.jobs import BLOB_BYTES
from trestle.language import Reference, content, pointer_step, put, references_in

LOADED_BYTES: Final = 64 * 1024 * 1024
"""How much of an execution's large values may be in memory at a time."""
MAX_PARTS: Final = 100
"""Parts of one value that become blobs of their own; where there were more, the value is one blob."""
MAX_DEPTH: Final = 4
MAX_LISTED: Final = 1000
JSON: Final = "application/json"


class LargeValues:
    """Stores and loads. A step that needs values holds them until it ends; others stay as long as there is room."""

    def __init__(self, blobs: Blobs, execution_id: UUID, epoch: int) -> None:
        self._blobs = blobs
        self._whose = (execution_id, epoch)
        self.opened: OrderedDict[UUID, Any] = OrderedDict()
        """Values that are loaded, the one used last at the end."""
        self.known = False
        """Whether the execution has any: only then need anybody look for references."""
        self._sizes: dict[UUID, int] = {}
        self._held: dict[object, dict[UUID, Reference]] = {}
        self._loading = asyncio.Lock()
        self._waiting: list[asyncio.Future[None]] = []

    # out

    async def store(self, value: JsonValue) -> EncodedJson:
        """The value as it is recorded: what is over 256 KB in it lies in blobs, and references stand beside. Raises `NodeError`."""
        text = encode(value)
        if len(text) <= BLOB_BYTES:
            return text
        parts: dict[str, bytes] = {}
        made = _emptied(value, "", 0, parts)
        for pointer, encoded in parts.items():
            reference = await self.upload(_pieces(encoded), JSON)
            made = put(made, pointer, reference)
        return encode(made)

    async def upload(self, pieces: AsyncIterator[bytes], media_type: str) -> Reference:
        """Stores bytes as they come: a file. Waits while the backend is away. Raises `NodeError` where it refuses."""
        ref = await self._blobs.store(*self._whose, pieces, media_type)
        self.known = True
        return Reference(ref.id, ref.size, ref.media_type, self.opened)

    # in

    def read(self, reference: Reference) -> AsyncIterator[bytes]:
        """The bytes, piece by piece, as they were stored. Waits while the backend is away. Raises `NodeError`."""
        return self._blobs.read(*self._whose, reference.id, reference.size)

    async def hold(self, holder: object, references: Iterable[Reference]) -> None:
        """Loads these, on top of what `holder` holds; they stay loaded until it lets go.

        Waits until other steps have let go of enough. Raises `NodeError` where all that it needs is over 64 MB, and `LanguageError`
        where a file is not what it says.
        """
        needed = self._held.pop(holder, {}) | {reference.id: reference for reference in references}
        size = sum(reference.size for reference in needed.values())
        if size > LOADED_BYTES:
            raise NodeError(
                f"This looks into {size / 1e6:.0f} MB of large values; an execution may load {LOADED_BYTES / 1e6:.0f} MB at a time.",
                hint="Pass such a value on whole ({{ nodes.fetch.body }} and nothing else), or ask the service for less at a time.",
                type="TooLarge",
            )
        while self._size_with(needed) > LOADED_BYTES:
            # Nothing is held while it waits, so no two steps can wait for one another.
            self._wake()
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        self._held[holder] = needed
        self._make_room()
        async with self._loading:
            for reference in needed.values():
                if reference.id in self.opened:
                    self.opened.move_to_end(reference.id)
                else:
                    self.opened[reference.id] = await self._load(reference)
                    self._sizes[reference.id] = reference.size

    def release(self, holder: object) -> None:
        """The holder needs nothing any more."""
        if self._held.pop(holder, None):
            self._wake()

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def _size_with(self, needed: dict[UUID, Reference]) -> int:
        held = dict(needed)
        for others in self._held.values():
            held |= others
        return sum(reference.size for reference in held.values())

    def _make_room(self) -> None:
        """Forgets what nobody holds, the longest unused first, until all that is held fits."""
        held = {reference.id: reference.size for holding in self._held.values() for reference in holding.values()}
        kept = sum(held.values())
        for blob_id in reversed(list(self.opened)):
            if blob_id in held:
                continue
            kept += self._sizes[blob_id]
            if kept > LOADED_BYTES:
                del self.opened[blob_id]

    async def _load(self, reference: Reference) -> Any:
        data = b"".join([piece async for piece in self.read(reference)])
        return content(reference.media_type, data)


def _emptied(value: Any, pointer: str, depth: int, parts: dict[str, bytes]) -> Any:
    """The value without its large parts; these go into `parts`. What holds references is no part itself, but its parts may be."""
    encoded = orjson.dumps(value, default=lambda _: None)
    if len(encoded) <= BLOB_BYTES:
        return value
    if isinstance(value, dict | list) and depth < MAX_DEPTH and len(value) <= MAX_LISTED:
        mine: dict[str, bytes] = {}
        if isinstance(value, dict):
            made: Any = {key: _emptied(inner, f"{pointer}/{pointer_step(key)}", depth + 1, mine) for key, inner in value.items()}
        else:
            made = [_emptied(inner, f"{pointer}/{place}", depth + 1, mine) for place, inner in enumerate(value)]
        fits = len(mine) <= MAX_PARTS and len(orjson.dumps(made, default=lambda _: None)) <= BLOB_BYTES
        if fits or references_in(value):
            parts |= mine
            return made
    if references_in(value):
        return value
    parts[pointer] = encoded
    return None


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data
