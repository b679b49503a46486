"""Secrets."""

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
