"""The language between executor and backend: register, claim, report, heartbeat, release, secret, start, notify, died.

PROTOCOL: an executor owns an execution under a lease and an epoch. Every message about it names that epoch; a stale one
is answered `stale`, and the executor drops the execution.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from trestle.contracts.base import EncodedJson, JsonObject, JsonValue
from trestle.contracts.credentials import RateLimit
from trestle.contracts.executions import LogLevel, StepError
from trestle.contracts.node_types import NodeType
from trestle.contracts.states import StepStatus

Refs = dict[str, "BlobRef"]
"""`{JSON pointer: blob}`: which parts of a value lie in blobs. At these places the value itself holds null. References travel
beside a value, never in it, so that no payload can forge one. The pointer of a whole value is the empty text."""

BLOB_BYTES = 256 * 1024
"""A value, or a part of one, that is larger as JSON text lies in a blob."""
BLOB_CHUNK_BYTES = 1024 * 1024
"""Blobs travel and are kept in chunks of this size; only the last may be smaller."""

WaitKind = Literal["webhook", "approval", "child"]
"""What may end a wait before its time: a call of its resume URL, a decision, the end of an execution that it started."""

Lane = Literal["main", "quarantine"]
"""`quarantine`: a process of its own that takes one execution at a time, of those under which executors kept dying."""


class BlobRef(BaseModel):
    """A large value that is stored once. `media_type` application/json: a JSON document; anything else: bytes."""

    id: UUID
    size: int = Field(description="Bytes")
    media_type: str = "application/json"


class Resolution(BaseModel):
    """The answer that a step's wait got. `{"decision": "approved" | "rejected", "comment", "by"}` for an approval; `{"method",
    "headers", "query", "body"}` for a webhook; `{"execution_id", "status", "output", "error"}` for a child."""

    node: str
    item: int | None = None
    kind: WaitKind
    answer: JsonValue = None
    refs: Refs = Field(default_factory=dict)


class Verdict(StrEnum):
    """What the backend tells an executor to do with an execution."""

    CONTINUE = "continue"
    STALE = "stale"
    """Somebody else owns it, or it is finished: drop it, write nothing."""
    CANCEL = "cancel"
    PAUSE = "pause"
    RESEND = "resend"
    """A report is missing: send again from `expected_seq`."""


class Registration(BaseModel):
    """What an executor says of itself when its process starts. Authorised by the shared executor key."""

    name: str
    catalogue: list[NodeType]
    lane: Lane = "main"
    credential_types: list[str] = Field(default_factory=list, description="Credential types that this executor can test")


class Registered(BaseModel):
    """The answer: who the executor is from now on, and how often it must be heard."""

    executor_id: UUID
    token: str = Field(description="Bearer token of this process for every other call")
    heartbeat_s: float
    lease_s: float


class FinishedStep(BaseModel):
    """A recorded step that a new owner builds on. `status` succeeded, failed (final, continued or branched) or skipped."""

    node: str
    item: int | None = None
    attempt: int
    status: StepStatus
    port: str | None = None
    output: EncodedJson | None = None
    refs: Refs = Field(default_factory=dict)
    error: StepError | None = None
    failed: bool = Field(False, description="It succeeded, and counts as failed: a for-each that passed over failed items")


class OpenStep(BaseModel):
    """A step that was begun and has no final record: running when its executor was lost, or waiting.

    `due_at` of a waiting one: when it goes on. `failure` tells a backoff (attempt `attempt` failed, the next may start at
    `due_at`) from a wait of the node itself (a delay), whose state `wait` holds.
    """

    node: str
    item: int | None = None
    attempt: int
    status: StepStatus
    started_at: datetime | None = Field(None, description="When this attempt began; None: it has not yet")
    due_at: datetime | None = None
    wait: JsonValue = None
    token: WaitKind | None = None
    resolution: Resolution | None = Field(None, description="The wait is over before `due_at`: this came")
    items: EncodedJson | None = Field(None, description="A for-each's list, as it was when the step started")
    refs: Refs = Field(default_factory=dict, description="Of `items`")
    failure: StepError | None = None


class Job(BaseModel):
    """One claimed execution, with all that its run needs besides the snapshot (fetched once by id, then kept)."""

    execution_id: UUID
    epoch: int
    kind: Literal["run", "poll", "check"] = "run"
    task: "PollTask | CheckTask | None" = Field(None, description="Of a poll or a check")
    project_id: UUID
    workflow_id: UUID | None = Field(description="None for a check")
    workflow_name: str = ""
    version: int | None
    snapshot_id: str
    trigger: JsonObject
    input: EncodedJson
    input_refs: Refs = Field(default_factory=dict)
    variables: JsonObject = Field(default_factory=dict)
    seed: str = Field(description="Hex; random per root execution: the root of every idempotency key")
    resume_key: str = Field("", description="Hex; makes this execution's resume tokens (contracts.resume_tokens)")
    public_url: str = Field("", description="The instance's address, for links")
    depth: int = Field(0, description="How many executions above it called one another")
    attempt: int
    created_at: datetime
    until: str | None = Field(None, description="Test run: stop after this node")
    only: str | None = Field(None, description="Test run: run this node alone")
    finished: list[FinishedStep] = Field(default_factory=list)
    open: list[OpenStep] = Field(default_factory=list)


THROTTLED = "Throttled"
"""Type of a poll's error that is none: a rate limit, and the next poll comes in its time."""


class PollTask(BaseModel):
    """Ask a polling trigger for what is new. `state` is what its last poll left, null at first."""

    type: Literal["poll"] = "poll"
    node: str
    state: JsonValue = None


class CheckTask(BaseModel):
    """Try a credential out with its type's `test`."""

    type: Literal["check"] = "check"
    credential_id: UUID
    credential_type: str
    sealed: str | None = Field(None, description="The ciphertext of one that is not kept yet. It never leaves the backend")


class PolledEvent(BaseModel):
    """Something new that a poll found. `id` is the provider's: the same event starts its workflow once.

    `refs`: what of `payload` lies in blobs. The executor writes it; what a node puts there is not kept.
    """

    id: str
    payload: JsonValue
    refs: Refs = Field(default_factory=dict)


class Polled(BaseModel):
    """What a poll found, and what the next one starts from."""

    events: list[PolledEvent] = Field(default_factory=list)
    state: JsonValue = None


class Claim(BaseModel):
    """Take these executions, or any where `ids` is empty. The same `claim_id` gets the same answer again."""

    claim_id: UUID
    ids: list[UUID] = Field(default_factory=list, max_length=500)
    limit: int = Field(ge=1, le=500)


class Claimed(BaseModel):
    """What was got. Ids that are neither here nor refused are owned or finished: forget them."""

    now: datetime
    jobs: list[Job]
    refused: dict[UUID, str] = Field(default_factory=dict, description="Id → why it stays queued")
    quarantine: bool = Field(False, description="Executions wait for a quarantine lane: start one, if none runs")


class StepReport(BaseModel):
    """The state of one attempt at one node (item). A repeat is harmless; a recorded success is never overwritten."""

    node: str
    type: str
    item: int | None = None
    attempt: int = 1
    status: StepStatus
    port: str | None = None
    output: EncodedJson | None = None
    refs: Refs | None = Field(None, description="Of `output`; of `items`, as long as the step has not ended")
    error: StepError | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: float | None = None
    due_at: datetime | None = Field(None, description="Of a waiting step; None: only its token ends the wait")
    wait: JsonValue = None
    token: WaitKind | None = None
    items: EncodedJson | None = None
    answer: "WebhookAnswer | None" = Field(None, description="Of a step that answers the webhook's caller")


class WebhookAnswer(BaseModel):
    """What the caller of the webhook that started the execution gets. The first one counts."""

    status: int = Field(200, ge=200, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    body: EncodedJson | None = None
    refs: Refs = Field(default_factory=dict)


class LogLine(BaseModel):
    """What a node wrote with `ctx.log`."""

    node: str
    level: LogLevel
    message: str
    at: datetime


class Ending(BaseModel):
    """How this ownership ends: for good (`succeeded`, `failed`, `cancelled`), or `waiting` until `due_at` (None: until an answer
    comes). Where a wait is over by then, the execution goes straight back into the queue."""

    status: Literal["succeeded", "failed", "cancelled", "waiting"]
    output: EncodedJson | None = None
    refs: Refs | None = None
    polled: Polled | None = Field(None, description="Of a poll that succeeded")
    error: StepError | None = None
    error_node: str | None = None
    failed_steps: int = 0
    due_at: datetime | None = None


class Report(BaseModel):
    """What happened to one execution since its last report. `seq` counts from 1 within an epoch, without gaps."""

    execution_id: UUID
    epoch: int
    seq: int = Field(ge=1)
    steps: list[StepReport] = Field(default_factory=list)
    logs: list[LogLine] = Field(default_factory=list)
    ending: Ending | None = None


class Reports(BaseModel):
    """A batch over any number of executions; at most one report of each."""

    reports: list[Report] = Field(max_length=1000)


class Answer(BaseModel):
    """The verdict on one execution's report."""

    execution_id: UUID
    verdict: Verdict
    expected_seq: int | None = None


class Answers(BaseModel):
    """The answer to a batch, in its order. Whatever was answered `continue` is committed."""

    now: datetime
    answers: list[Answer]


class Holding(BaseModel):
    """One execution that an executor believes it owns."""

    execution_id: UUID
    epoch: int


class Heartbeat(BaseModel):
    """Renews the leases of everything named, in one call a process."""

    running: list[Holding] = Field(default_factory=list)


class HeartbeatAnswer(BaseModel):
    """`verdicts` names only what is not to go on. `token` replaces the old one before it runs out."""

    now: datetime
    token: str
    verdicts: dict[UUID, Verdict] = Field(default_factory=dict)
    resolved: dict[UUID, list[Resolution]] = Field(default_factory=dict, description="Waits of held executions that are over")


class Release(BaseModel):
    """Gives executions back as queued, without blame. `leaving`: the process takes no more; its node types go with it."""

    running: list[Holding]
    leaving: bool = False


class SecretRequest(BaseModel):
    """Asks for a credential that the snapshot's node names, while its epoch holds."""

    execution_id: UUID
    epoch: int
    node: str
    credential_id: UUID
    refused: int | None = Field(None, description="The service refuses the secret of this version: a newer one is wanted")


class Secret(BaseModel):
    """A decrypted credential. Kept in memory for at most 30 s, never written."""

    type: str
    data: JsonObject
    allowed_hosts: list[str] = Field(default_factory=list, description="Empty: any host")
    rate_limit: RateLimit | None = None
    version: int | None = Field(None, description="Of a secret that the backend can renew")


class OnBehalf(BaseModel):
    """What a running step asks for: refused (404) unless this executor owns the execution under this epoch. `key` is the step's
    idempotency key: asked again, the same is answered, and nothing happens twice."""

    execution_id: UUID
    epoch: int
    node: str
    item: int | None = None
    key: str


class StartRequest(OnBehalf):
    """Start another workflow's published version at its workflow trigger, as a child of this step. 422 where it can't be."""

    workflow_id: UUID
    input: EncodedJson = "null"
    refs: Refs = Field(default_factory=dict)
    wait: bool = Field(True, description="The step will wait for its end: cancelled with this one, and its end resolves the wait")


class StartedChild(BaseModel):
    """The child. The same again for the same `key`."""

    execution_id: UUID


class NotifyRequest(OnBehalf):
    """Tell people of the execution's project something, in the app. Exactly one of `to_role` (a role or a label) and `to_user`
    (an id or an e-mail address)."""

    to_role: str | None = None
    to_user: str | None = None
    title: str = ""
    message: str
    link: str | None = None


class Notified(BaseModel):
    """How many people were told."""

    recipients: int


class RememberRequest(OnBehalf):
    """Which of these has the node not seen in earlier executions? They are remembered for so long; not with `only_look`, for test runs."""

    marks: list[str] = Field(max_length=5_000, description="Hex; hashes of what was seen. No two the same")
    forget_after_s: float = Field(gt=0)
    only_look: bool = False


class Remembered(BaseModel):
    """Whether each of the marks is new; the same again for the same `key`."""

    fresh: list[bool]


class Died(BaseModel):
    """A quarantine lane's process died while its parent, who says so, lived on."""

    executor_id: UUID = Field(description="As which the lane had registered")
