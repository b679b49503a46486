"""Workflows, versions and the editor's operations as callers see them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from trestle.contracts.base import JsonObject, JsonValue, Key, Model, Request
from trestle.contracts.executions import LargeValues
from trestle.contracts.graph import Connection, ForEach, Graph, Node, Position, RetryPolicy, WorkflowSettings
from trestle.contracts.problems import FieldError

Tag = Annotated[str, Field(min_length=1, max_length=50)]


class NewWorkflow(Request):
    """A workflow to create. Without a project it goes to the caller's personal one."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=10_000)
    project_id: UUID | None = None
    nodes: list[Node] = Field(default_factory=list)
    connections: list[Connection] = Field(default_factory=list)
    settings: WorkflowSettings = WorkflowSettings()
    tags: list[Tag] = Field(default_factory=list, max_length=50)
    folder: str = Field("", max_length=200)


class WorkflowChange(Request):
    """What to change; what is left out stays. `enabled: true` publishes first where nothing is published."""

    name: str | None = Field(None, min_length=1, max_length=200)
    description: str | None = Field(None, max_length=10_000)
    settings: WorkflowSettings | None = None
    tags: list[Tag] | None = Field(None, max_length=50)
    folder: str | None = Field(None, max_length=200)
    enabled: bool | None = None


class RecentRun(Model):
    """One of a workflow's newest executions. `ms`: from its start to its end; None where it has not ended, or never began."""

    id: UUID
    status: str
    ms: float | None


class Labels(Model):
    """The tags and folders in use."""

    tags: list[str]
    folders: list[str]


class WorkflowSummary(Model):
    """A row of the workflows page."""

    id: UUID
    project_id: UUID
    name: str
    description: str
    tags: list[str]
    folder: str
    enabled: bool
    revision: int
    published_version: int | None
    has_unpublished_changes: bool
    node_count: int = 0
    created_at: datetime
    updated_at: datetime
    last_execution: JsonObject | None = Field(None, description="`{id, status, created_at}` of the newest one")
    recent: list[RecentRun] = Field(default_factory=list, description="The newest 14, oldest first")


class StoredNode(Node):
    """A node of a draft, with its id."""

    id: UUID


class StoredConnection(Connection):
    """A connection of a draft, with its id."""

    id: UUID


class NodeChange(Request):
    """What to change of one node; what is left out stays. `config` is replaced whole; another `key` renames the node."""

    key: Key | None = None
    type: str | None = Field(None, min_length=1, max_length=100)
    name: str | None = None
    config: JsonObject | None = None
    position: Position | None = None
    retry: RetryPolicy | None = None
    timeout_s: float | None = None
    on_error: Literal["stop", "continue", "branch"] | None = None
    disabled: bool | None = None
    for_each: ForEach | None = None
    join: Literal["any", "all"] | None = None
    notes: str | None = None
    pinned: JsonValue = None


class WebhookUrl(BaseModel):
    """Where a published webhook node listens."""

    node: str
    url: str
    methods: list[str]


class Poll(BaseModel):
    """A published trigger that asks elsewhere for what is new. `due_at`: when next, None while the workflow is disabled. `failures`:
    how many times in a row it failed, `error` why the last time."""

    node: str
    every_s: float
    due_at: datetime | None
    failures: int
    error: JsonObject | None


class Listening(BaseModel):
    """Somebody listens for a test event of a draft, until one came or `expires_at`. `test_url` is its first webhook's."""

    test_url: str
    expires_at: datetime
    urls: list[WebhookUrl]


class Workflow(WorkflowSummary):
    """One workflow whole: its draft, and what publishing it would refuse."""

    settings: WorkflowSettings
    nodes: list[StoredNode]
    connections: list[StoredConnection]
    problems: list[FieldError]
    webhooks: list[WebhookUrl] = Field(default_factory=list, description="Of the published version")
    polls: list[Poll] = Field(default_factory=list, description="Of the published version")


class PublishRequest(Request):
    """Freezes the draft as the next version."""

    message: str = Field("", max_length=1000)


class Version(Model):
    """An immutable, published version."""

    number: int
    message: str
    created_at: datetime
    created_by: UUID | None
    live: bool


class VersionWhole(Version):
    """A version with its graph."""

    graph: Graph
    settings: WorkflowSettings


class FieldChange(BaseModel):
    """A field that differs between two versions: `config.url`, `retry`."""

    path: str
    before: Any = None
    after: Any = None


Change = Literal["added", "removed", "changed"]


class NodeDiff(BaseModel):
    """A node that differs between two versions. Of an added or removed one no fields are told."""

    key: str
    change: Change
    fields: list[FieldChange] = Field(default_factory=list)


class ConnectionDiff(BaseModel):
    """A connection that only one of two versions has."""

    change: Change
    source: str
    source_port: str
    target: str


class Diff(BaseModel):
    """What differs between two versions."""

    nodes: list[NodeDiff]
    connections: list[ConnectionDiff]


class Document(Request):
    """A workflow as a file: without ids and secrets, to be kept or imported elsewhere."""

    trestle: Literal[1] = Field(1, description="Version of the format")
    name: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=10_000)
    tags: list[Tag] = Field(default_factory=list, max_length=50)
    folder: str = Field("", max_length=200)
    settings: WorkflowSettings = WorkflowSettings()
    nodes: list[Node] = Field(default_factory=list)
    connections: list[Connection] = Field(default_factory=list)


class Problems(BaseModel):
    """What publishing would refuse."""

    problems: list[FieldError]


class PreviewError(BaseModel):
    """Why an expression gives no value."""

    message: str
    hint: str = ""
    expression: str = ""
    kind: str = Field("", description="syntax, undefined (a name that isn't there), type, limit …")


class Preview(BaseModel):
    """What an expression gives: its value, or why there is none."""

    value: JsonValue = None
    refs: LargeValues = Field(default_factory=dict, description="Values over 256 KB in `value`: a path hands them on unseen")
    error: PreviewError | None = None


class AddNode(Request):
    """A node appears."""

    op: Literal["add_node"]
    id: UUID
    node: Node


class Move(Request):
    """Where one node goes."""

    key: Key
    x: float
    y: float


class MoveNodes(Request):
    """Nodes are dragged elsewhere; sent once, when the drag ends."""

    op: Literal["move_nodes"]
    id: UUID
    moves: list[Move]


class ConfigureNode(Request):
    """Fields of one node change. `config` replaces the top-level config fields it names; null removes one."""

    op: Literal["configure_node"]
    id: UUID
    key: Key
    fields: dict[Literal["config", "name", "retry", "timeout_s", "on_error", "disabled", "join", "for_each", "notes", "pinned"], Any]


class RenameNode(Request):
    """A node gets another key; its connections and the expressions that name it follow."""

    op: Literal["rename_node"]
    id: UUID
    key: Key
    new_key: Key


class RemoveNodes(Request):
    """Nodes go, and their connections with them."""

    op: Literal["remove_nodes"]
    id: UUID
    keys: list[Key]


class Connect(Request):
    """A connection appears."""

    op: Literal["connect"]
    id: UUID
    source: Key
    source_port: str = "main"
    target: Key


class Disconnect(Request):
    """A connection goes."""

    op: Literal["disconnect"]
    id: UUID
    source: Key
    source_port: str = "main"
    target: Key


Operation = Annotated[AddNode | MoveNodes | ConfigureNode | RenameNode | RemoveNodes | Connect | Disconnect, Field(discriminator="op")]


class Operations(Request):
    """What the editor did since `base_revision`, in order. Ids make a re-send harmless."""

    base_revision: int = Field(ge=0)
    operations: list[Operation] = Field(max_length=1000)


class Conflict(BaseModel):
    """An operation that was not applied: why, and what stands there now."""

    id: UUID
    reason: str
    current: Any = None


SETTINGS_PATH = "@settings"
"""What a revision touched that changed the workflow's settings: no node's key."""


class Passed(BaseModel):
    """A revision between the base of a batch and its answer, without the batch's own operations. Where it has none, it came by another
    way: load the draft again, unless it touched nothing but the settings."""

    revision: int
    operations: list[Operation]
    touched: list[str] = Field(
        description="Paths that it changed: `key`, `key/field`, `key/config.name`, `>source>port>target`, `@settings`"
    )


class OperationsApplied(BaseModel):
    """The draft's revision after the operations, and which of them are in it."""

    revision: int
    applied: list[UUID]
    conflicts: list[Conflict]
    problems: list[FieldError] = Field(default_factory=list, description="What publish would refuse now")
    passed: list[Passed] | None = Field(None, description="What else happened since the base, in order; null: not known any more")


class DraftEvent(BaseModel):
    """A new revision in a workflow's stream. Without operations it came by another way: load the draft again, unless it touched
    nothing but the settings."""

    revision: int
    operations: list[Operation]
    touched: list[str] = Field(default_factory=list, description="Paths that it changed, as of `Passed`")
    user: UUID | None = None


class PresentUser(BaseModel):
    """Somebody who has a draft open."""

    id: UUID
    name: str


class Present(BaseModel):
    """Everybody who has the draft open, the caller too, in a workflow's stream."""

    users: list[PresentUser]


class PreviewRequest(Request):
    """An expression to evaluate as if `node` were about to run, over an execution's recorded data (by default the newest)."""

    node: Key
    expression: Any
    execution_id: UUID | None = None
    payload: JsonValue = Field(None, description="A test input, which stands for the payload where nothing has run yet")
