"""HTTP to the backend: requests, its errors as readable ones, and its event streams. Knows nothing of who is signed in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from pydantic import ValidationError

from trestle.contracts.problems import FieldError, Problem
from web import exact

# A stream says something at least every half minute; a call that takes longer has failed.
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5, sock_read=90)

Params = Mapping[str, str | int | None]


class ApiError(Exception):
    """The backend refused. `str()` of it is a sentence for the person at the screen."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(readable(problem))
        self.problem = problem

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def errors(self) -> list[FieldError]:
        """What is wrong, field by field; often empty."""
        return self.problem.errors


class Unreachable(ApiError):
    """The backend does not answer."""

    def __init__(self, reason: str) -> None:
        detail = "Trestle's backend does not answer. Your work here is kept; try again in a moment."
        super().__init__(Problem(title="No answer", status=503, detail=detail))
        self.reason = reason


@dataclass(frozen=True)
class ServerEvent:
    """One event of a stream. `data` is the decoded JSON."""

    id: str
    event: str
    data: Any


def readable(problem: Problem) -> str:
    """A problem as one text: what to do, then each field with what is wrong with it, where that is not said yet."""
    lines = [problem.detail or problem.title]
    for error in problem.errors:
        if error.message in lines[0]:
            continue
        place = ".".join(str(part) for part in error.loc if part != "body")
        where = " · ".join(part for part in (error.node, place) if part)
        lines.append(f"{where}: {error.message}" if where else error.message)
    return "\n".join(lines)


def problem_of(status: int, content_type: str, body: bytes) -> Problem:
    """The problem in an error answer, or one made up for an answer that holds none (from a proxy, say)."""
    if "json" in content_type:
        try:
            return Problem.model_validate({"title": f"HTTP {status}", "detail": "", **orjson.loads(body), "status": status})
        except (ValueError, TypeError, ValidationError):
            pass
    return Problem(
        title=f"HTTP {status}", status=status, detail=f"The backend answered with status {status} and no explanation. Its log says more."
    )


async def parse_events(lines: AsyncIterator[bytes]) -> AsyncIterator[ServerEvent]:
    """Server-sent events out of the lines of a response."""
    last_id, kind, data = "", "message", b""
    async for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line:
            if data:
                yield ServerEvent(last_id, kind, exact.loads(data))
            kind, data = "message", b""
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"id":
                last_id = value.decode()
            case b"event":
                kind = value.decode()
            case b"data":
                data = data + b"\n" + value if data else value
            case _:
                continue  # a comment keeps the connection open


class Backend:
    """The connections to the backend's `/api/v1`."""

    def __init__(self, url: str) -> None:
        self._root = f"{url}/api/v1"
        self._http: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        # Made on first use: a ClientSession belongs to the event loop that runs then.
        if self._http is None or self._http.closed:
            self._http = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False)
        return self._http

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        text: str | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request; the decoded JSON of its answer, or None where it has no body. `text` is sent as it is; a header says what it is.

        Raises `ApiError` for every answer from 400 on, `Unreachable` where there is no answer.
        """
        sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        body: Any = form if text is None else text.encode()
        if json is not None:
            body = exact.dumps(json)
            sent["Content-Type"] = "application/json"
        query = {key: str(value) for key, value in (params or {}).items() if value not in (None, "")}
        try:
            async with self._client().request(method, self._root + path, data=body, params=query, headers=sent) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(str(error)) from error
        if answer.status >= 400:
            raise ApiError(problem_of(answer.status, answer.content_type, content))
        return exact.loads(content) if content else None

    @asynccontextmanager
    async def download(self, path: str, *, token: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is read as it comes. Raises as `call` does."""
        try:
            async with self._client().get(
                self._root + path, headers={"Authorization": f"Bearer {token}"}, timeout=STREAM_TIMEOUT
            ) as answer:
                if answer.status >= 400:
                    raise ApiError(problem_of(answer.status, answer.content_type, await answer.read()))
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(str(error)) from error

    async def events(self, path: str, *, token: str, last_event_id: str = "") -> AsyncIterator[ServerEvent]:
        """The events of a stream until it ends. Raises as `call` does; a connection that breaks is `Unreachable`."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        try:
            async with self._client().get(self._root + path, headers=headers, timeout=STREAM_TIMEOUT) as answer:
                if answer.status >= 400:
                    raise ApiError(problem_of(answer.status, answer.content_type, await answer.read()))
                async for event in parse_events(_lines(answer.content)):
                    yield event
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(str(error)) from error


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    # StreamReader's own line iteration gives up on a line of more than its buffer; an event may hold a large value.
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest
