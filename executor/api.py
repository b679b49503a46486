"""Client of the backend's internal routes. All under `/internal/v1`, JSON in and out, models of `trestle.contracts.jobs`:

    POST /register         Registration   → Registered        authorised by the shared executor key
    POST /claim            Claim          → Claimed           authorised, as all the rest, by the process's own token
    POST /reports          Reports        → Answers
    POST /heartbeat        Heartbeat      → HeartbeatAnswer
    POST /release          Release        → {}
    GET  /snapshots/{id}                  → Snapshot
    POST /secrets          SecretRequest  → Secret            403 or 404 where the step may not have it
    POST /start            StartRequest   → StartedChild      404, 409 or 422 where it can't be
    POST /notify           NotifyRequest  → Notified
    POST /blobs?…          a chunk        → BlobRef           404 where the execution isn't owned, 413 where it is too large
    GET  /blobs/{id}?…                    → a chunk
    POST /remember         RememberRequest → Remembered
    POST /died             Died           → {}

Two kinds of failure: `BackendAway` (no answer, or 5xx, 408, 429: the same call may succeed later) and `BackendRefused`
(any other status: the same call never will). A 401 means that the token ran out: the process registers again, once for all
callers, and the call is repeated.
"""

import asyncio
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
from pydantic import BaseModel

from executor.errors import ExecutorError
from trestle.contracts.graph import Snapshot
from trestle.contracts.jobs import (
    Answers,
    BlobRef,
    Claim,
    Claimed,
    Died,
    Heartbeat,
    HeartbeatAnswer,
    Notified,
    NotifyRequest,
    Registered,
    Registration,
    Release,
    Remembered,
    RememberRequest,
    Reports,
    Secret,
    SecretRequest,
    StartedChild,
    StartRequest,
)

A = TypeVar("A", bound=BaseModel)

_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class BackendAway(ExecutorError):
    """The backend did not answer, or could not. The same call may succeed later."""


class BackendRefused(ExecutorError):
    """The backend will not do this. `detail` is what it said."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class Api:
    """One process's way to the backend. `register` comes first; `executor_id` and `lease_s` hold from then on.

    Heartbeats have a connection of their own, so that no pile of reports can delay one.
    """

    def __init__(self, backend_url: str, executor_key: str, registration: Registration) -> None:
        self._base = f"{backend_url}/internal/v1"
        self._key = executor_key
        self._registration = registration
        self._registered: Registered | None = None
        self._registering = asyncio.Lock()
        self._token = ""
        # A peer that is there and says nothing (a half-open connection) is given up for a new connection.
        timeout = aiohttp.ClientTimeout(total=30, sock_connect=3, sock_read=15)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=20, keepalive_timeout=60))
        self._pulse = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=8, sock_connect=3), connector=aiohttp.TCPConnector(limit=2, keepalive_timeout=60)
        )

    @property
    def registered(self) -> Registered:
        """Who this process is to the backend."""
        if self._registered is None:
            raise RuntimeError("register() comes before everything else")
        return self._registered

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()
        await self._pulse.close()

    async def register(self) -> Registered:
        """Says who this is and which nodes it has. Raises `BackendAway`, `BackendRefused` (a wrong key is 401)."""
        body = self._registration.model_dump_json().encode()
        status, answer = await self._exchange(self._session, "POST", "/register", body, self._key)
        self._registered = self._read(Registered, status, answer)
        self._token = self._registered.token
        return self._registered

    async def claim(self, claim: Claim) -> Claimed:
        """Takes executions."""
        return await self._call(Claimed, "POST", "/claim", claim)

    async def report(self, reports: Reports) -> Answers:
        """Hands in a batch."""
        return await self._call(Answers, "POST", "/reports", reports)

    async def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer:
        """Renews leases, and the token."""
        answer = await self._call(HeartbeatAnswer, "POST", "/heartbeat", beat, session=self._pulse)
        self._token = answer.token
        return answer

    async def release(self, release: Release) -> None:
        """Gives executions back."""
        await self._call(None, "POST", "/release", release)

    async def snapshot(self, snapshot_id: str) -> Snapshot:
        """The graph that an execution is pinned to."""
        return await self._call(Snapshot, "GET", f"/snapshots/{snapshot_id}")

    async def secret(self, request: SecretRequest) -> Secret:
        """A decrypted credential, for the step that names it."""
        return await self._call(Secret, "POST", "/secrets", request)

    async def start(self, request: StartRequest) -> StartedChild:
        """Starts a child execution."""
        return await self._call(StartedChild, "POST", "/start", request)

    async def notify(self, request: NotifyRequest) -> Notified:
        """Tells people something."""
        return await self._call(Notified, "POST", "/notify", request)

    async def put_chunk(
        self, execution_id: UUID, epoch: int, blob_id: UUID, chunk: bytes, *, place: int, last: bool, media_type: str
    ) -> BlobRef:
        """Adds a chunk to a blob; the `last` one completes it."""
        query = urlencode({"id": blob_id, "place": place, "media_type": media_type, **({"last": "1"} if last else {})})
        status, answer = await self._authorised(self._session, "POST", f"/blobs?{_owner(execution_id, epoch)}&{query}", chunk)
        return self._read(BlobRef, status, answer)

    async def chunk(self, execution_id: UUID, epoch: int, blob_id: UUID, place: int) -> bytes:
        """A chunk of a blob."""
        path = f"/blobs/{blob_id}?{_owner(execution_id, epoch)}&place={place}"
        status, answer = await self._authorised(self._session, "GET", path, None)
        self._read(None, status, answer)
        return answer

    async def remember(self, request: RememberRequest) -> Remembered:
        """Asks what a node has seen before, and remembers it."""
        return await self._call(Remembered, "POST", "/remember", request)

    async def died(self, died: Died) -> None:
        """Says that a quarantine lane died."""
        await self._call(None, "POST", "/died", died)

    async def _call(
        self, shape: type[A] | None, method: str, path: str, body: BaseModel | None = None, session: aiohttp.ClientSession | None = None
    ) -> A:
        encoded = body.model_dump_json(exclude_defaults=True).encode() if body is not None else None
        status, answer = await self._authorised(session or self._session, method, path, encoded)
        return self._read(shape, status, answer)

    async def _authorised(self, session: aiohttp.ClientSession, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        token = self._token
        status, answer = await self._exchange(session, method, path, body, token)
        if status == HTTPStatus.UNAUTHORIZED:
            await self._register_again(token)
            status, answer = await self._exchange(session, method, path, body, self._token)
        return status, answer

    async def _register_again(self, refused: str) -> None:
        async with self._registering:
            if self._token == refused:
                await self.register()

    async def _exchange(self, session: aiohttp.ClientSession, method: str, path: str, body: bytes | None, token: str) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            async with session.request(method, self._base + path, data=body, headers=headers) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise BackendAway(f"{method} {path}: {str(error) or type(error).__name__}") from error

    @staticmethod
    def _read(shape: type[A] | None, status: int, answer: bytes) -> A:
        if status >= 500 or status in _LATER:
            raise BackendAway(f"the backend answered {status}")
        if status >= 400:
            raise BackendRefused(status, answer.decode(errors="replace")[:2000])
        return shape.model_validate_json(answer) if shape is not None else None  # type: ignore[return-value]  # A is None's caller's


def _owner(execution_id: UUID, epoch: int) -> str:
    return f"execution_id={execution_id}&epoch={epoch}"
