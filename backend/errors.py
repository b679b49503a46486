"""Every error that a caller can get, and the one handler that turns it into `application/problem+json`.

Error                     status
├── BadRequest            400
├── Unauthorised          401
│   ├── SecondFactorRequired
│   └── SecondFactorWrong
├── Forbidden             403
├── NotFound              404
├── MethodNotAllowed      405
├── Conflict              409
├── Gone                  410
├── StaleRevision         412
├── BodyTooLarge          413
├── UnsupportedMedia      415
├── Unprocessable         422
├── FailedDependency      424
├── PreconditionRequired  428
├── TooManyRequests       429
└── Unavailable           503

An error's docstring is its title; the message it is raised with says what to do.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from asyncpg.exceptions import CharacterNotInRepertoireError, DataError, NumericValueOutOfRangeError, UntranslatableCharacterError
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trestle.contracts.problems import FieldError, Problem, ProblemType
from trestle.contracts.wording import in_words


class Error(HTTPException):
    """Something went wrong"""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    type: ClassVar[ProblemType] = ProblemType.PLAIN

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.status, detail, dict(headers or {}))
        self.errors = list(errors)

    @property
    def title(self) -> str:
        """A short name of the kind of error."""
        return (type(self).__doc__ or "").strip()


class BadRequest(Error):
    """The request could not be read"""

    status = HTTPStatus.BAD_REQUEST


class Unauthorised(Error):
    """Not signed in"""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class SecondFactorRequired(Unauthorised):
    """A code of the second factor is required"""

    type = ProblemType.SECOND_FACTOR_REQUIRED


class SecondFactorWrong(Unauthorised):
    """The code of the second factor is wrong"""

    type = ProblemType.SECOND_FACTOR_WRONG


class Forbidden(Error):
    """Not allowed"""

    status = HTTPStatus.FORBIDDEN


class NotFound(Error):
    """Not found"""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(Error):
    """This address does not answer to this method"""

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, detail: str, *, allowed: str) -> None:
        super().__init__(detail, headers={"Allow": allowed})


class Conflict(Error):
    """In conflict with what is there"""

    status = HTTPStatus.CONFLICT


class Gone(Error):
    """Not there any more"""

    status = HTTPStatus.GONE


class StaleRevision(Error):
    """Changed by somebody else meanwhile"""

    status = HTTPStatus.PRECONDITION_FAILED


class BodyTooLarge(Error):
    """The request is too large"""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMedia(Error):
    """This kind of body is not understood"""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Unprocessable(Error):
    """Something in the request is not right"""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class FailedDependency(Error):
    """Another service does not answer at the moment"""

    status = HTTPStatus.FAILED_DEPENDENCY


class PreconditionRequired(Error):
    """A revision is required"""

    status = HTTPStatus.PRECONDITION_REQUIRED


class TooManyRequests(Error):
    """Too many requests"""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after_s))})


class Unavailable(Error):
    """Not available at the moment"""

    status = HTTPStatus.SERVICE_UNAVAILABLE


_SAYS_WHAT_TO_DO = {
    404: "There is nothing at this address. Check the path; the API is described at /docs.",
    405: "This address does not answer to this method. The Allow header lists those that it does.",
}


def problem(
    status: int,
    title: str,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    type: ProblemType = ProblemType.PLAIN,
) -> Response:
    """The answer that carries an error."""
    body = Problem(type=type, title=title, status=status, detail=detail, errors=list(errors))
    return Response(body.model_dump_json(), status, headers, "application/problem+json")


def answer(error: HTTPException) -> Response:
    """The answer to one of our errors, or to one that the framework raised."""
    if isinstance(error, Error):
        return problem(error.status_code, error.title, error.detail, error.errors, error.headers, error.type)
    title = HTTPStatus(error.status_code).phrase
    return problem(error.status_code, title, _SAYS_WHAT_TO_DO.get(error.status_code, str(error.detail)), (), error.headers)


def field_errors(found: Sequence[Any], body: Any = None) -> list[FieldError]:
    """pydantic's errors as ours. One inside `nodes` of the request also names the node's key."""
    out = []
    for error in found:
        loc = [part for part in error["loc"] if isinstance(part, str | int)]
        if loc[:1] == ["body"]:
            loc = loc[1:]
        out.append(FieldError(loc=loc, node=_node_at(loc, body), message=in_words(error)))
    return out


def _node_at(loc: Sequence[str | int], body: Any) -> str | None:
    if len(loc) < 2 or loc[0] != "nodes" or not isinstance(body, dict):
        return None
    nodes, index = body.get("nodes"), loc[1]
    if not isinstance(nodes, list) or not isinstance(index, int) or index >= len(nodes) or not isinstance(nodes[index], dict):
        return None
    key = nodes[index].get("key")
    return key if isinstance(key, str) else None


def _sentence(error: FieldError) -> str:
    where = ".".join(map(str, error.loc))
    return f"{where}: {error.message}" if where else error.message


def install(app: FastAPI) -> None:
    """Make `app` answer every error in the one shape. What nobody expected is answered by edge.Edge."""

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> Response:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        errors = field_errors(error.errors(), error.body)
        more = f" (and {len(errors) - 1} more, see errors)" if len(errors) > 1 else ""
        return problem(422, str(Unprocessable.__doc__), (_sentence(errors[0]) if errors else "The request is not valid.") + more, errors)

    @app.exception_handler(DBAPIError)
    async def on_database(_: Request, error: DBAPIError) -> Response:
        cause = error.orig.__cause__ if error.orig is not None else None
        if isinstance(cause, CharacterNotInRepertoireError | UntranslatableCharacterError):
            return problem(422, str(Unprocessable.__doc__), "A text holds the character NUL (\\u0000), which can't be stored. Remove it.")
        if type(cause) is DataError or isinstance(cause, NumericValueOutOfRangeError):  # what the driver or the server can't take
            return problem(422, str(Unprocessable.__doc__), "A number or a time in the request is too large or too small to be stored.")
        raise error
