"""Credentials as callers see them: what is set, never what it is."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from trestle.contracts.base import JsonObject, Model, Request

OAUTH2 = "oauth2"
"""The type of credential whose secret a provider gives, and Trestle renews."""

OAUTH2_CALLBACK = "/api/v1/credentials/oauth2/callback"
"""Where providers send people back to, below the instance's public address."""

Host = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$", max_length=253)]
"""A bare host name; `*.example.com` stands for every name below it."""


class CredentialType(BaseModel):
    """A kind of credential. Secret fields are marked `writeOnly` in the schema."""

    name: str
    title: str
    description: str
    fields_schema: JsonObject


class RateLimit(Request):
    """At most `requests` calls in `per_s` seconds, over all executors."""

    requests: int = Field(ge=1, le=1_000_000)
    per_s: float = Field(1, gt=0, le=86_400)


class NewCredential(Request):
    """A secret to keep. Without a project it goes to the caller's personal one. `allowed_hosts` empty: any host."""

    name: str = Field(min_length=1, max_length=200)
    type: str
    data: JsonObject
    project_id: UUID | None = None
    allowed_hosts: list[Host] = Field(default_factory=list, max_length=100)
    rate_limit: RateLimit | None = None


class CredentialChange(Request):
    """What to change; what is left out stays. A field left out of `data` keeps its value, null takes it away."""

    name: str | None = Field(None, min_length=1, max_length=200)
    data: JsonObject | None = None
    allowed_hosts: list[Host] | None = Field(None, max_length=100)
    rate_limit: RateLimit | None = None


class Credential(Model):
    """A credential without its secret. `fields` are the values of fields that aren't secret, `set_fields` the names of those set.

    Of the type oauth2 also: whether it is `connected`, as which `account`, until when its access token is good (null: for ever;
    it is renewed by itself), and what the `problem` is where it must be connected again. Null for every other type.
    """

    id: UUID
    project_id: UUID
    name: str
    type: str
    allowed_hosts: list[str]
    fields: JsonObject = Field(default_factory=dict)
    set_fields: list[str]
    rate_limit: RateLimit | None = None
    created_at: datetime
    updated_at: datetime
    connected: bool | None = None
    expires_at: datetime | None = None
    account: str | None = None
    problem: str | None = None


class Authorization(BaseModel):
    """Where a browser goes to connect a credential, once, before `expires_at`; the provider sends it back to `redirect_url`."""

    url: str
    redirect_url: str
    expires_at: datetime


class CredentialTrial(Request):
    """What to try out before it is kept: a new credential of this type, or changes of the one with `credential_id`, whose values
    stand where `data` has none (null takes one away)."""

    type: str
    data: JsonObject = Field(default_factory=dict)
    allowed_hosts: list[Host] = Field(default_factory=list, max_length=100)
    project_id: UUID | None = None
    credential_id: UUID | None = None


class CredentialTested(BaseModel):
    """What a call to the service said. `ok` is None where this kind of credential can't be tested."""

    ok: bool | None
    message: str


class Disconnected(BaseModel):
    """The tokens are forgotten. `withdrawn`: whether the provider has ended them too; None where it was not asked to."""

    withdrawn: bool | None
    message: str


class CredentialUse(BaseModel):
    """A node that names a credential."""

    workflow_id: UUID
    workflow_name: str
    node: str
