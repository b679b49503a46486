"""`/internal/v1`: a bare ASGI application that answers executors, and nobody else.

Every call but `register` needs an executor's token. Bodies and answers are the models of contracts.jobs.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import asyncpg
import orjson
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backend.blobs.service import Blobs
from backend.errors import NotFound, Unauthorised, Unprocessable, answer, field_errors
from backend.executions import children
from backend.executions.doorbell import Change, Doorbell
from backend.executions.memories import remember
from backend.executions.settling import Settler
from backend.internal import leases, poison, secrets
from backend.internal.batch import Unreadable, read
from backend.internal.blob_calls import BlobCalls
from backend.internal.claims import Claims
from backend.internal.executors import Executors
from backend.internal.owned import owned
from backend.internal.reports import Answered, Recorder
from backend.internal.taking import LEASE_S
from backend.notifications.telling import tell
from backend.queue import Queue
from backend.settings import Settings
from trestle.contracts.jobs import (
    CheckTask,
    Claim,
    Died,
    Heartbeat,
    NotifyRequest,
    Registered,
    Registration,
    Release,
    RememberRequest,
    Report,
    Secret,
    SecretRequest,
    StartedChild,
    StartRequest,
    Verdict,
)

PREFIX = "/internal/v1/"
_CHUNKS = PREFIX + "blobs/"
HEARTBEAT_S = 10.0

M = TypeVar("M", bound=BaseModel)
Reveal = Callable[[UUID, UUID, int | None], Awaitable[Secret]]
"""(project, credential, version that a service refused) → what it holds. Raises NotFound, Conflict, FailedDependency."""
RevealTried = Callable[[UUID, CheckTask], Secret]
"""The same of one that is not kept, but tried out by a task in this project."""

_SNAPSHOT = "select graph from snapshots where id = $1"


class Internal:
    """Executors' calls."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        queue: Queue,
        doorbell: Doorbell,
        settler: Settler,
        executors: Executors,
        reveal: Reveal,
        reveal_tried: RevealTried,
        blobs: Blobs,
        settings: Settings,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._doorbell = doorbell
        self._executors = executors
        self._reveal = reveal
        self._reveal_tried = reveal_tried
        self._blobs = BlobCalls(blobs)
        self._settler = settler
        self._recorder = Recorder(pool, queue, doorbell, settler)
        self._claims = Claims(pool, doorbell, settings.secret_key.get_secret_value(), settings.base_url)
        self._posts: dict[str, Callable[[UUID, bytes], Awaitable[bytes]]] = {
            "claim": self._claim,
            "reports": self._report,
            "heartbeat": self._beat,
            "release": self._release,
            "secrets": self._secret,
            "notify": self._notify,
            "remember": self._remember,
            "start": self._start,
            "died": self._died,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one call (ASGI)."""
        request = Request(scope, receive)
        try:
            kind = "application/octet-stream" if request.url.path.startswith(_CHUNKS) else "application/json"
            response = Response(await self._handle(request), media_type=kind)
        except HTTPException as error:
            response = answer(error)
        await response(scope, receive, send)

    async def _handle(self, request: Request) -> bytes:
        name = request.url.path[len(PREFIX) :]
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorised("Executors send `Authorization: Bearer <token>`; they get theirs from /internal/v1/register.")
        if name == "register" and request.method == "POST":
            self._executors.check_key(bearer)
            return await self._register(await request.body())
        executor_id = self._executors.identify(bearer)
        if name.startswith("snapshots/") and request.method == "GET":
            return await self._snapshot(name.removeprefix("snapshots/"))
        if name == "blobs" and request.method == "POST":
            return await self._blobs.take(executor_id, request)
        if name.startswith("blobs/") and request.method == "GET":
            return await self._blobs.give(executor_id, name.removeprefix("blobs/"), request)
        if request.method != "POST" or name not in self._posts:
            raise NotFound("Executors have no such call.")
        return await self._posts[name](executor_id, await request.body())

    async def _register(self, body: bytes) -> bytes:
        executor_id = await self._executors.register(_read(Registration, body))
        token = self._executors.token(executor_id)
        return _dump(Registered(executor_id=executor_id, token=token, heartbeat_s=HEARTBEAT_S, lease_s=LEASE_S))

    async def _claim(self, executor_id: UUID, body: bytes) -> bytes:
        return await self._claims.claim(executor_id, await self._executors.lane(executor_id), _read(Claim, body))

    async def _report(self, executor_id: UUID, body: bytes) -> bytes:
        batch = read(body)
        reports = [report for report in batch if isinstance(report, Report)]
        now, verdicts = await self._recorder.record(executor_id, reports) if reports else (await self._recorder.now(), [])
        answered = iter(verdicts)
        answers = []
        for report in batch:
            if isinstance(report, Unreadable):
                said: Answered = await self._recorder.condemn(executor_id, report.execution_id, report.epoch, report.why)
            else:
                said = next(answered)
            answers.append({"execution_id": str(report.execution_id), "verdict": said.verdict, "expected_seq": said.expected_seq})
        return orjson.dumps({"now": now, "answers": answers})

    async def _beat(self, executor_id: UUID, body: bytes) -> bytes:
        running = _read(Heartbeat, body).running
        now, verdicts = await leases.renew(self._pool, executor_id, running)
        answers = await leases.answers(self._pool, executor_id, running) if running else {}
        token = self._executors.token(executor_id)
        return orjson.dumps({"now": now, "token": token, "verdicts": verdicts, "resolved": answers})

    async def _release(self, executor_id: UUID, body: bytes) -> bytes:
        asked = _read(Release, body)
        await leases.give_back(self._pool, self._queue, self._doorbell, executor_id, asked.running)
        if asked.leaving:
            await leases.leave(self._pool, executor_id)
        return b"{}"

    async def _secret(self, executor_id: UUID, body: bytes) -> bytes:
        asked = _read(SecretRequest, body)
        project_id, tried = await secrets.project_that_lends(
            self._pool, executor_id, asked.execution_id, asked.epoch, asked.node, asked.credential_id
        )
        if tried:
            return _dump(self._reveal_tried(project_id, tried))
        return _dump(await self._reveal(project_id, asked.credential_id, asked.refused))

    async def _start(self, executor_id: UUID, body: bytes) -> bytes:
        asked = _read(StartRequest, body)
        async with self._pool.acquire() as connection, connection.transaction():
            await children.note(connection, executor_id, asked)
            parent = await owned(connection, executor_id, asked.execution_id, asked.epoch, hold=True)
            called = await children.start(connection, parent, asked)
        child = called.child
        if called.queued:
            self._queue.push([child.execution_id])
        for change in called.cancelled:
            self._queue.tell(change.execution_id, Verdict.CANCEL)
        self._doorbell.ring([Change(child.execution_id, child.workflow_id, 1), *called.cancelled])
        # One that is not new may have ended, and a retry of its parent asks for it.
        self._settler.soon([*([] if child.fresh else [child.execution_id]), *(change.execution_id for change in called.cancelled)])
        return _dump(StartedChild(execution_id=child.execution_id))

    async def _died(self, _: UUID, body: bytes) -> bytes:
        await poison.lane_died(self._pool, self._queue, self._doorbell, self._settler, _read(Died, body).executor_id)
        return b"{}"

    async def _notify(self, executor_id: UUID, body: bytes) -> bytes:
        return _dump(await tell(self._pool, executor_id, _read(NotifyRequest, body)))

    async def _remember(self, executor_id: UUID, body: bytes) -> bytes:
        return _dump(await remember(self._pool, executor_id, _read(RememberRequest, body)))

    async def _snapshot(self, snapshot_id: str) -> bytes:
        graph = await self._pool.fetchval(_SNAPSHOT, snapshot_id)
        if graph is None:
            raise NotFound("There is no snapshot with this id.")
        return orjson.dumps({"id": snapshot_id, **orjson.loads(graph)})


def _read(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        errors = field_errors(error.errors())
        raise Unprocessable(f"{model.__name__}: {errors[0].message}", errors=errors) from None


def _dump(model: BaseModel) -> bytes:
    return model.model_dump_json().encode()
