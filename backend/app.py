"""Composition root: everything is built here, once, and mounted here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from fastapi import FastAPI
from redis.asyncio import Redis

from backend import errors
from backend.api_keys import routes as api_keys_routes
from backend.api_keys.service import NOTE_USE
from backend.audit import routes as audit_routes
from backend.blobs import routes as blobs_routes
from backend.blobs.service import Blobs
from backend.blobs.store import DatabaseStore
from backend.blobs.tidying import Tidier
from backend.catalogue import routes as catalogue_routes
from backend.catalogue.service import Catalogue
from backend.connections import routes as connections_routes
from backend.credentials import routes as credentials_routes
from backend.credentials import service as credentials
from backend.credentials.oauth2 import routes as oauth2_routes
from backend.credentials.oauth2.lending import Lender
from backend.credentials.oauth2.tokens import Place, TokenStore
from backend.credentials.vault import Vault
from backend.db import Database
from backend.edge import Edge
from backend.events import routes as events_routes
from backend.events.matching import Matcher
from backend.executions import routes as executions_routes
from backend.executions.accept import Acceptor
from backend.executions.doorbell import Doorbell
from backend.executions.settling import Settler
from backend.health import routes as health_routes
from backend.importing import routes as importing_routes
from backend.inputs import routes as inputs_routes
from backend.internal.api import Internal
from backend.internal.executors import Executors
from backend.lanes import Lanes
from backend.metrics import routes as metrics_routes
from backend.metrics.service import Monitor
from backend.nodes import routes as nodes_routes
from backend.notifications import routes as notifications_routes
from backend.projects import routes as projects_routes
from backend.queue import Queue, connect
from backend.retention.policies import Caps
from backend.retention.pruning import Pruner, Records
from backend.routing import check_permissions
from backend.schedules import routes as schedules_routes
from backend.schedules.scheduler import Scheduler
from backend.security import Tokens
from backend.services import Services
from backend.settings import Settings
from backend.stats import routes as stats_routes
from backend.stats.tallying import Tallier
from backend.sweeps import Sweeper
from backend.templates import routes as templates_routes
from backend.triggers import routes as triggers_routes
from backend.triggers.answers import Answers
from backend.triggers.authentication import Gate
from backend.triggers.calls import LastCalls
from backend.triggers.complaints import Complaints
from backend.triggers.directory import Directory
from backend.triggers.trials import Trials
from backend.triggers.webhooks import Webhooks
from backend.users import routes as users_routes
from backend.variables import routes as variables_routes
from backend.waits import routes as waits_routes
from backend.workflows import routes as workflows_routes
from backend.workflows.checks import Checks
from trestle import logs
from trestle.contracts.credentials import OAUTH2
from trestle.contracts.jobs import Secret
from trestle.outbound import OutboundClient

API = "/api/v1"

ROOT = [health_routes.router, metrics_routes.router, waits_routes.router]
"""At the root."""

PUBLIC_API = [
    users_routes.router,
    projects_routes.router,
    api_keys_routes.router,
    audit_routes.router,
    variables_routes.router,
    importing_routes.router,
    workflows_routes.router,
    inputs_routes.router,
    nodes_routes.router,
    connections_routes.router,
    executions_routes.router,
    blobs_routes.router,
    catalogue_routes.router,
    credentials_routes.router,
    oauth2_routes.router,
    triggers_routes.router,
    schedules_routes.router,
    events_routes.router,
    stats_routes.router,
    notifications_routes.router,
    templates_routes.router,
]
"""Under `/api/v1`: what people and scripts call."""


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application. Raises RuntimeError if a route declares no permission."""

    logs.configure()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = FastAPI(title="Trestle", version="0.1.0", lifespan=lifespan, redoc_url=None)
    errors.install(app)
    app.add_middleware(Lanes)
    app.add_middleware(Edge, max_body=settings.max_body_bytes, max_internal_body=settings.max_internal_body_bytes)

    for router in ROOT:
        app.include_router(router)
    for router in PUBLIC_API:
        app.include_router(router, prefix=API)

    check_permissions(app)
    return app


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """The living parts, opened in order and closed in the reverse."""
    async with AsyncExitStack() as closing:
        database = await Database.open(settings.dsn)
        closing.push_async_callback(database.close)
        redis = Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=15)
        closing.push_async_callback(redis.aclose)
        queue = Queue(connect(settings.redis_url))
        queue.start()
        closing.push_async_callback(queue.aclose)
        doorbell = Doorbell(queue, connect(settings.redis_url, socket_timeout_s=None))
        doorbell.start()
        closing.push_async_callback(doorbell.aclose)
        settler = Settler(database.hot, queue, doorbell)
        settler.start()
        closing.push_async_callback(settler.aclose)
        sweeper = Sweeper(database.hot, queue, doorbell, settler)
        sweeper.start()
        closing.push_async_callback(sweeper.aclose)
        store = DatabaseStore(database.hot)
        blobs = Blobs(database.hot, store, max_bytes=settings.max_blob_bytes)
        tidier = Tidier(database.hot, store)
        tidier.start()
        closing.push_async_callback(tidier.aclose)
        records = Records(settings.keep_audit_days, settings.keep_notification_days, settings.keep_notifications)
        pruner = Pruner(database.hot, Caps(settings.keep_days, settings.keep_count, settings.keep_bytes), records)
        pruner.start()
        closing.push_async_callback(pruner.aclose)
        tallier = Tallier(database.hot)
        tallier.start()
        closing.push_async_callback(tallier.aclose)
        tokens = Tokens(settings.secret_key.get_secret_value())
        acceptor = Acceptor(database.hot, queue, doorbell, max_queued=settings.max_queued)
        scheduler = Scheduler(database.hot, acceptor, doorbell, settler)
        scheduler.start()
        closing.push_async_callback(scheduler.aclose)
        vault = Vault(settings.fernet_keys)

        outbound = OutboundClient(settings.outbound_policy)
        closing.push_async_callback(outbound.close)
        lender = Lender(TokenStore(database.hot, vault), outbound)
        closing.push_async_callback(lender.aclose)

        async def stored(project_id: UUID, credential_id: UUID) -> credentials.Stored:
            async with database.session() as session:
                return await credentials.reveal(session, vault, project_id, credential_id)

        async def lent(project_id: UUID, credential_id: UUID, refused: int | None = None) -> Secret:
            secret = await stored(project_id, credential_id)
            return await lender.instead_of(secret, Place(project_id, credential_id), refused) if secret.type == OAUTH2 else secret

        calls, key_uses = LastCalls(database.hot), LastCalls(database.hot, NOTE_USE)
        for used in (calls, key_uses):
            used.start()
            closing.push_async_callback(used.aclose)
        directory, answers = Directory(database.hot, settings.webhook_rate), Answers(database.hot, doorbell, blobs)
        max_body = settings.max_body_bytes
        gate, complaints = Gate(stored), Complaints(database.hot, doorbell, settler)
        webhooks = Webhooks(database.hot, directory, acceptor, gate, answers, blobs, calls, complaints, max_body=max_body)
        executors = Executors(database.hot, tokens, settings.executor_key.get_secret_value())
        yield Services(
            settings=settings,
            database=database,
            redis=redis,
            tokens=tokens,
            queue=queue,
            doorbell=doorbell,
            acceptor=acceptor,
            settler=settler,
            webhooks=webhooks,
            trials=Trials(database, acceptor, gate, answers, blobs, max_body=max_body),
            matcher=Matcher(database.hot),
            calls=calls,
            key_uses=key_uses,
            internal=Internal(
                database.hot, queue, doorbell, settler, executors, lent, partial(credentials.reveal_tried, vault), blobs, settings
            ),
            blobs=blobs,
            catalogue=Catalogue(),
            checks=Checks(),
            vault=vault,
            lender=lender,
            monitor=Monitor(database.hot, queue),
        )
