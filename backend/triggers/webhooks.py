"""`ANY /webhooks/{path}`: the way in for the world. A bare ASGI application: every microsecond here is paid once a call."""

from uuid import UUID

import asyncpg
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from backend.errors import Error, MethodNotAllowed, NotFound, Unauthorised, answer
from backend.executions.accept import Acceptor, Arrival
from backend.executions.repeats import request_hash
from backend.triggers import once
from backend.triggers.answers import Answers
from backend.triggers.authentication import Gate
from backend.triggers.directory import Directory, Webhook
from backend.triggers.payload import Headers, circumstances, header, payload
from trestle.contracts.base import EncodedJson
from trestle.contracts.states import ExecutionStatus

PREFIX = "/webhooks/"
_JSON = (b"content-type", b"application/json")


class Webhooks:
    """Answers calls to published webhooks: by default 202 `{execution_id}`, after the commit.

    A webhook that answers with its workflow's outcome says 200 and the output, or 500 `{execution_id}` where it failed; and 202
    where that takes longer than the webhook's `response_timeout_s`. Without a respond node that ran, 200 `{execution_id}`.
    """

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", directory: Directory, acceptor: Acceptor, gate: Gate, answers: Answers
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._acceptor = acceptor
        self._gate = gate
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one call (ASGI)."""
        try:
            status, body = await self._handle(scope, receive)
        except Error as error:
            await answer(error)(scope, receive, send)
            return
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": body})

    async def _handle(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        path, method, headers = scope["path"][len(PREFIX) :], scope["method"], scope["headers"]
        body = await _whole(receive)
        hook = self._directory.remembered(path, method)
        fresh = hook is None
        if hook is None:
            hook = await self._look_up(path, method)
        received: EncodedJson | None = None
        while True:
            if not hook.plain:
                try:
                    await self._gate.check(hook, headers, body)
                except Unauthorised:
                    if fresh:
                        raise
                    hook, fresh = await self._look_up(path, method), True  # it may ask for something else by now
                    continue
            if received is None:
                received = payload(header(headers, b"content-type"), body)
            arrival = Arrival(hook.trigger_id, circumstances(hook.node, method, path, scope["query_string"], headers), received)
            key = header(headers, b"idempotency-key")
            if hook.plain and not key:
                execution_id = await self._acceptor.accept(arrival)
            else:
                asked = request_hash(scope["query_string"], body) if key else b""
                execution_id = await self._accept_carefully(hook, arrival, headers, f"webhook:{method}:{path}", key, asked)
            if execution_id is not None:
                return await self._answer(hook, execution_id)
            if fresh:
                raise _nothing_here(path)
            hook, fresh = await self._look_up(path, method), True

    async def _accept_carefully(self, hook: Webhook, arrival: Arrival, headers: Headers, scope: str, key: str, asked: bytes) -> UUID | None:
        if hook.config.get("respond", "immediately") != "immediately":
            self._answers.check_room()
        dedupe = once.dedupe_key(hook, arrival, headers)
        if not key and dedupe is None:
            return await self._acceptor.accept(arrival)
        return await once.accept(self._pool, self._acceptor, arrival, scope=scope, key=key, asked=asked, dedupe=dedupe)

    async def _answer(self, hook: Webhook, execution_id: UUID) -> tuple[int, bytes]:
        started = b'{"execution_id":"%s"}' % str(execution_id).encode()
        respond = hook.config.get("respond", "immediately")
        if respond == "immediately":
            return 202, started
        outcome = await self._answers.outcome(execution_id, hook.config.get("response_timeout_s"))
        if outcome is None:
            return 202, started
        status, output = outcome
        if status is not ExecutionStatus.SUCCEEDED:
            return 500, started
        return 200, started if respond == "node" or output is None else output.encode()

    async def _look_up(self, path: str, method: str) -> Webhook:
        found = await self._directory.look_up(path)
        if not found:
            raise _nothing_here(path)
        if method not in found:
            allowed = ", ".join(sorted(found))
            raise MethodNotAllowed(f"This webhook listens to {allowed}, not to {method}. Its node says which.", allowed=allowed)
        return found[method]


def _nothing_here(path: str) -> NotFound:
    return NotFound(f"No published, enabled workflow listens on /webhooks/{path}. Publish and enable it, or check the path.")


async def _whole(receive: Receive) -> bytes:
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
