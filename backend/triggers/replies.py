"""What a webhook's caller gets. What a workflow's author wrote is never taken for a page of ours: it can run no script, set no
cookie, and steer no proxy."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

import orjson
from starlette.types import Send

from backend.blobs.service import Blobs
from trestle.contracts.base import EncodedJson, JsonValue
from trestle.contracts.jobs import BlobRef, Refs

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_TEXT = b"text/plain; charset=utf-8"
# A page in a sandbox has no origin: whatever it holds can't act as the one who looks at it.
_SANDBOX = (b"content-security-policy", b"sandbox; frame-ancestors 'none'")
_JOINED_BYTES = 20_000_000  # what is put together in memory, at most

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4096}")
_BODILESS = (204, 304)

_OURS = frozenset(
    (
        # set by the server, or meant for the next hop only
        *("content-length", "content-encoding", "date", "server", "transfer-encoding", "connection", "keep-alive", "te", "trailer"),
        *("upgrade", "proxy-authenticate", "proxy-authorization", "proxy-connection", "http2-settings", "alt-svc"),
        # about the whole site, which is not the workflow's
        *("set-cookie", "set-cookie2", "clear-site-data", "strict-transport-security", "public-key-pins", "service-worker-allowed"),
        *("nel", "report-to", "reporting-endpoints", "origin-agent-cluster"),
        # what protects who looks at the answer
        *("content-security-policy", "content-security-policy-report-only", "x-content-type-options", "x-frame-options"),
        *("referrer-policy", "x-xss-protection"),
        # orders to a proxy in front, such as to send a file of its own
        *("x-sendfile", "x-lighttpd-send-file", "x-litespeed-location", "x-reproxy-url", "surrogate-control"),
    )
)
_FOR_PROXIES = "x-accel-"


class Reply(NamedTuple):
    """An answer. A body that is not in memory comes piece by piece."""

    status: int
    headers: Headers
    body: bytes | AsyncIterator[bytes]

    async def send(self, send: Send) -> None:
        """As ASGI's messages."""
        if isinstance(self.body, bytes):
            length = (b"content-length", str(len(self.body)).encode())
            headers = self.headers if self.status in _BODILESS else [*self.headers, length]
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            await send({"type": "http.response.body", "body": self.body})
            return
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        async for piece in self.body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def started(status: int, execution_id: UUID) -> Reply:
    """`{execution_id}`"""
    return Reply(status, [_JSON], b'{"execution_id":"%s"}' % str(execution_id).encode())


async def of_output(blobs: Blobs, output: EncodedJson, refs: Refs) -> Reply:
    """A workflow's output."""
    if "" in refs:
        return Reply(200, [(b"content-type", _latin(refs[""].media_type)), _SANDBOX], blobs.stream(refs[""].id))
    return Reply(200, [_JSON], (await _joined(blobs, output, refs)).encode())


async def of_node(blobs: Blobs, status: int, headers: Mapping[str, JsonValue], body: EncodedJson | None, refs: Refs) -> Reply:
    """What a respond node gave: an object as JSON, a text as it is, nothing as nothing, a file as its bytes."""
    safe = [*_safe(headers), _SANDBOX]
    typed = any(name == b"content-type" for name, _ in safe)
    if status in _BODILESS or (body is None and not refs):
        return Reply(status, safe, b"")
    if "" in refs:
        return Reply(status, *await _of_blob(blobs, refs[""], safe, typed=typed))
    value = await _joined(blobs, body or "null", refs)
    if value == "null":
        return Reply(status, safe, b"")
    return Reply(status, *_of_value(value, safe, typed=typed))


def _of_value(value: EncodedJson, safe: Headers, *, typed: bool) -> tuple[Headers, bytes]:
    if value.startswith('"'):
        text: str = orjson.loads(value)
        return safe if typed else [*safe, (b"content-type", _TEXT)], text.encode()
    return safe if typed else [*safe, _JSON], value.encode()


async def _of_blob(blobs: Blobs, ref: BlobRef, safe: Headers, *, typed: bool) -> tuple[Headers, bytes | AsyncIterator[bytes]]:
    if ref.media_type == _JSON[1].decode() and ref.size <= _JOINED_BYTES:
        return _of_value(await _loaded(blobs, ref), safe, typed=typed)
    return safe if typed else [*safe, (b"content-type", _latin(ref.media_type))], blobs.stream(ref.id)


def _safe(headers: Mapping[str, JsonValue]) -> Iterator[tuple[bytes, bytes]]:
    """The headers that may leave, each once. What is no header (a line break in it would begin another) is left out."""
    seen = set()
    for name, value in headers.items():
        lower, text = name.lower(), str(value).strip()
        if value is None or lower in _OURS or lower.startswith(_FOR_PROXIES) or lower in seen:
            continue
        if _NAME.fullmatch(name) and _VALUE.fullmatch(text):
            seen.add(lower)
            yield lower.encode(), _latin(text)


async def _joined(blobs: Blobs, value: EncodedJson, refs: Refs) -> EncodedJson:
    """A value with the JSON of its references in their places. Bytes, and what would be too much, stay null."""
    documents = {pointer: ref for pointer, ref in refs.items() if ref.media_type == _JSON[1].decode()}
    if not documents or sum(ref.size for ref in documents.values()) > _JOINED_BYTES:
        return value
    whole: JsonValue = orjson.loads(value)
    for pointer, ref in documents.items():
        *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        holder = whole
        for part in parents:
            holder = holder[int(part) if isinstance(holder, list) else part]
        holder[int(last) if isinstance(holder, list) else last] = orjson.loads(await _loaded(blobs, ref))
    return orjson.dumps(whole).decode()


async def _loaded(blobs: Blobs, ref: BlobRef) -> str:
    return b"".join([piece async for piece in blobs.stream(ref.id)]).decode()


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")
