"""The language between executor and backend: register, claim, report, heartbeat, release, secret.

PROTOCOL: an executor owns an execution under a lease and an epoch. Every message about it names that epoch; a stale one
is answered `stale`, and the executor drops the execution.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from trestle.contracts.base import EncodedJson, JsonObject, JsonValue
from trestle.contracts.executions import LogLevel, StepError
from trestle.contracts.node_types import NodeType
from trestle.contracts.states import StepStatus


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
    error: StepError | None = None


class OpenStep(BaseModel):
    """A step that was begun and has no final record: running when its executor was lost, or waiting.

    `due_at` of a waiting one: when it goes on. `failure` tells a backoff (attempt `attempt` failed, the next may start at
    `due_at`) from a wait of the node itself (a delay), whose state `wait` holds.
    """

    node: str
    item: int | None = None
    attempt: int
    status: StepStatus
    due_at: datetime | None = None
    wait: JsonValue = None
    failure: StepError | None = None


class Job(BaseModel):
    """One claimed execution, with all that its run needs besides the snapshot (fetched once by id, then kept)."""

    execution_id: UUID
    epoch: int
    kind: Literal["run"] = "run"
    project_id: UUID
    workflow_id: UUID
    workflow_name: str
    version: int | None
    snapshot_id: str
    trigger: JsonObject
    input: EncodedJson
    variables: JsonObject = Field(default_factory=dict)
    seed: str = Field(description="Hex; random per root execution: the root of every idempotency key")
    attempt: int
    created_at: datetime
    until: str | None = Field(None, description="Test run: stop after this node")
    only: str | None = Field(None, description="Test run: run this node alone")
    finished: list[FinishedStep] = Field(default_factory=list)
    open: list[OpenStep] = Field(default_factory=list)


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


class StepReport(BaseModel):
    """The state of one attempt at one node (item). A repeat is harmless; a recorded success is never overwritten."""

    node: str
    type: str
    item: int | None = None
    attempt: int = 1
    status: StepStatus
    port: str | None = None
    output: EncodedJson | None = None
    error: StepError | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: float | None = None
    due_at: datetime | None = None
    wait: JsonValue = None


class LogLine(BaseModel):
    """What a node wrote with `ctx.log`."""

    node: str
    level: LogLevel
    message: str
    at: datetime


class Ending(BaseModel):
    """How this ownership ends: for good (`succeeded`, `failed`, `cancelled`), or `waiting` until `due_at`."""

    status: Literal["succeeded", "failed", "cancelled", "waiting"]
    output: EncodedJson | None = None
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


class Secret(BaseModel):
    """A decrypted credential. Kept in memory for at most 30 s, never written."""

    type: str
    data: JsonObject
    allowed_hosts: list[str] = Field(default_factory=list, description="Empty: any host")
