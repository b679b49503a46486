"""`ANY /webhooks/{path}`: the way in for the world. A bare ASGI application: every microsecond here is paid once a call."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from backend.blobs.service import Blobs, encoded_refs
from backend.errors import Error, MethodNotAllowed, NotFound, Unauthorised, answer
from backend.executions.accept import Acceptor, Arrival
from backend.executions.births import Birth
from backend.executions.repeats import request_hash
from backend.triggers import once
from backend.triggers.answers import Answers
from backend.triggers.authentication import Gate, NotSetUp
from backend.triggers.calls import LastCalls
from backend.triggers.complaints import Complaints
from backend.triggers.directory import Directory, Webhook
from backend.triggers.once import CantTell
from backend.triggers.payload import Headers, Received, circumstances, header, received, unpacked
from backend.triggers.replies import Reply
from trestle.contracts.base import EncodedJson
from trestle.contracts.jobs import BLOB_BYTES

PREFIX = "/webhooks/"
_LONG = 1_000_000  # bytes that take more than an instant to read


class Webhooks:
    """Answers calls to published webhooks: by default 202 `{execution_id}`, after the commit. Answers.reply says what else."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        directory: Directory,
        acceptor: Acceptor,
        gate: Gate,
        answers: Answers,
        blobs: Blobs,
        calls: LastCalls,
        complaints: Complaints,
        *,
        max_body: int,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._acceptor = acceptor
        self._gate = gate
        self._answers = answers
        self._blobs = blobs
        self._calls = calls
        self._complaints = complaints
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one call (ASGI)."""
        try:
            reply = await self._handle(scope, receive)
        except Error as error:
            await answer(error)(scope, receive, send)
            return
        await reply.send(send)

    async def _handle(self, scope: Scope, receive: Receive) -> Reply:
        path, method, headers = scope["path"][len(PREFIX) :], scope["method"], scope["headers"]
        body = await whole(receive)
        hook = self._directory.remembered(path, method)
        fresh = hook is None
        if hook is None:
            hook = await self._look_up(path, method)
        content: Received | None = None
        while True:
            hook.bucket.take()
            hidden = b""
            if not hook.plain:
                try:
                    hidden = await self._gate.check(hook, headers, body)
                except Unauthorised as error:
                    if fresh:
                        if isinstance(error, NotSetUp):
                            await self._complain_of_set_up(hook, error)
                        raise
                    hook, fresh = await self._look_up(path, method), True  # it may ask for something else by now
                    continue
            if content is None:
                content = await read(headers, body, self._max_body)
            trigger = circumstances(hook.node, method, path, scope["query_string"], headers, hidden=hidden)
            key = header(headers, b"idempotency-key")
            with self._answers.place(hook):
                if hook.plain and not key and not content.attachments and len(content.input) <= BLOB_BYTES:
                    execution_id = await self._acceptor.accept(Arrival(hook.trigger_id, trigger, content.input))
                else:
                    asked = request_hash(scope["query_string"], body) if key else b""
                    execution_id = await self._accept_carefully(hook, trigger, content, headers, f"webhook:{method}:{path}", key, asked)
                if execution_id is not None:
                    self._calls.note(hook.trigger_id)
                    return await self._answers.reply(hook, execution_id, receive)
            if fresh:
                raise _nothing_here(path)
            hook, fresh = await self._look_up(path, method), True

    async def _accept_carefully(
        self, hook: Webhook, trigger: EncodedJson, content: Received, headers: Headers, scope: str, key: str, asked: bytes
    ) -> UUID | None:
        try:
            dedupe = once.dedupe_key(hook, trigger, content.input, headers)
        except CantTell as error:
            message = f"A call was refused: {error}"
            hint = "Let the webhook's dedupe look at what every call has, such as a header: or leave it empty."
            small = content.input if len(content.input) <= BLOB_BYTES else "null"
            await self._complaints.tell(hook, "dedupe", message, hint, trigger, small)
            raise
        value, refs = await stored(self._blobs, hook.project_id, content)
        if not key and dedupe is None and refs is None:
            return await self._acceptor.accept(Arrival(hook.trigger_id, trigger, value))
        birth = Birth(hook.trigger_id, trigger, value, refs, dedupe)
        return await once.accept(self._pool, self._acceptor, birth, scope=scope, key=key, asked=asked)

    async def _complain_of_set_up(self, hook: Webhook, error: NotSetUp) -> None:
        """Nothing of the call is kept: nobody knows who called."""
        message = f"No call can be taken: {error.why}"
        hint = "Open the Webhook node, choose a credential for its authentication, and publish."
        trigger = orjson.dumps({"kind": "webhook", "node": hook.node, "received_at": datetime.now(UTC)}, option=orjson.OPT_UTC_Z).decode()
        await self._complaints.tell(hook, "set_up", message, hint, trigger)

    async def _look_up(self, path: str, method: str) -> Webhook:
        found = await self._directory.look_up(path)
        if not found:
            raise _nothing_here(path)
        if method not in found:
            raise wrong_method(method, found)
        return found[method]


def _nothing_here(path: str) -> NotFound:
    return NotFound(f"No published, enabled workflow listens on /webhooks/{path}. Publish and enable it, or check the path.")


def wrong_method(method: str, methods: Iterable[str]) -> MethodNotAllowed:
    """What to answer to a method that the webhook does not take."""
    allowed = ", ".join(sorted(methods))
    return MethodNotAllowed(f"This webhook listens to {allowed}, not to {method}. Its node says which.", allowed=allowed)


async def whole(receive: Receive) -> bytes:
    """The body. Its size is capped while it streams in (edge.Edge).

    Raises ClientDisconnect where the caller hung up half-way: what came until then is not what was meant.
    """
    parts: list[bytes] = []
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def read(headers: Headers, body: bytes, max_body: int) -> Received:
    """What the body says. Raises as payload.unpacked and payload.received do."""
    encoding, content_type = header(headers, b"content-encoding"), header(headers, b"content-type")
    if encoding:
        body = await asyncio.to_thread(unpacked, encoding, body, max_body)
    return await asyncio.to_thread(received, content_type, body) if len(body) > _LONG else received(content_type, body)


async def stored(blobs: Blobs, project_id: UUID, content: Received) -> tuple[EncodedJson, EncodedJson | None]:
    """The input, and the references of what of it lies in blobs by now."""
    if not content.attachments:
        value, refs = await blobs.spill(project_id, content.input)
        return value, encoded_refs(refs)
    kept = {pointer: await blobs.keep(project_id, data, kind) for pointer, (kind, data) in content.attachments.items()}
    return content.input, encoded_refs(kept)
