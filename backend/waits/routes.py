"""`/resume/{token}` and `/approvals/{token}`, at the root. The token is the permission: who has it may answer, once."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal

import orjson
from fastapi import Depends
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from backend.deps import ServicesDep, public
from backend.errors import Error, Unprocessable, answer, field_errors
from backend.routing import router as new_router
from backend.triggers.payload import circumstances, header, payload
from backend.waits import pages, service
from trestle.contracts.base import JsonObject

router = new_router(tag="waits")

_RESUME_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


async def resume(parts: ServicesDep, request: Request, token: str) -> Response:
    """Lets a `wait.webhook` step go on, with this call's method, headers, query and body as its output. Once; then 409."""

    async def answered() -> Response:
        asked = service.bearer(parts, token, "webhook")
        await service.resume(parts, asked, await _call(request))
        if _wants_page(request):
            return pages.said("Thank you", "The workflow goes on. You can close this page.", HTTPStatus.OK)
        return JSONResponse({"resumed": True})

    return await _in_words(request, answered)


for _method in _RESUME_METHODS:  # one by one, so that each has a name of its own in the API's description
    router.add_api_route(
        "/resume/{token}", resume, methods=[_method], operation_id=f"resume_by_{_method.lower()}", dependencies=[Depends(public)]
    )


@router.get("/approvals/{token}", dependencies=[Depends(public)])
async def ask(parts: ServicesDep, request: Request, token: str, decision: Literal["approved", "rejected"] | None = None) -> Response:
    """A page with the question and its two buttons. Decides nothing: mail scanners follow links."""

    async def shown() -> Response:
        question = await service.question(parts, service.bearer(parts, token, "approval"))
        if _says_json(request):
            return JSONResponse(_told(question))
        return pages.asking(question, decision) if question.open else pages.decided(question)

    return await _in_words(request, shown, page=not _says_json(request))


@router.post("/approvals/{token}", dependencies=[Depends(public)])
async def decide(parts: ServicesDep, request: Request, token: str) -> Response:
    """Decides, by JSON or a form `{decision: approved | rejected, comment?, name?}`. Once; then 409 says what was decided."""

    async def answered() -> Response:
        asked = service.bearer(parts, token, "approval")
        question = await service.decide(parts, asked, _decision(await _body(request)))
        if _wants_page(request):
            # The page is fetched anew, so that a reload sends nothing again. Relative: a proxy may have put us below a path.
            return RedirectResponse(token, HTTPStatus.SEE_OTHER)
        return JSONResponse(_told(question))

    return await _in_words(request, answered)


async def _in_words(request: Request, handle: Callable[[], Awaitable[Response]], *, page: bool | None = None) -> Response:
    """What `handle` answers; its errors as a page where a person is looking."""
    try:
        return await handle()
    except Error as error:
        if _wants_page(request) if page is None else page:
            return pages.said(error.title, error.detail, error.status_code)
        return answer(error)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _says_json(request: Request) -> bool:
    return "json" in request.headers.get("accept", "") and not _wants_page(request)


def _told(question: service.Question) -> JsonObject:
    decided = question.decided or {}
    told = {name: decided.get(name) for name in ("decision", "comment", "by", "at")}
    return {"title": question.title, "message": question.message, "workflow": question.workflow, "open": question.open, **told}


async def _body(request: Request) -> object:
    return orjson.loads(payload(header(request.scope["headers"], b"content-type"), await request.body()))


def _decision(said: object) -> service.Decision:
    try:
        return service.Decision.model_validate(said if isinstance(said, dict) else {})
    except ValidationError as error:
        errors = field_errors(error.errors())
        hint = 'Send {"decision": "approved"} or {"decision": "rejected"}, with a comment if you like.'
        raise Unprocessable(f"{'.'.join(map(str, errors[0].loc))}: {errors[0].message}. {hint}", errors=errors) from None


async def _call(request: Request) -> JsonObject:
    """`{method, headers, query, body}` of the call, without what proves who called."""
    scope = request.scope
    told = orjson.loads(circumstances("", request.method, "", scope["query_string"], scope["headers"]))
    return {"method": request.method, "headers": told["headers"], "query": told["query"], "body": await _body(request)}
