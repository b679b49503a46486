"""Secrets, and the tokens that providers gave for them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now


class Credential(Base):
    """A secret, encrypted. `{project, credential, version}` stand inside the ciphertext too, and are checked when it is read."""

    __tablename__ = "credentials"

    id: Mapped[UUID] = made_id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    type: Mapped[str]
    ciphertext: Mapped[bytes]
    key_id: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    fields: Mapped[dict[str, Any]]
    set_fields: Mapped[list[str]]
    allowed_hosts: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    rate_limit: Mapped[dict[str, Any] | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = made_now()
    updated_at: Mapped[datetime] = made_now()


class OAuth2Grant(Base):
    """The tokens of a credential of the type oauth2, encrypted like the credential itself. No row: it was never connected.

    `version` grows with every new set of tokens, and stands inside the ciphertext. `problem`: why people must connect it again.
    `renewing_until`: some backend is renewing it, and is counted as lost after that. `doubtful`: the last renewal's answer never
    came, so the provider may have taken the refresh token for used.
    """

    __tablename__ = "oauth2_grants"

    credential_id: Mapped[UUID] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True)
    ciphertext: Mapped[bytes | None]
    key_id: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default=text("0"))
    account: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    renewed_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    renewing_until: Mapped[datetime | None]
    doubtful: Mapped[bool] = mapped_column(server_default=text("false"))


class OAuth2State(Base):
    """A person on the way to a provider and back. The ciphertext holds the PKCE verifier; the row goes when the person returns."""

    __tablename__ = "oauth2_states"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    credential_id: Mapped[UUID] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    ciphertext: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)
