"""Reads a body piece by piece and never holds more than its limit, however small it came compressed."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import Protocol

from trestle.outbound.errors import BadResponse, TooLarge

ACCEPTED = "gzip, deflate"
_PIECE = 1024 * 1024


class _Decoder(Protocol):
    def decode(self, data: bytes, limit: int) -> Iterator[bytes]: ...

    def finished(self) -> bool: ...


class _Plain:
    def decode(self, data: bytes, limit: int) -> Iterator[bytes]:
        yield data

    def finished(self) -> bool:
        return True


class _Zlib:
    """gzip (also several members in a row), or deflate with and without its header."""

    def __init__(self, encoding: str) -> None:
        self._window = 16 + zlib.MAX_WBITS if encoding.endswith("gzip") else zlib.MAX_WBITS
        self._inflater = zlib.decompressobj(self._window)
        self._started = False

    def decode(self, data: bytes, limit: int) -> Iterator[bytes]:
        """The next pieces, none over 1 MB, cut at ``limit`` bytes: a small chunk may hold a lot."""
        made, full = 0, False
        while (data or full) and made < limit:
            room = min(limit - made, _PIECE)
            piece = self._inflate(data, room)
            made, full = made + len(piece), len(piece) == room  # then more may be waiting, though all of the data is read
            yield piece
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:
                data = self._inflater.unused_data
                full = False
                if not data.strip(b"\0"):
                    break
                self._inflater = zlib.decompressobj(self._window)

    def _inflate(self, data: bytes, limit: int) -> bytes:
        try:
            return self._inflater.decompress(data, limit)
        except zlib.error:
            if self._started or self._window != zlib.MAX_WBITS:
                raise
            self._window = -zlib.MAX_WBITS
            self._inflater = zlib.decompressobj(self._window)
            return self._inflater.decompress(data, limit)
        finally:
            self._started = True

    def finished(self) -> bool:
        return self._inflater.eof or not self._started


async def pieces(chunks: AsyncIterable[bytes], encoding: str, limit: int, url: str) -> AsyncIterator[bytes]:
    """The decoded body, piece by piece. Raises TooLarge as soon as it passes ``limit`` bytes, BadResponse if it can't be decoded."""
    decoder = _decoder(encoding, url)
    size = 0
    try:
        async for chunk in chunks:
            for piece in decoder.decode(chunk, limit - size + 1):
                # One byte more than the limit is enough to know.
                size += len(piece)
                if size > limit:
                    raise TooLarge(f"The answer of {url} is larger than {limit} bytes. Ask for less (a page, a range, fewer fields).")
                yield piece
    except zlib.error as error:
        raise BadResponse(f"The answer of {url} says it is {encoding}, but can't be decompressed: {error}.") from None
    if not decoder.finished():
        raise BadResponse(f"The compressed answer of {url} ends too early.")


def _decoder(encoding: str, url: str) -> _Decoder:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name in ("gzip", "x-gzip", "deflate"):
        return _Zlib(name)
    raise BadResponse(f"The answer of {url} is encoded as {encoding!r}, though only {ACCEPTED} was asked for.")
