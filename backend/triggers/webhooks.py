"""`ANY /webhooks/{path}`: the way in for the world. A bare ASGI application: every microsecond here is paid once a call."""

from starlette.types import Message, Receive, Scope, Send

from backend.errors import Error, MethodNotAllowed, NotFound, answer
from backend.executions.accept import Acceptor, Arrival
from backend.triggers.directory import Directory, Webhook
from backend.triggers.payload import circumstances, header, payload

PREFIX = "/webhooks/"
_JSON = (b"content-type", b"application/json")


class Webhooks:
    """Answers calls to published webhooks: 202 `{execution_id}`, after the commit."""

    def __init__(self, directory: Directory, acceptor: Acceptor) -> None:
        self._directory = directory
        self._acceptor = acceptor

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
        received = payload(header(headers, b"content-type"), body)
        while True:
            trigger = circumstances(hook.node, method, path, scope["query_string"], headers)
            execution_id = await self._acceptor.accept(Arrival(hook.trigger_id, trigger, received))
            if execution_id is not None:
                return 202, b'{"execution_id":"%s"}' % str(execution_id).encode()
            if fresh:
                raise _nothing_here(path)
            hook, fresh = await self._look_up(path, method), True

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
    """The body. Its size is capped while it streams in (edge.Edge)."""
    message: Message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts = [body]
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)
