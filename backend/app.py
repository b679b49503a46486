"""Composition root: everything is built here, once, and mounted here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis

from backend import errors
from backend.db import Database
from backend.edge import Edge
from backend.health import routes as health_routes
from backend.routing import check_permissions
from backend.security import Tokens
from backend.services import Services
from backend.settings import Settings

API = "/api/v1"


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application. Raises RuntimeError if a route declares no permission."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = FastAPI(title="Trestle", version="0.1.0", lifespan=lifespan, redoc_url=None)
    errors.install(app)
    app.add_middleware(Edge, max_body=settings.max_body_bytes, max_internal_body=settings.max_internal_body_bytes)

    app.include_router(health_routes.router)

    check_permissions(app)
    return app


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """The living parts, opened in order and closed in the reverse."""
    database = await Database.open(settings.dsn)
    redis = Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=15)
    try:
        yield Services(settings, database, redis, Tokens(settings.secret_key.get_secret_value()))
    finally:
        await redis.aclose()
        await database.close()
