"""The HTTP client for everything that a workflow, or a stored setting, can aim."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from trestle.outbound import decoding
from trestle.outbound.errors import (
    BadResponse,
    BlockedAddress,
    ConnectionFailed,
    InvalidRequest,
    OutboundError,
    TimedOut,
    TooLarge,
    TooManyRedirects,
)
from trestle.outbound.guard import Lookup, Policy, literal_address, resolve, system_lookup
from trestle.outbound.requests import Part, Request, Stream, build
from trestle.outbound.response import Response

MAX_BODY: Final = 10 * 1024 * 1024
MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_CHUNK: Final = 64 * 1024
_MAX_HEADER: Final = 32 * 1024
_UNSET: Final = object()

Receive = Callable[[Response, AsyncIterator[bytes]], Awaitable[bytes]]
"""Reads an answer's body itself: gets the answer without it, and its decoded pieces. What it gives back is the `Response`'s body."""


class OutboundClient:
    """Calls URLs that users choose, without reaching what they must not reach.

    One for a process; close it at the end (``async with``). Connections are kept and shared. A kept connection can't get
    around the guard: its address was judged by this client's policy, which never changes, when it was made.
    Proxies from the environment, netrc files and cookies are ignored.
    """

    def __init__(self, policy: Policy, *, lookup: Lookup = system_lookup, max_connections: int = 100, user_agent: str = "Trestle") -> None:
        self._policy = policy
        self._lookup = lookup
        self._max_connections = max_connections
        self._user_agent = user_agent
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; a call that is running fails."""
        if self._opened is not None:
            await self._opened.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        body: bytes | str | Stream | None = None,
        json: Any = _UNSET,
        form: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        multipart: Sequence[Part] | None = None,
        timeout_s: float = 30.0,
        max_body: int = MAX_BODY,
        follow_redirects: bool = True,
        receive: Receive | None = None,
    ) -> Response:
        """Send a request and read the whole answer, or let ``receive`` read it piece by piece; any status is an answer.

        ``params`` are added to the URL's own query. ``timeout_s`` covers everything: name, connection, redirects, body.
        ``max_body`` is in bytes after decompression. Up to 5 redirects are followed, each judged like the first URL; to
        another origin only harmless headers go along. Cancelling the task aborts the call. Raises OutboundError.
        """
        request = build(
            method,
            url,
            params=params,
            headers=headers,
            body=body,
            json=json,
            has_json=json is not _UNSET,
            form=form,
            multipart=multipart,
        )
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                reading = _Reading(max_body, receive, started)
                return await self._follow(request, reading, MAX_REDIRECTS if follow_redirects else 0, follow=follow_redirects)
        except TimeoutError:
            raise TimedOut(f"{request.method} {_shown(request)} took longer than {timeout_s:g} s.") from None

    async def _follow(self, request: Request, reading: "_Reading", hops: int, *, follow: bool) -> Response:
        passed: list[str] = []
        while True:
            response = await self._send(request, reading, passed, read_redirect=not follow)
            status, location = response.status, response.headers.get("Location")
            if not follow or status not in _REDIRECTS or location is None:
                return response
            if len(passed) >= hops:
                raise TooManyRedirects(f"{passed[0]} redirects more than {hops} times. Call the final address.")
            passed.append(str(request.url))
            request = request.redirected(status, location)

    async def _send(self, request: Request, reading: "_Reading", passed: Sequence[str], *, read_redirect: bool) -> Response:
        session = self._session()
        await self._judge_literal(request)
        try:
            async with session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.data(),
                allow_redirects=False,
            ) as answer:
                head = Response(answer.status, answer.headers, b"", str(request.url), 0, tuple(passed))
                if answer.status in _REDIRECTS and "Location" in answer.headers and not read_redirect:
                    return head
                declared = answer.content_length
                if declared is not None and declared > reading.max_body and request.method != "HEAD":
                    raise TooLarge(f"The answer of {_shown(request)} has {declared} bytes, more than the limit of {reading.max_body}.")
                encoding = answer.headers.get("Content-Encoding", "")
                pieces = decoding.pieces(answer.content.iter_chunked(_CHUNK), encoding, reading.max_body, _shown(request))
                body = b"".join([piece async for piece in pieces]) if reading.receive is None else await reading.receive(head, pieces)
                return replace(head, body=body, elapsed_s=time.monotonic() - reading.started)
        except OutboundError:
            raise
        except TimeoutError:
            raise  # told by request(), which set the limit
        except (aiohttp.InvalidURL, ValueError) as error:
            raise InvalidRequest(f"{_shown(request)} can't be called: {error}.") from None
        except aiohttp.ClientPayloadError as error:
            raise ConnectionFailed(f"{_shown(request)} broke the connection in the middle of its answer: {error}.") from None
        except aiohttp.ClientResponseError as error:
            raise BadResponse(f"{_shown(request)} did not answer in HTTP: {error.message}.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionFailed(f"{_shown(request)} can't be reached: {_reason(error)}. Check the address and that it is up.") from None

    async def _judge_literal(self, request: Request) -> None:
        # aiohttp asks no resolver about a host that is an address already.
        host, port = str(request.url.raw_host), int(request.url.port or 0)
        if literal_address(host) is not None:
            await resolve(host, port, self._policy, lookup=self._lookup)

    def _session(self) -> aiohttp.ClientSession:
        # Made in the running loop, when it is first needed.
        if self._opened is None:
            connector = aiohttp.TCPConnector(
                resolver=_GuardedResolver(self._policy, self._lookup),
                use_dns_cache=False,
                limit=self._max_connections,
                socket_factory=self._socket,
            )
            self._opened = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": decoding.ACCEPTED},
                trust_env=False,
                auto_decompress=False,
                max_line_size=_MAX_HEADER,
                max_field_size=_MAX_HEADER,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._opened

    def _socket(self, info: Any) -> socket.socket:
        """The last wall: no socket is made towards an address that the policy doesn't allow, whoever asked for it."""
        family, kind, protocol, _, target = info
        if not self._policy.allows(ip_address(str(target[0]).partition("%")[0])):
            raise BlockedAddress(f"{target[0]!r} is a private, local or reserved address, and outbound calls don't go there.")
        return socket.socket(family, kind, protocol)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How an answer is read. `started`: time.monotonic at the start of the call."""

    max_body: int
    receive: Receive | None
    started: float


class _GuardedResolver(AbstractResolver):
    """aiohttp connects to what this returns and asks nobody else: the judged addresses are the ones used."""

    def __init__(self, policy: Policy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        addresses = await resolve(host, port, self._policy, lookup=self._lookup)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _shown(request: Request) -> str:
    """The URL for a message: without its query, which may hold a key."""
    return str(request.url.with_query(None).with_fragment(None))


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not valid ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error)
    return str(error) or type(error).__name__
