"""Executions and what happened in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now, one_of
from trestle.contracts.states import ExecutionStatus, StepStatus

APART = (
    ExecutionStatus.WAITING,
    ExecutionStatus.PAUSED,
    ExecutionStatus.FAILED,
    ExecutionStatus.CANCELLED,
    ExecutionStatus.QUARANTINED,
)
"""States with an index of their own for lists."""
_STATES = ", ".join(f"'{status.value}'" for status in APART)
_APART = f"kind = 'run' and (status in ({_STATES}) or status = 'queued' and blocked_on is not null)"


class Execution(Base):
    """One run. Its row is the queue: a `queued` row whose `last_push` is old is the outbox.

    `epoch` fences: each claim raises it, and every write of an owner names it. `event_seq` numbers changes for streams.
    `slot` is what it counts against where its workflow limits how many run at once; `blocked_on` the slot that it waits for.
    `input_refs`, `output_refs` and a step's `refs` say which parts of a value lie in blobs: `{JSON pointer: blob reference}`.
    `parent_waits`: the step (`parent_id`, `parent_node`, `parent_item`) waits for this one's end. `calls`: a step of it has started a
    child to wait for. `paused_with_caller`: it was paused since the execution that waits for it was. `settled`: what its end had to
    bring about (its parent told, its children cancelled, error workflows started) has been done; looked at only for those that
    have such consequences. `interruptions` counts executors that died under it without progress; `bytes` is what it has stored.
    """

    __tablename__ = "executions"
    __table_args__ = (
        CheckConstraint(one_of("status", ExecutionStatus)),
        # By id, not by last_push or lease_until: pushing again and renewing a lease then touch no index (HOT updates).
        Index("executions_queued", "id", postgresql_where=text("status = 'queued' and blocked_on is null")),
        Index("executions_running", "id", postgresql_where=text("status = 'running'")),
        Index("executions_blocked", "blocked_on", "id", postgresql_where=text("status = 'queued' and blocked_on is not null")),
        Index(
            "executions_slots",
            "slot",
            postgresql_where=text("slot is not null and blocked_on is null and status in ('queued', 'running', 'paused')"),
        ),
        Index("executions_paused", "id", postgresql_where=text("status = 'paused'")),
        Index("executions_suspect", "id", postgresql_where=text("status = 'queued' and interruptions >= 3")),
        Index("executions_due", "wake_at", postgresql_where=text("status = 'waiting'")),
        # Ascending, though read from the end: so PostgreSQL knows that new ids come last of their group, and leaves full pages behind.
        Index("executions_of_workflow", "workflow_id", "id"),
        Index("executions_of_project", "project_id", "id"),
        # What people look for among the many that succeeded. None of those is ever in here, nor is it on its way.
        Index("executions_apart_of_workflow", "workflow_id", "status", "id", postgresql_where=text(_APART)),
        Index("executions_apart_of_project", "project_id", "status", "id", postgresql_where=text(_APART)),
        Index(
            "executions_unsettled",
            "id",
            postgresql_where=text("finished_at is not null and not settled and (parent_waits or calls or status <> 'succeeded')"),
        ),
        Index("executions_jobs", "workflow_id", "id", postgresql_where=text("kind <> 'run'")),
        Index("executions_children", "parent_id", "parent_node", "parent_item", postgresql_where=text("parent_id is not null")),
        Index("executions_retries", "retry_of", "id", postgresql_where=text("retry_of is not null")),
        Index("executions_replays", "replay_of", "id", postgresql_where=text("replay_of is not null")),
        # What retention reads: failures are kept longer, so that they have an index of their own.
        Index("executions_done", "workflow_id", "finished_at", postgresql_where=text("status in ('succeeded', 'cancelled')")),
        Index("executions_failed", "workflow_id", "finished_at", postgresql_where=text("status in ('failed', 'quarantined')")),
        Index("executions_dedupe", "workflow_id", "dedupe_key", unique=True, postgresql_where=text("dedupe_key is not null")),
    )

    id: Mapped[UUID] = made_id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    workflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("workflows.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(server_default="run", comment="run, poll or check; only run shows in history and statistics")
    task: Mapped[dict[str, Any] | None] = mapped_column(comment="what a poll or a check is asked to do (contracts.jobs)")
    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshots.id"))
    version: Mapped[int | None]
    status: Mapped[str] = mapped_column(server_default="queued")
    trigger: Mapped[dict[str, Any]]
    input: Mapped[Any] = mapped_column(JSON())
    input_refs: Mapped[dict[str, Any] | None]
    output: Mapped[Any | None] = mapped_column(JSON())
    output_refs: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    failed_steps: Mapped[int] = mapped_column(server_default=text("0"))
    until_node: Mapped[str | None]
    only_node: Mapped[str | None]
    seed: Mapped[bytes]
    dedupe_key: Mapped[str | None]
    parent_id: Mapped[UUID | None]
    parent_node: Mapped[str | None]
    parent_item: Mapped[int | None]
    parent_waits: Mapped[bool] = mapped_column(server_default=text("false"))
    calls: Mapped[bool] = mapped_column(server_default=text("false"))
    paused_with_caller: Mapped[bool] = mapped_column(server_default=text("false"))
    depth: Mapped[int] = mapped_column(server_default=text("0"))
    retry_of: Mapped[UUID | None]
    replay_of: Mapped[UUID | None]
    created_at: Mapped[datetime] = made_now()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    wake_at: Mapped[datetime | None]
    running_ms: Mapped[float] = mapped_column(server_default=text("0"))
    running_since: Mapped[datetime | None]
    slot: Mapped[str | None]
    blocked_on: Mapped[str | None]
    last_push: Mapped[datetime] = made_now()
    epoch: Mapped[int] = mapped_column(server_default=text("0"))
    report_seq: Mapped[int] = mapped_column(server_default=text("0"))
    event_seq: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    executor_id: Mapped[UUID | None]
    claim_id: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    interruptions: Mapped[int] = mapped_column(server_default=text("0"))
    bytes: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    settled: Mapped[bool] = mapped_column(server_default=text("false"))


class Step(Base):
    """One attempt at one node (and item) of an execution. A recorded success is never overwritten.

    `token`: while it waits, whoever holds its token of this kind may answer (contracts.resume_tokens). `items`: the list of a
    for-each, as it was when the step started.
    """

    __tablename__ = "steps"
    __table_args__ = (
        CheckConstraint(one_of("status", StepStatus)),
        Index("steps_identity", "execution_id", "node", "item", "attempt", unique=True, postgresql_nulls_not_distinct=True),
    )

    id: Mapped[UUID] = made_id()
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    node: Mapped[str]
    type: Mapped[str]
    item: Mapped[int | None]
    attempt: Mapped[int]
    status: Mapped[str]
    epoch: Mapped[int]
    event_seq: Mapped[int] = mapped_column(BigInteger())
    port: Mapped[str | None]
    output: Mapped[Any | None] = mapped_column(JSON())
    refs: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    items: Mapped[Any | None] = mapped_column(JSON())
    wait: Mapped[dict[str, Any] | None]
    token: Mapped[str | None]
    due_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    duration_ms: Mapped[float | None]


class Resolution(Base):
    """The answer to a wait: at most one for each (execution, node, item). It may come before the wait begins."""

    __tablename__ = "resolutions"
    __table_args__ = (Index("resolutions_identity", "execution_id", "node", "item", unique=True, postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = made_id()
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    node: Mapped[str]
    item: Mapped[int | None]
    kind: Mapped[str]
    answer: Mapped[Any] = mapped_column(JSON())
    refs: Mapped[dict[str, Any] | None]
    at: Mapped[datetime] = made_now()


class WebhookAnswer(Base):
    """What a respond node answers to the caller of the webhook that started the execution. The first stays."""

    __tablename__ = "webhook_answers"

    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True)
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[Any | None] = mapped_column(JSON())
    refs: Mapped[dict[str, Any] | None]


class LogLine(Base):
    """A line that a node wrote."""

    __tablename__ = "execution_logs"
    __table_args__ = (Index("execution_logs_of", "execution_id", "id"),)

    id: Mapped[UUID] = made_id()
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    node: Mapped[str]
    level: Mapped[str]
    message: Mapped[str]
    at: Mapped[datetime]


class IdempotencyKey(Base):
    """The answer that a caller's `Idempotency-Key` got the first time. Kept for at least 24 h."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
