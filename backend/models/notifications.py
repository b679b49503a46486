"""What workflows tell people."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now


class Notification(Base):
    """A message to one person. `key` is the step's idempotency key: a repeated step does not tell twice."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("notifications_of_user", "user_id", text("id desc")),
        Index("notifications_unread", "user_id", postgresql_where=text("read_at is null")),
    )

    id: Mapped[UUID] = made_id()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="")
    message: Mapped[str]
    link: Mapped[str | None]
    project_id: Mapped[UUID | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    workflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("workflows.id", ondelete="SET NULL"), index=True)
    execution_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = made_now()
    read_at: Mapped[datetime | None]
