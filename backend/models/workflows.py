"""Workflows: their drafts, and the versions frozen of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now


class Workflow(Base):
    """A workflow and the head of its draft. `revision` grows with every change of the draft's graph or settings."""

    __tablename__ = "workflows"

    id: Mapped[UUID] = made_id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    settings: Mapped[dict[str, Any]]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    folder: Mapped[str] = mapped_column(server_default="")
    enabled: Mapped[bool] = mapped_column(server_default=text("false"))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    published_version: Mapped[int | None]
    published_revision: Mapped[int | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = made_now()
    updated_at: Mapped[datetime] = made_now()


class Node(Base):
    """A node of a draft. `policies` holds what is set of retry, timeout_s, on_error, disabled, for_each, join, notes, pinned."""

    __tablename__ = "nodes"
    __table_args__ = (UniqueConstraint("workflow_id", "key"),)

    id: Mapped[UUID] = made_id()
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    key: Mapped[str]
    type: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    config: Mapped[dict[str, Any]]
    policies: Mapped[dict[str, Any]]
    x: Mapped[float] = mapped_column(server_default=text("0"))
    y: Mapped[float] = mapped_column(server_default=text("0"))
    place: Mapped[int] = mapped_column(server_default=text("0"), comment="order in the graph")


class Connection(Base):
    """A connection of a draft, by the keys of its ends: renaming a node renames it here, removing one removes it."""

    __tablename__ = "connections"
    __table_args__ = (
        UniqueConstraint("workflow_id", "source", "source_port", "target"),
        ForeignKeyConstraint(["workflow_id", "source"], ["nodes.workflow_id", "nodes.key"], ondelete="CASCADE", onupdate="CASCADE"),
        ForeignKeyConstraint(["workflow_id", "target"], ["nodes.workflow_id", "nodes.key"], ondelete="CASCADE", onupdate="CASCADE"),
    )

    id: Mapped[UUID] = made_id()
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    source: Mapped[str]
    source_port: Mapped[str]
    target: Mapped[str]
    place: Mapped[int] = mapped_column(server_default=text("0"), comment="order in the graph")


class Operation(Base):
    """An editor's operation that was applied: a re-send finds it here. `touched` names the `node/field` paths it changed.
    What was changed by another route is here as well, without a `body`."""

    __tablename__ = "operations"

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int]
    place: Mapped[int] = mapped_column(server_default=text("0"), comment="order in the revision")
    touched: Mapped[list[str]]
    body: Mapped[dict[str, Any] | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = made_now()

    __table_args__ = (Index("operations_since", "workflow_id", "revision"),)


class Snapshot(Base):
    """An immutable graph, by its hash. `graph` is `{nodes, connections, settings}`.

    `types` (the node types that an executor must have to run it, without those of disabled nodes), `timeout_s` (its settings'
    `timeout_s`), `limited` (whether they have a `concurrency`) and `reads_vars` (whether the word `vars` stands anywhere in it) are
    taken out of the graph when it is stored, so that claims and sweeps need not look inside.
    """

    __tablename__ = "snapshots"

    id: Mapped[str] = mapped_column(primary_key=True)
    graph: Mapped[dict[str, Any]]
    types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    timeout_s: Mapped[float] = mapped_column(server_default=text("3600"))
    limited: Mapped[bool] = mapped_column(server_default=text("false"))
    reads_vars: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = made_now()


class Version(Base):
    """A published version of a workflow."""

    __tablename__ = "versions"

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshots.id"))
    message: Mapped[str] = mapped_column(server_default="")
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = made_now()
