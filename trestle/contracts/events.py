"""Events: what somebody sends to a project, and what it starts."""

from uuid import UUID

from pydantic import BaseModel, Field


class EventStart(BaseModel):
    """A workflow that an event starts. Without an execution in a dry run."""

    workflow_id: UUID
    execution_id: UUID | None = None


class EventProblem(BaseModel):
    """A workflow that an event might have started: its condition could not be told. `execution_id` is the failure in its history."""

    workflow_id: UUID
    node: str
    message: str
    execution_id: UUID | None = None


class EventTaken(BaseModel):
    """What came of an event. A dry run has no `event_id`; `problems` is there only where there are some."""

    event_id: UUID | None = None
    executions: list[EventStart]
    problems: list[EventProblem] | None = Field(None, description="Workflows that were not started, because their condition failed")
