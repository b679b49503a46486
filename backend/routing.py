"""Routers whose routes read JSON in the one way, and the check that every route says who may call it."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from backend.json_body import decode

F = TypeVar("F", bound=Callable[..., Any])

# What FastAPI adds by itself: the docs, open to all.
_FRAMEWORK = {"/docs", "/docs/oauth2-redirect", "/openapi.json"}


def permission(dependency: F) -> F:
    """Marks a dependency as one that decides who may call a route."""
    dependency.is_permission = True  # type: ignore[attr-defined]  # functions carry attributes
    return dependency


class _StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = decode(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route whose JSON body is read by json_body.decode."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request that reads JSON strictly."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


def router(prefix: str = "", *, tag: str) -> APIRouter:
    """A feature's router. Each of its routes must depend on a permission (deps.py), or the backend does not start."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute)


def _all(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _all(child)


def check_permissions(app: FastAPI) -> None:
    """Deny by default: raises RuntimeError naming every route that declares no permission."""
    open_routes = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, StrictRoute):
            if not any(getattr(call, "is_permission", False) for call in _all(context.dependant)):
                open_routes.append(context.path)
        elif isinstance(route, Mount) or not (isinstance(route, Route) and route.path in _FRAMEWORK):
            open_routes.append(getattr(route, "path", repr(route)))
    if open_routes:
        raise RuntimeError(f"These routes declare no permission: {', '.join(map(str, open_routes))}. See backend/deps.py.")
