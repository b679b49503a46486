"""The processes that run executions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now


class Executor(Base):
    """An executor process and the node types it offers. Alive while `seen_at` is fresh. `types` are those that work."""

    __tablename__ = "executors"

    id: Mapped[UUID] = made_id()
    name: Mapped[str]
    catalogue: Mapped[list[Any]] = mapped_column(JSON())
    types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    lane: Mapped[str] = mapped_column(server_default="main", comment="main, or quarantine: one suspect at a time")
    credential_types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"), comment="those that it can test")
    registered_at: Mapped[datetime] = made_now()
    seen_at: Mapped[datetime] = made_now()
    stopped_at: Mapped[datetime | None]
