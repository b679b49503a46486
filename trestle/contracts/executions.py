"""Executions and steps as callers see them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from trestle.contracts.base import JsonObject, JsonValue, Key, Model, Request
from trestle.contracts.states import ExecutionStatus, StepStatus

LogLevel = Literal["debug", "info", "warning", "error"]


class StepError(BaseModel):
    """Why a step failed: what kind, what happened, and what to do about it."""

    type: str
    message: str
    hint: str = ""


class ExecutionError(StepError):
    """Why an execution failed: the error of the step that ended it. `node` is None where no step did (a timeout)."""

    node: str | None = None


class Metrics(BaseModel):
    """What an execution cost. Times are in milliseconds."""

    steps: int = 0
    attempts: int = 0
    bytes: int = 0
    running_ms: float = 0
    waiting_ms: float = 0


class LargeValue(Model):
    """A value over 256 KB, which is not shown but may be downloaded. `media_type` application/json: a JSON document; else a file."""

    id: UUID
    size: int = Field(description="Bytes")
    media_type: str
    url: str = Field("", description="Where it can be downloaded, on this instance")


LargeValues = Annotated[dict[str, LargeValue], BeforeValidator(lambda stored: stored or {})]
"""By JSON pointer into the value beside it, which holds null at these places."""


class ExecutionSummary(Model):
    """A row of the history."""

    id: UUID
    project_id: UUID = Field(description="Whose it is: what a caller may do with it depends on their role there")
    workflow_id: UUID | None = Field(description="null once the workflow is deleted")
    workflow_name: str | None = None
    version: int | None = Field(description="null: it ran the draft")
    status: ExecutionStatus
    trigger: JsonObject
    error: ExecutionError | None = None
    failed_steps: int = Field(0, description="Steps that failed and were passed over")
    attempt: int = 1
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    wake_at: datetime | None = Field(None, description="When a waiting one goes on by itself")
    parent_id: UUID | None = Field(None, description="The execution that called it, as a step of a workflow")
    retry_of: UUID | None = Field(None, description="The one of which it is a retry: finished steps were kept")
    replay_of: UUID | None = Field(None, description="The one whose input it got again")


class Execution(ExecutionSummary):
    """One execution whole. `output` is the output of its last node, or an object of the last nodes' outputs by key."""

    input: JsonValue = None
    input_refs: LargeValues = Field(default_factory=dict, description="Values over 256 KB in `input`")
    output: JsonValue = None
    output_refs: LargeValues = Field(default_factory=dict, description="Values over 256 KB in `output`")
    reason: str | None = Field(None, description="Why it stays queued, or is paused")
    metrics: Metrics = Field(default_factory=Metrics)
    retried_by: list[UUID] = Field(default_factory=list, description="Executions that are its retries, newest first; 20 at most")
    replayed_by: list[UUID] = Field(default_factory=list, description="Executions that are its replays, newest first; 20 at most")


class Step(Model):
    """One attempt at one node (and item). Durations are in milliseconds, from its start to its end: with what it waited for."""

    id: UUID
    node: str
    type: str
    status: StepStatus
    attempt: int
    item: int | None = None
    parent: UUID | None = None
    port: str | None = None
    input: JsonValue = None
    input_refs: LargeValues = Field(default_factory=dict, description="Values over 256 KB in `input`")
    output: JsonValue = None
    refs: LargeValues = Field(default_factory=dict, description="Values over 256 KB in `output`")
    error: StepError | None = None
    wait: JsonValue = None
    due_at: datetime | None = Field(None, description="When a waiting step goes on by itself")
    waits_for: str | None = Field(None, description="Whose answer a waiting step waits for: approval, webhook, child")
    items: int | None = Field(
        None, description="How many items its output holds, where that is a list; of a for-each, how many it goes through"
    )
    failed_items: int | None = Field(None, description="Of a for-each that succeeded: how many of its items failed and were passed over")
    calls: list[UUID] = Field(
        default_factory=list, description="The executions that it has started, oldest first: those of all its attempts"
    )
    usage: JsonObject | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: float | None = None


class ExecuteRequest(Request):
    """Starts an execution by hand; of the draft unless `version` is given."""

    input: JsonValue = None
    version: int | None = Field(None, ge=1)
    until: Key | None = None
    only: Key | None = None


class ReplayRequest(Request):
    """Starts an execution again with the same input; of the graph it ran unless `version` is given."""

    version: int | None = Field(None, ge=1)


class ExecutionFilter(Request):
    """Which executions; what is left out does not narrow it."""

    ids: list[UUID] | None = Field(None, max_length=1000)
    workflow_id: UUID | None = None
    status: list[ExecutionStatus] | None = None
    trigger: str | None = Field(None, description="Kind of the trigger: manual, webhook, …")
    since: datetime | None = Field(None, description="Created at this time or later")
    before: datetime | None = Field(None, description="Finished before this time")


class DeleteExecutions(Request):
    """Deletes the finished ones of these, in the projects where the caller may edit."""

    filter: ExecutionFilter


class Deleted(BaseModel):
    """How many are gone. `more`: there are others yet; ask again."""

    deleted: int
    more: bool


class Started(BaseModel):
    """The answer of everything that starts an execution."""

    execution_id: UUID


class StepEvent(BaseModel):
    """A step in a stream of server-sent events: its whole state, so that a repeat is harmless."""

    execution_id: UUID
    node: str
    status: StepStatus
    attempt: int
    item: int | None = None
    port: str | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    items: int | None = Field(
        None, description="How many items its output holds, where that is a list; of a for-each, how many it goes through"
    )
    failed_items: int | None = Field(None, description="Of a for-each that succeeded: how many of its items failed and were passed over")
    due_at: datetime | None = Field(None, description="When a waiting step goes on by itself")
    reason: str | None = Field(None, description="Why it waits, where that is said")
    waits_for: str | None = Field(None, description="Whose answer it waits for: approval, webhook, child")


class ExecutionEvent(BaseModel):
    """An execution in a stream of server-sent events: its whole state."""

    execution_id: UUID
    workflow_id: UUID | None
    status: ExecutionStatus
    error: ExecutionError | None = None
    failed_steps: int = 0
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
