"""What a caller sent to a webhook, as JSON: the payload, and the circumstances in `trigger`."""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl

import orjson

from backend.errors import BadRequest, BodyTooLarge, UnsupportedMedia
from backend.json_body import decode
from backend.triggers import multipart
from trestle.contracts.base import EncodedJson, JsonObject, JsonValue

# Never handed to a workflow: they prove who the caller is, and executions are kept and shown.
_SECRET_HEADERS = frozenset({b"authorization", b"cookie", b"proxy-authorization"})

Headers = list[tuple[bytes, bytes]]


class Attachment(NamedTuple):
    """Bytes that came with a call."""

    content_type: str
    data: bytes


def header(headers: Headers, name: bytes) -> str:
    """The first value of a header, or an empty text. `name` in lower case."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""


class Received(NamedTuple):
    """A body: JSON text, and what of it is bytes, by JSON pointer. At these places the JSON has null."""

    input: EncodedJson
    attachments: dict[str, Attachment] = {}  # noqa: RUF012  # never changed


def unpacked(encoding: str, body: bytes, limit: int) -> bytes:
    """The body without its `Content-Encoding`, gzip, of which no more than `limit` bytes may come.

    Raises:
        UnsupportedMedia: another encoding.
        BadRequest: not gzip, or cut off.
        BodyTooLarge: more than `limit`.
    """
    name = encoding.strip().lower()
    if name == "identity":
        return body
    if name not in ("gzip", "x-gzip"):
        raise UnsupportedMedia(f"A body with the Content-Encoding {encoding} is not understood here. Send it plain, or as gzip.")
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = unpacking.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequest(f"The body is not gzip, which its Content-Encoding says: {error}.") from None
    if len(plain) > limit:
        raise BodyTooLarge(f"The body is larger than {limit / 1_000_000:g} MB when unpacked. Send less, or in several requests.")
    if not unpacking.eof or unpacking.unused_data:
        raise BadRequest("The gzip body is cut off, or something follows it. Send it whole, in one piece.")
    return plain


def received(content_type: str, body: bytes) -> Received:
    """JSON untouched; a form as an object, its files as `{filename, content_type, size, content}` with their bytes at `content`;
    text as a string; nothing at all as null; all else as bytes.

    Raises:
        BadRequest: not what its content type says.
        Unprocessable: JSON that no node could hold (json_body.decode).
    """
    if not body:
        return _NOTHING
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("", "application/json") or kind.endswith("+json"):
        decode(body)
        return Received(body.decode())
    if kind == "application/x-www-form-urlencoded":
        return Received(orjson.dumps(_fields(_pairs(_text(body, kind)))).decode())
    if kind == "multipart/form-data":
        return _form(content_type, body)
    if kind.startswith("text/") or kind in ("application/xml", "application/yaml") or kind.endswith("+xml"):
        return Received(orjson.dumps(_text(body, kind)).decode())
    return Received("null", {"": Attachment(content_type, body)})


def payload(content_type: str, body: bytes) -> EncodedJson:
    """As `received`, where there is no place for files. Raises UnsupportedMedia as well: something in it is bytes."""
    content = received(content_type, body)
    if content.attachments:
        kind = content_type.partition(";")[0].strip()
        raise UnsupportedMedia(f"Files, and bodies of type {kind}, are not taken here. Send JSON, a form without files, or text.")
    return content.input


def _form(content_type: str, body: bytes) -> Received:
    files: list[tuple[JsonObject, Attachment]] = []
    pairs: list[tuple[str, JsonValue]] = []
    for part in multipart.parts(content_type, body):
        if part.filename is None:
            pairs.append((part.name, _text(bytes(part.data), f"the field “{part.name}”")))
            continue
        told = {"filename": part.filename, "content_type": part.content_type, "size": len(part.data), "content": None}
        pairs.append((part.name, told))
        files.append((told, Attachment(part.content_type, bytes(part.data))))
    fields = _fields(pairs)
    return Received(orjson.dumps(fields).decode(), {_pointer(fields, told): attached for told, attached in files})


def _pointer(fields: JsonObject, told: JsonObject) -> str:
    """Where the content of a file of a form is."""
    for name, value in fields.items():
        start = "/" + name.replace("~", "~0").replace("/", "~1")
        if value is told:
            return f"{start}/content"
        if isinstance(value, list):
            for position, item in enumerate(value):
                if item is told:
                    return f"{start}/{position}/content"
    raise LookupError("a file that is not in its form")


_NOTHING = Received("null")


def circumstances(
    node: str, method: str, path: str, query: bytes, headers: Headers, *, hidden: bytes = b"", test: bool = False
) -> EncodedJson:
    """`trigger` of an execution: `{kind, node, method, path, headers, query, received_at}`, without what proves who called, which
    the header `hidden` does as well. `test` is there, and true, where the test URL was called."""
    shown = {key.decode("latin-1"): value.decode("latin-1") for key, value in headers if key not in _SECRET_HEADERS and key != hidden}
    told: JsonObject = {
        "kind": "webhook",
        "node": node,
        "method": method,
        "path": path,
        "headers": shown,
        "query": _fields(_pairs(query.decode("latin-1"))) if query else {},
        "received_at": datetime.now(UTC),
    }
    if test:
        told["test"] = True
    return orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()


def _text(body: bytes, kind: str) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8 (at byte {error.start}), which {kind} is expected to be. Send it as UTF-8.") from None


def _pairs(encoded: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded, keep_blank_values=True, max_num_fields=10_000)
    except ValueError:
        raise BadRequest("The form has more than 10,000 fields. Send fewer.") from None


def _fields(pairs: Iterable[tuple[str, JsonValue]]) -> JsonObject:
    """Names and values; a name that comes several times gives a list."""
    fields: JsonObject = {}
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields
