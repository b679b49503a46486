"""What is sent: the URL, the headers and the body, checked before anything leaves."""

import json as jsonlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from trestle.outbound.errors import InvalidRequest
from trestle.outbound.guard import literal_address

_METHOD: Final = re.compile(r"[A-Za-z]{1,20}")
_FORBIDDEN_METHODS: Final = ("CONNECT", "TRACE")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# The client frames the message; a header that says otherwise would smuggle a second one.
_OWN_HEADERS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "keep-alive", "proxy-authorization"}
    | {"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
# What may follow a redirect to another origin. Any other header may be a secret: a key can have any name.
_HARMLESS_HEADERS: Final = frozenset({"accept", "accept-language", "content-type", "user-agent", "idempotency-key"})
_BODY_HEADERS: Final = frozenset({"content-type", "content-encoding", "content-language"})


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes of a known number that are read while they are sent. ``open`` begins anew for each sending (a redirect may repeat it)."""

    open: Callable[[], AsyncIterator[bytes]]
    size: int

    def payload(self) -> aiohttp.payload.Payload:
        """For one sending."""
        return _Sized(self.open(), self.size)


class _Sized(aiohttp.payload.AsyncIterablePayload):
    """Sent with its length, not in chunks: many servers want to know."""

    def __init__(self, pieces: AsyncIterator[bytes], size: int) -> None:
        super().__init__(pieces)
        self._size = size


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart form."""

    name: str
    value: str | bytes | Stream
    filename: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be sent, once or along redirects."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | Stream | None
    parts: tuple[Part, ...] = ()

    def data(self) -> bytes | aiohttp.FormData | aiohttp.payload.Payload | None:
        """The body for one sending."""
        if not self.parts:
            return self.body.payload() if isinstance(self.body, Stream) else self.body
        form = aiohttp.FormData(default_to_multipart=True)
        for part in self.parts:
            value = part.value.payload() if isinstance(part.value, Stream) else part.value
            form.add_field(part.name, value, filename=part.filename, content_type=part.content_type)
        return form

    def redirected(self, status: int, location: str) -> "Request":
        """The request that follows a redirect. Raises InvalidRequest if it leads to what is no web address."""
        try:
            target = self.url.join(URL(location))
        except ValueError as error:
            raise InvalidRequest(f"{self.url} redirects to {location!r}, which is not a URL: {error}.") from None
        target = checked_url(str(target.with_fragment(None)))
        headers = self.headers.copy()
        if target.origin() != self.url.origin():
            headers = CIMultiDict((name, value) for name, value in headers.items() if name.lower() in _HARMLESS_HEADERS)
        to_get = (status == 303 and self.method != "HEAD") or (status in (301, 302) and self.method == "POST")
        if not to_get:
            return replace(self, url=target, headers=headers)
        headers = CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _BODY_HEADERS)
        return replace(self, method="GET", url=target, headers=headers, body=None, parts=())


def build(
    method: str,
    url: str,
    *,
    params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] | None,
    body: bytes | str | Stream | None,
    json: Any,
    has_json: bool,
    form: Mapping[str, Any] | Iterable[tuple[str, Any]] | None,
    multipart: Sequence[Part] | None,
) -> Request:
    """Raises InvalidRequest that says what is wrong."""
    if not _METHOD.fullmatch(method) or method.upper() in _FORBIDDEN_METHODS:
        raise InvalidRequest(f"{method!r} is not a method that can be sent. Use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.")
    if sum((body is not None, has_json, form is not None, multipart is not None)) > 1:
        raise InvalidRequest("A request has one body: give one of body, json, form and multipart.")
    target = checked_url(url)
    if params:
        target = target.extend_query(_pairs(params))
    sent = checked_headers(headers)
    data: bytes | Stream | None = body.encode() if isinstance(body, str) else body
    if has_json:
        data = _json(json)
        sent.setdefault("Content-Type", "application/json")
    elif form is not None:
        data = urlencode(_pairs(form)).encode()
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif multipart is not None:
        sent.popall("Content-Type", None)  # its boundary is made when it is sent
    return Request(method.upper(), target, sent, data, tuple(multipart or ()))


def checked_url(text: str) -> URL:
    """A URL that may be called, as far as its text can tell. Raises InvalidRequest or BlockedAddress."""
    text = text.strip()
    if _CONTROL.search(text):
        raise InvalidRequest("The URL holds a line break or another control character.")
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except ValueError as error:
        raise InvalidRequest(f"{text[:200]!r} is not a URL: {error}.") from None
    if url.scheme not in ("http", "https"):
        raise InvalidRequest(f"{text[:200]!r} does not begin with http:// or https://.")
    if not host:
        raise InvalidRequest(f"{text[:200]!r} names no host.")
    if url.raw_user is not None or url.raw_password is not None:
        raise InvalidRequest("The URL holds a user name or a password, which end up in logs. Use a credential instead.")
    if not port:
        raise InvalidRequest("Port 0 can't be called.")
    literal_address(host)
    return url


def checked_headers(headers: Mapping[str, str] | Iterable[tuple[str, str]] | None) -> CIMultiDict[str]:
    """Headers that may be sent. Raises InvalidRequest that names the wrong one, never its value."""
    checked: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items() if isinstance(headers, Mapping) else headers or ():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise InvalidRequest(f"{name!r} is not the name of a header.")
        if name.lower() in _OWN_HEADERS:
            raise InvalidRequest(f"The header {name} is set by the client itself. Leave it out.")
        if not isinstance(value, str) or _CONTROL.search(value.replace("\t", " ")):
            raise InvalidRequest(f"The value of the header {name} is not one line of text.")
        checked.add(name, value.strip())
    return checked


def _pairs(values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Names and texts; a list gives its name several times, null leaves it out."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items() if isinstance(values, Mapping) else values:
        several = value if isinstance(value, list | tuple) else [value]
        pairs.extend((str(name), _text(one)) for one in several if one is not None)
    return pairs


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value).decode()


def _json(value: Any) -> bytes:
    try:
        return jsonlib.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"The body can't be written as JSON: {error}.") from None
