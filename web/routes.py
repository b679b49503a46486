"""The few plain HTTP routes beside Reflex: they set, renew and take away the session's cookie, and hand out large values as files."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import orjson
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from web.api import Api
from web.backend import ApiError
from web.middleware import same_origin, session_of, set_cookie
from web.services import services
from web.signing_in import SignedOut, renew, sign_out

RENEW_WITH_LESS_THAN_S = 360
"""A page asks every four minutes; what would end before it asks again is renewed now."""

MAX_BODY = 4096

_CHUNK = 256 * 1024
_FILE_HEADERS = ("Content-Type", "Content-Length", "Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options")

Handler = Callable[[Request], Awaitable[Response]]


async def enter(request: Request) -> Response:
    """Trade a ticket for the cookie: `{ticket}` → 204, or 401 where the ticket is spent or too old."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return JSONResponse({"detail": "too large"}, 413)
    try:
        ticket = orjson.loads(body)["ticket"]
    except (ValueError, TypeError, KeyError):
        return JSONResponse({"detail": "send {ticket}"}, 422)
    session = services().sessions.redeem(str(ticket))
    if session is None:
        return JSONResponse({"detail": "This sign-in took too long. Please sign in again."}, 401)
    response = Response(status_code=204)
    set_cookie(response.headers, request.headers, request.url.scheme, services().sessions, session)
    return response


async def keep(request: Request) -> Response:
    """Called by open pages: renew the tokens in good time, and bring the newest ones into the cookie. 204, or 401."""
    held = services()
    session = session_of(request.headers, held.sessions)
    if session is None:
        return JSONResponse({"detail": "Nobody is signed in here."}, 401)
    try:
        if session.remaining_s() < RENEW_WITH_LESS_THAN_S:
            await renew(held.backend, session, session.generation)
    except SignedOut:
        return JSONResponse({"detail": "The session has run out."}, 401)
    except ApiError as error:
        return JSONResponse({"detail": str(error)}, 503)
    response = Response(status_code=204)
    if session.generation != session.sealed_generation:
        set_cookie(response.headers, request.headers, request.url.scheme, held.sessions, session)
    return response


async def leave(request: Request) -> Response:
    """Sign out. Always 204: here the session is over, whatever the backend says."""
    held = services()
    session = session_of(request.headers, held.sessions)
    response = Response(status_code=204)
    response.delete_cookie(held.sessions.cookie_name, path="/", httponly=True, samesite="lax")
    if session is not None:
        try:
            await sign_out(held.backend, held.sessions, session)
        except ApiError:
            # The refresh token stays good at the backend until it ends by itself, but nobody holds it any more.
            return response
    return response


async def value(request: Request) -> Response:
    """A large value of an execution, or all that went into a step or came out, as a file."""
    parts = request.path_params
    if parts.get("part", "input") not in ("input", "output"):
        return PlainTextResponse("A step has an input and an output.\n", status_code=404)
    below = f"blobs/{parts['blob_id']}" if "blob_id" in parts else f"steps/{parts['step_id']}/{parts['part']}"
    return await _file(request, f"/executions/{parts['execution_id']}/{below}")


def exported(form: str) -> Handler:
    """The route of a workflow as a document, to be kept. The page that links to it names the file."""

    async def export(request: Request) -> Response:
        answer = await _file(request, f"/workflows/{request.path_params['workflow_id']}/export?format={form}")
        if answer.status_code == 200:
            answer.headers["Content-Disposition"] = "attachment"
            answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    return export


async def _file(request: Request, path: str) -> Response:
    """An answer of the backend, streamed in the name of whoever is signed in."""
    held = services()
    session = session_of(request.headers, held.sessions)
    if session is None:
        return PlainTextResponse("Nobody is signed in here.\n", status_code=401)
    closing = AsyncExitStack()
    try:
        found = await closing.enter_async_context(Api(held.backend, session).download(path))
    except SignedOut:
        return PlainTextResponse("The session has run out.\n", status_code=401)
    except ApiError as error:
        return PlainTextResponse(f"{error}\n", status_code=error.status)
    headers = {name: found.headers[name] for name in _FILE_HEADERS if name in found.headers}
    return StreamingResponse(found.content.iter_chunked(_CHUNK), headers=headers, background=BackgroundTask(closing.aclose))


def _own_pages_only(handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        if not same_origin(request.headers):
            return PlainTextResponse("This address is for Trestle's own pages.\n", status_code=403)
        return await handler(request)

    return checked


def routes() -> Starlette:
    """The routes as an application for Reflex to mount itself in."""
    handlers = {"session": enter, "keep": keep, "leave": leave}
    own = [Route(f"/auth/{name}", _own_pages_only(handler), methods=["POST"]) for name, handler in handlers.items()]
    values = ("/values/{execution_id:uuid}/{blob_id:uuid}", "/values/{execution_id:uuid}/steps/{step_id:uuid}/{part}")
    exports = [Route(f"/exports/{{workflow_id:uuid}}.{form}", exported(form), methods=["GET"]) for form in ("json", "yaml")]
    return Starlette(routes=[*own, *(Route(path, value, methods=["GET"]) for path in values), *exports])
