"""What a caller sent to a webhook, as JSON: the payload, and the circumstances in `trigger`."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import orjson

from backend.errors import BadRequest, UnsupportedMedia
from backend.json_body import decode
from trestle.contracts.base import EncodedJson, JsonObject

# Never handed to a workflow: they prove who the caller is, and executions are kept and shown.
_SECRET_HEADERS = frozenset({b"authorization", b"cookie", b"proxy-authorization"})

Headers = list[tuple[bytes, bytes]]


def header(headers: Headers, name: bytes) -> str:
    """The first value of a header, or an empty text. `name` in lower case."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""


def payload(content_type: str, body: bytes) -> EncodedJson:
    """The body as JSON text: JSON itself untouched, a form as an object, text as a string; nothing at all as null.

    Raises:
        BadRequest: not what its content type says.
        Unprocessable: JSON that no node could hold (json_body.decode).
        UnsupportedMedia: a content type that is none of these.
    """
    if not body:
        return "null"
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("", "application/json") or kind.endswith("+json"):
        decode(body)
        return body.decode()
    if kind == "application/x-www-form-urlencoded":
        return orjson.dumps(_fields(_text(body, kind))).decode()
    if kind.startswith("text/") or kind in ("application/xml", "application/yaml") or kind.endswith("+xml"):
        return orjson.dumps(_text(body, kind)).decode()
    raise UnsupportedMedia(f"A body of type {kind} is not understood here. Send JSON (Content-Type: application/json), a form, or text.")


def circumstances(node: str, method: str, path: str, query: bytes, headers: Headers) -> EncodedJson:
    """`trigger` of an execution: `{kind, node, method, path, headers, query, received_at}`, without what proves who called."""
    told: JsonObject = {
        "kind": "webhook",
        "node": node,
        "method": method,
        "path": path,
        "headers": {key.decode("latin-1"): value.decode("latin-1") for key, value in headers if key not in _SECRET_HEADERS},
        "query": _fields(query.decode("latin-1")) if query else {},
        "received_at": datetime.now(UTC),
    }
    return orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()


def _text(body: bytes, kind: str) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8 (at byte {error.start}), which {kind} is expected to be. Send it as UTF-8.") from None


def _fields(encoded: str) -> JsonObject:
    """Names and values; a name that comes several times gives a list."""
    fields: JsonObject = {}
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=10_000)
    except ValueError:
        raise BadRequest("The form has more than 10,000 fields. Send fewer.") from None
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields
