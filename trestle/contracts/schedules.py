"""Schedules as callers see them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from trestle.contracts.base import Request
from trestle.contracts.states import ExecutionStatus


class LastFiring(BaseModel):
    """The newest firing of a schedule. `status` of its execution, None where that has been deleted."""

    fire_at: datetime
    execution_id: UUID
    status: ExecutionStatus | None


class Schedule(BaseModel):
    """A schedule of a published version. `next`: the next ten times (UTC), none while its workflow is disabled."""

    trigger_id: UUID
    workflow_id: UUID
    workflow_name: str
    enabled: bool
    node: str
    cron: str | None = None
    every_s: int | None = None
    timezone: str
    misfire: str
    next: list[datetime]
    last: LastFiring | None = None
    problem: str | None = Field(None, description="Why it does not fire, where it can't: it became unreadable after it was published")


class PreviewRequest(Request):
    """A schedule to look at: one of `cron` (5 fields, or 6 with seconds first) and `every_s`."""

    cron: str | None = None
    every_s: int | None = None
    timezone: str = "UTC"


class SchedulePreview(BaseModel):
    """The next ten times (UTC)."""

    next: list[datetime] = Field(default_factory=list)
