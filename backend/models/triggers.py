"""What starts executions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now


class Trigger(Base):
    """A trigger of the published version. Fires only while its workflow is enabled. Publishing replaces all of a workflow's.

    `due_at`: when a schedule or a poll is next due; None for what is called from outside, and while the workflow is disabled.
    Of a poll: `poll_every_s` how often it asks, `state` its cursor, `poll_id` the execution that asks (gone once its report is
    in), `failures` how many polls failed in a row. `error`: why a schedule or a poll can't do its work just now. Publishing keeps
    these by node.
    """

    __tablename__ = "triggers"
    __table_args__ = (
        UniqueConstraint("workflow_id", "node"),
        Index("triggers_due", "due_at", postgresql_where=text("due_at is not null")),
        Index("triggers_of_kind", "kind"),
    )

    id: Mapped[UUID] = made_id()
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    node: Mapped[str]
    kind: Mapped[str]
    version: Mapped[int]
    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshots.id"))
    config: Mapped[dict[str, Any]]
    last_fired_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    state: Mapped[Any | None] = mapped_column(JSON())
    poll_every_s: Mapped[float | None]
    poll_id: Mapped[UUID | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[dict[str, Any] | None]


class WebhookRoute(Base):
    """A path and method that a webhook trigger listens on: one owner in the whole instance."""

    __tablename__ = "webhook_routes"

    path: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    trigger_id: Mapped[UUID] = mapped_column(ForeignKey("triggers.id", ondelete="CASCADE"), index=True)


class Firing(Base):
    """A schedule's firing: the key makes it one, however many backends try. Kept by node, whatever the version."""

    __tablename__ = "firings"

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True)
    node: Mapped[str] = mapped_column(primary_key=True)
    fire_at: Mapped[datetime] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = made_now()


class Listener(Base):
    """Somebody listens for a test event of a draft: until then its webhooks answer under /webhooks-test/."""

    __tablename__ = "listeners"

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = made_now()
    expires_at: Mapped[datetime]


class SavedInput(Base):
    """A test input that people keep for a workflow."""

    __tablename__ = "saved_inputs"
    __table_args__ = (UniqueConstraint("workflow_id", "name"),)

    id: Mapped[UUID] = made_id()
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    name: Mapped[str]
    input: Mapped[Any] = mapped_column(JSON())
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = made_now()
    updated_at: Mapped[datetime] = made_now()
