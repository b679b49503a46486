"""HTTP calls of nodes: the guarded client's errors in words for the workflow's author, and answers as JSON."""

import base64
import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from executor.errors import NodeError
from trestle.contracts.base import JsonValue

if TYPE_CHECKING:
    from trestle.outbound import OutboundClient, OutboundError, Receive, Response

PIECE = 300
MAX_STREAMED = 2**40
"""Bytes: whoever streams an answer bounds it (the backend does, for blobs)."""
MAX_RETRY_AFTER_S = 86_400.0
HINTS = {
    "InvalidRequest": "Correct the field that the message names.",
    "BlockedAddress": "Call a public address, or ask the operator to open this one.",
    "TooManyRedirects": "Call the address at which the redirects end.",
    "TooLarge": "Ask the service for less at a time.",
    "BadResponse": "Ask the service's operator: its answer is not well-formed.",
    "TimedOut": "Find out why the service is slow.",
    "ConnectionFailed": "Check the address, and that the service is up.",
}


@dataclass(frozen=True)
class HttpCall:
    """One request. `body` is the client's keyword argument for it: json, form, multipart or body."""

    method: str
    url: str
    query: Mapping[str, JsonValue] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout_s: float = 30
    limited_by: str = ""
    """The title of the field that sets `timeout_s`, if one does."""
    follow_redirects: bool = True
    receive: "Receive | None" = None
    """Reads the answer's body itself, where it is not to be held."""


class HttpAnswer:
    """What came back. Header names are in lower case."""

    def __init__(self, response: "Response") -> None:
        self._response = response
        self.status = response.status
        self.headers: dict[str, str] = response.joined_headers()

    @property
    def title(self) -> str:
        """`404 Not Found`"""
        known = self.status in HTTPStatus.__members__.values()
        return f"{self.status} {HTTPStatus(self.status).phrase}" if known else str(self.status)

    @property
    def is_success(self) -> bool:
        """2xx"""
        return self.status // 100 == 2

    def piece(self) -> str:
        """The body's beginning on one line, for an error message."""
        if self._is_binary():
            return ""
        text = " ".join(self._response.text()[: PIECE * 4].split())
        return text if len(text) <= PIECE else text[:PIECE] + "…"

    def read(self, kind: Literal["auto", "json", "text"]) -> JsonValue:
        """The body as JSON or text; null where there is none. `auto` goes by the content type. Raises `NodeError`."""
        if not self._response.body:
            return None
        if kind == "text" or (kind == "auto" and not self._says_json()):
            if kind == "auto" and self._is_binary():
                return {"content_type": self._response.media_type, "base64": base64.b64encode(self._response.body).decode()}
            return self._response.text()
        from trestle.outbound import BadResponse

        try:
            return self._response.json()
        except BadResponse:
            hint = "Read the answer as text, or ask the service for JSON with the header Accept: application/json."
            raise NodeError(f"The answer of {shown(self._response.url)} is not JSON: {self.piece()}", hint=hint, type="BadAnswer") from None

    def _says_json(self) -> bool:
        return self._response.media_type == "application/json" or self._response.media_type.endswith("+json")

    def _is_binary(self) -> bool:
        return is_binary(self._response.media_type, self._response.body)


def is_binary(media_type: str, beginning: bytes) -> bool:
    """Whether bytes of which this is all, or the beginning, are no text."""
    if media_type.startswith("text/") or media_type.endswith(("json", "xml", "javascript", "x-www-form-urlencoded")):
        return False
    try:
        # The last character may be cut off.
        return "\0" in codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return True


def host_of(url: str) -> str:
    """The URL's host; empty where it has none, which the client will refuse."""
    from yarl import URL

    try:
        return URL(url).host or ""
    except ValueError:
        return ""


async def call(client: "OutboundClient", request: HttpCall) -> HttpAnswer:
    """Sends the request; any status is an answer.

    Raises `NodeError` where there is none (see `failure`).
    """
    from trestle.outbound import MAX_BODY, OutboundError

    try:
        response = await client.request(
            request.method,
            request.url,
            params=request.query,
            headers=request.headers,
            timeout_s=request.timeout_s,
            follow_redirects=request.follow_redirects,
            max_body=MAX_BODY if request.receive is None else MAX_STREAMED,
            receive=request.receive,
            **request.body,
        )
    except OutboundError as error:
        raise failure(error, request.limited_by) from error
    return HttpAnswer(response)


def failure(error: "OutboundError", limited_by: str = "") -> NodeError:
    """A call's error as a step's: retryable for connections that broke or were refused and for timeouts, and with
    `outcome_unknown` where the request may have arrived all the same. `limited_by`: the field that sets the time limit.
    """
    kind = error.__class__.__name__
    hint = HINTS.get(kind, "Correct the request.")
    if kind == "TimedOut" and limited_by:
        hint = f"Raise “{limited_by}” of the node, or find out why the service is slow."
    return NodeError(
        str(error),
        hint=hint,
        retryable=error.retryable,
        outcome_unknown=_may_have_arrived(error),
        type=kind,
    )


def _may_have_arrived(error: "OutboundError") -> bool:
    import aiohttp

    from trestle.outbound import BadResponse, ConnectionFailed, TimedOut, TooLarge, TooManyRedirects

    if isinstance(error, ConnectionFailed):
        cause = error.__context__
        return isinstance(cause, aiohttp.ClientError) and not isinstance(cause, aiohttp.ClientConnectorError)
    return isinstance(error, TimedOut | BadResponse | TooLarge | TooManyRedirects)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds from a `Retry-After` header, a number or a date; at most a day. None where it says nothing."""
    if header is None:
        return None
    try:
        wait = float(header) if header.strip().isdigit() else (_moment(header) - now).total_seconds()
    except ValueError:
        return None
    return min(max(wait, 0.0), MAX_RETRY_AFTER_S)


def _moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def shown(url: str) -> str:
    """A URL for a message: without query and user, which may hold a key."""
    from yarl import URL

    try:
        return str(URL(url).with_query(None).with_fragment(None).with_user(None))
    except ValueError:
        return url.partition("?")[0]
