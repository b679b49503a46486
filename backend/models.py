"""The tables, once. Times are UTC; ids are time-ordered UUIDs made by PostgreSQL.

Values that people wrote or that passed through a workflow are `json`, not `jsonb`: their key order and exact numbers stay.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from trestle.contracts.states import ExecutionStatus, StepStatus
from trestle.contracts.users import ProjectRole, Role


def _one_of(column: str, values: type[ExecutionStatus] | type[StepStatus] | type[Role] | type[ProjectRole]) -> str:
    return f"{column} in ({', '.join(repr(str(value)) for value in values)})"


class Base(DeclarativeBase):
    """Maps Python types to PostgreSQL's."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
        float: Double(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: ARRAY(Text()),
    }


def _id() -> Mapped[UUID]:
    return mapped_column(primary_key=True, server_default=text("uuidv7()"))


def _now() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


class User(Base):
    """A person."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint(_one_of("role", Role)),)

    id: Mapped[UUID] = _id()
    email: Mapped[str] = mapped_column(CITEXT(), unique=True)
    name: Mapped[str]
    password_hash: Mapped[bytes]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = _now()


class RefreshToken(Base):
    """A refresh token, by the hash of it. All that descend from one log-in are a family, and end together when one is used twice."""

    __tablename__ = "refresh_tokens"

    id: Mapped[UUID] = _id()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    family: Mapped[UUID] = mapped_column(index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = _now()
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginFailure(Base):
    """How often log-in failed for one account from one address, for the backoff."""

    __tablename__ = "login_failures"

    account: Mapped[str] = mapped_column(CITEXT(), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]


class Project(Base):
    """Holds workflows and credentials. A personal one belongs to `personal_of` alone."""

    __tablename__ = "projects"

    id: Mapped[UUID] = _id()
    name: Mapped[str]
    personal_of: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    created_at: Mapped[datetime] = _now()


class Membership(Base):
    """A user's role in a project."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint(_one_of("role", ProjectRole)),)

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str]
    labels: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))


class Workflow(Base):
    """A workflow and the head of its draft. `revision` grows with every change of the draft's graph or settings."""

    __tablename__ = "workflows"

    id: Mapped[UUID] = _id()
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
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class Node(Base):
    """A node of a draft. `policies` holds what is set of retry, timeout_s, on_error, disabled, for_each, join, notes, pinned."""

    __tablename__ = "nodes"
    __table_args__ = (UniqueConstraint("workflow_id", "key"),)

    id: Mapped[UUID] = _id()
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

    id: Mapped[UUID] = _id()
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
    created_at: Mapped[datetime] = _now()

    __table_args__ = (Index("operations_since", "workflow_id", "revision"),)


class Snapshot(Base):
    """An immutable graph, by its hash. `graph` is `{nodes, connections, settings}`.

    `types` (the node types that an executor must have to run it, without those of disabled nodes), `timeout_s` (its settings'
    `timeout_s`) and `limited` (whether they have a `concurrency`) are taken out of the graph when it is stored, so that claims
    and sweeps need not look inside.
    """

    __tablename__ = "snapshots"

    id: Mapped[str] = mapped_column(primary_key=True)
    graph: Mapped[dict[str, Any]]
    types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    timeout_s: Mapped[float] = mapped_column(server_default=text("3600"))
    limited: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = _now()


class Version(Base):
    """A published version of a workflow."""

    __tablename__ = "versions"

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshots.id"))
    message: Mapped[str] = mapped_column(server_default="")
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = _now()


class Trigger(Base):
    """A trigger of the published version. Fires only while its workflow is enabled. Publishing replaces all of a workflow's."""

    __tablename__ = "triggers"
    __table_args__ = (UniqueConstraint("workflow_id", "node"),)

    id: Mapped[UUID] = _id()
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    node: Mapped[str]
    kind: Mapped[str]
    version: Mapped[int]
    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshots.id"))
    config: Mapped[dict[str, Any]]
    last_fired_at: Mapped[datetime | None]


class WebhookRoute(Base):
    """A path and method that a webhook trigger listens on: one owner in the whole instance."""

    __tablename__ = "webhook_routes"

    path: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    trigger_id: Mapped[UUID] = mapped_column(ForeignKey("triggers.id", ondelete="CASCADE"), index=True)


class Execution(Base):
    """One run. Its row is the queue: a `queued` row whose `last_push` is old is the outbox.

    `epoch` fences: each claim raises it, and every write of an owner names it. `event_seq` numbers changes for streams.
    `slot` is what it counts against where its workflow limits how many run at once; `blocked_on` the slot that it waits for.
    """

    __tablename__ = "executions"
    __table_args__ = (
        CheckConstraint(_one_of("status", ExecutionStatus)),
        # By id, not by last_push or lease_until: pushing again and renewing a lease then touch no index (HOT updates).
        Index("executions_queued", "id", postgresql_where=text("status = 'queued' and blocked_on is null")),
        Index("executions_running", "id", postgresql_where=text("status = 'running'")),
        Index("executions_blocked", "blocked_on", "id", postgresql_where=text("status = 'queued' and blocked_on is not null")),
        Index("executions_slots", "slot", postgresql_where=text("status = 'running' and slot is not null")),
        Index("executions_due", "wake_at", postgresql_where=text("status = 'waiting'")),
        Index("executions_of_workflow", "workflow_id", text("id desc")),
        Index("executions_of_project", "project_id", text("id desc")),
        Index("executions_dedupe", "workflow_id", "dedupe_key", unique=True, postgresql_where=text("dedupe_key is not null")),
    )

    id: Mapped[UUID] = _id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    workflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("workflows.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(server_default="run")
    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshots.id"))
    version: Mapped[int | None]
    status: Mapped[str] = mapped_column(server_default="queued")
    trigger: Mapped[dict[str, Any]]
    input: Mapped[Any] = mapped_column(JSON())
    output: Mapped[Any | None] = mapped_column(JSON())
    error: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    failed_steps: Mapped[int] = mapped_column(server_default=text("0"))
    until_node: Mapped[str | None]
    only_node: Mapped[str | None]
    seed: Mapped[bytes]
    dedupe_key: Mapped[str | None]
    parent_id: Mapped[UUID | None]
    retry_of: Mapped[UUID | None]
    created_at: Mapped[datetime] = _now()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    wake_at: Mapped[datetime | None]
    running_ms: Mapped[float] = mapped_column(server_default=text("0"))
    running_since: Mapped[datetime | None]
    slot: Mapped[str | None]
    blocked_on: Mapped[str | None]
    last_push: Mapped[datetime] = _now()
    epoch: Mapped[int] = mapped_column(server_default=text("0"))
    report_seq: Mapped[int] = mapped_column(server_default=text("0"))
    event_seq: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    executor_id: Mapped[UUID | None]
    claim_id: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    interruptions: Mapped[int] = mapped_column(server_default=text("0"))


class Step(Base):
    """One attempt at one node (and item) of an execution. A recorded success is never overwritten."""

    __tablename__ = "steps"
    __table_args__ = (
        CheckConstraint(_one_of("status", StepStatus)),
        Index("steps_identity", "execution_id", "node", "item", "attempt", unique=True, postgresql_nulls_not_distinct=True),
    )

    id: Mapped[UUID] = _id()
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
    error: Mapped[dict[str, Any] | None]
    wait: Mapped[dict[str, Any] | None]
    due_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    duration_ms: Mapped[float | None]


class LogLine(Base):
    """A line that a node wrote."""

    __tablename__ = "execution_logs"
    __table_args__ = (Index("execution_logs_of", "execution_id", "id"),)

    id: Mapped[UUID] = _id()
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


class Executor(Base):
    """An executor process and the node types it offers. Alive while `seen_at` is fresh. `types` are those that work."""

    __tablename__ = "executors"

    id: Mapped[UUID] = _id()
    name: Mapped[str]
    catalogue: Mapped[list[Any]] = mapped_column(JSON())
    types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    registered_at: Mapped[datetime] = _now()
    seen_at: Mapped[datetime] = _now()
    stopped_at: Mapped[datetime | None]


class Credential(Base):
    """A secret, encrypted. `{project, credential, version}` stand inside the ciphertext too, and are checked when it is read."""

    __tablename__ = "credentials"

    id: Mapped[UUID] = _id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    type: Mapped[str]
    ciphertext: Mapped[bytes]
    key_id: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    fields: Mapped[dict[str, Any]]
    set_fields: Mapped[list[str]]
    allowed_hosts: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()
