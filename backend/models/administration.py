"""What projects know by name, who may call for them without signing in, and what was done by whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now


class Variable(Base):
    """A project's value, which its workflows' expressions see as `vars.NAME`. `value` is any JSON, `null` too."""

    __tablename__ = "variables"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[UUID] = made_id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str]
    value: Mapped[Any] = mapped_column(JSON())
    created_at: Mapped[datetime] = made_now()
    updated_at: Mapped[datetime] = made_now()


class ApiKey(Base):
    """A key with which a program acts for `user_id` in one project, as far as `scopes` go. Its hash is kept, and its last characters."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = made_id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    ending: Mapped[str]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = made_now()
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Something that was done. Names are as they were then: what they name may be gone. Nothing here refers to another table."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_of_user", "user_id", text("id desc")),
        Index("audit_of_action", "action", text("id desc")),
        Index("audit_by_age", "at"),
    )

    id: Mapped[UUID] = made_id()
    at: Mapped[datetime] = made_now()
    user_id: Mapped[UUID | None]
    who: Mapped[str] = mapped_column(comment="address of the account")
    api_key: Mapped[str | None] = mapped_column(comment="name of the key that was used")
    address: Mapped[str] = mapped_column(comment="from where; empty where nobody knows")
    action: Mapped[str]
    subject_id: Mapped[UUID | None]
    subject: Mapped[str] = mapped_column(server_default="")
    project_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]]
