"""What the application is made of at run time: built once by app.py, handed to routes by deps.py."""

from dataclasses import dataclass

from redis.asyncio import Redis

from backend.blobs.service import Blobs
from backend.catalogue.service import Catalogue
from backend.credentials.oauth2.lending import Lender
from backend.credentials.vault import Vault
from backend.db import Database
from backend.events.matching import Matcher
from backend.executions.accept import Acceptor
from backend.executions.doorbell import Doorbell
from backend.executions.settling import Settler
from backend.internal.api import Internal
from backend.metrics.service import Monitor
from backend.queue import Queue
from backend.security import Tokens
from backend.settings import Settings
from backend.triggers.calls import LastCalls
from backend.triggers.trials import Trials
from backend.triggers.webhooks import Webhooks
from backend.workflows.checks import Checks


@dataclass(frozen=True)
class Services:
    """The living parts. One instance for each application."""

    settings: Settings
    database: Database
    redis: Redis
    tokens: Tokens
    queue: Queue
    doorbell: Doorbell
    acceptor: Acceptor
    settler: Settler
    webhooks: Webhooks
    trials: Trials
    matcher: Matcher
    calls: LastCalls
    key_uses: LastCalls
    internal: Internal
    blobs: Blobs
    catalogue: Catalogue
    checks: Checks
    vault: Vault
    lender: Lender
    monitor: Monitor
