"""What nodes remember from one execution to the next."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_now


class Memory(Base):
    """Something that a node has seen, by the hash of it. `key` is the idempotency key of the step that saw it first."""

    __tablename__ = "memories"
    __table_args__ = (Index("memories_by_age", "workflow_id", "node", "seen_at"),)

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True)
    node: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[bytes] = mapped_column(primary_key=True)
    key: Mapped[str]
    seen_at: Mapped[datetime] = made_now()
