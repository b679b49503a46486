"""API keys: what programs send in the place of an access token."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from trestle.contracts.base import Model, Request


class ApiScope(StrEnum):
    """What a key may do, at most: never more than the person who made it. `admin` holds all others, and the project's members."""

    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_WRITE = "workflows:write"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS_RUN = "executions:run"
    CREDENTIALS_WRITE = "credentials:write"
    EVENTS_WRITE = "events:write"
    ADMIN = "admin"


class ApiKey(Model):
    """A key, without itself. `ending` is its last characters, to tell it from others."""

    id: UUID
    project_id: UUID
    user_id: UUID
    name: str
    ending: str
    scopes: list[ApiScope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiKeyMade(ApiKey):
    """A new key, with what is shown this once: `key`."""

    key: str


def _once(scopes: list[ApiScope]) -> list[ApiScope]:
    return list(dict.fromkeys(scopes))


class NewApiKey(Request):
    """A key to make, for the caller's personal project where none is named. Without `expires_at` it is good until it is deleted."""

    name: str = Field(min_length=1, max_length=200)
    scopes: Annotated[list[ApiScope], AfterValidator(_once)] = Field(min_length=1, max_length=20)
    expires_at: AwareDatetime | None = None
    project_id: UUID | None = None
