"""What happens to every request and every answer, outside of all routes."""

from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.db import is_away, is_deadlock
from backend.errors import BodyTooLarge, problem

log = structlog.get_logger(__name__)

# The interactive docs load their page's parts from elsewhere; nothing else that we answer is a page.
_PAGES = ("/docs", "/redoc")
_MAX_HEAD = 65_536


class Edge:
    """Caps bodies while they stream in, sets the security headers, and answers what nobody expected with an id that is logged.

    Bodies under `/internal/` (executors' batches) have their own, higher cap. Sizes are in bytes.
    """

    def __init__(self, app: ASGIApp, *, max_body: int, max_internal_body: int) -> None:
        self.app = app
        self.max_body = max_body
        self.max_internal_body = max_internal_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if (
            len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(name) + len(value) for name, value in scope["headers"])
            > _MAX_HEAD
        ):
            detail = f"The address and the headers are larger than {_MAX_HEAD // 1024} KB together. Send data in the body."
            await problem(431, "Too much before the body", detail)(scope, receive, send)
            return
        limit = self.max_internal_body if path.startswith("/internal/") else self.max_body
        received = 0
        started = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise BodyTooLarge(f"The body is larger than {limit / 1_000_000:g} MB. Send less, or in several requests.")
            return message

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _dress(MutableHeaders(scope=message), path)
            await send(message)

        try:
            await self.app(scope, counted, dressed)
        except ClientDisconnect:
            return  # half-way through its body: nobody is left to answer
        except Exception as error:
            passing = _passing(error)
            if passing is not None and not started:
                event, detail = passing
                log.warning(event, method=scope["method"], path=path, error=f"{type(error).__name__}: {error}")
                await problem(503, "Not available at the moment", detail, headers={"Retry-After": "2"})(scope, receive, dressed)
                return
            reference = uuid4().hex
            log.error("unhandled", reference=reference, method=scope["method"], path=path, exc_info=error)
            if started:
                raise
            detail = f"This is a fault of the server, not of the request. Tell its operator the reference {reference}: the log says more."
            await problem(500, "Unexpected error", detail)(scope, receive, dressed)


def _passing(error: Exception) -> tuple[str, str] | None:
    """What to log, and to answer, where the same request may well succeed a little later."""
    if is_away(error):
        return "database_away", "The database does not answer at the moment. Send again in a few seconds."
    if is_deadlock(error):
        return (
            "deadlock",
            "Somebody else changed the same things at the same moment, and nothing of this was done. Send again in a few seconds.",
        )
    return None


def _dress(headers: MutableHeaders, path: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Frame-Options"] = "DENY"
    if "content-security-policy" not in headers:
        headers["Content-Security-Policy"] = "frame-ancestors 'none'" + ("" if path.startswith(_PAGES) else "; default-src 'none'")
    if "cache-control" not in headers:
        headers["Cache-Control"] = "no-store"
