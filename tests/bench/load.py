"""A load generator small enough to leave the machine to the product: raw sockets, keep-alive, one request at a time each."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson


@dataclass
class LoadResult:
    """What the callers saw. Times are in seconds."""

    sent: int = 0
    accepted: list[str] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    took_s: float = 0


class Caller:
    """One keep-alive connection to one URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "127.0.0.1", parts.port or 80, parts.path
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Send one JSON body; status and body of the answer."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        assert self._reader is not None
        head = f"POST {self._path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer_head = await self._reader.readuntil(b"\r\n\r\n")
        lines = answer_head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        return int(lines[0].split()[1]), await self._reader.readexactly(length)

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
            await self._writer.wait_closed()


async def closed_loop(url: str, *, connections: int, requests: int, body: bytes = b'{"name":"Ada","score":91}') -> LoadResult:
    """`requests` POSTs to `url` by `connections` callers, each waiting for its answer before the next."""
    result = LoadResult()
    left = iter(range(requests))

    async def caller() -> None:
        connection = Caller(url)
        for _ in left:
            start = time.perf_counter()
            status, answer = await connection.post(body)
            result.latencies.append(time.perf_counter() - start)
            result.sent += 1
            if status == 202:
                result.accepted.append(orjson.loads(answer)["execution_id"])
            else:
                result.refused[status] = result.refused.get(status, 0) + 1
        await connection.close()

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(connections)))
    result.took_s = time.perf_counter() - start
    return result
