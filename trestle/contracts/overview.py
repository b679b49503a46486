"""What the webhooks page and the dashboard show."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from trestle.contracts.states import ExecutionStatus


class Webhook(BaseModel):
    """A webhook of a published version. It answers while its workflow is enabled. `auth` is the scheme: `none`, `basic`, …"""

    workflow_id: UUID
    workflow_name: str
    enabled: bool
    node: str
    url: str
    methods: list[str]
    auth: str
    last_called_at: datetime | None


class SlowNode(BaseModel):
    """A node and how long its attempts take. Times are in milliseconds."""

    workflow_id: UUID
    workflow_name: str
    node: str
    attempts: int
    p95_ms: float


class FailingNode(BaseModel):
    """A node at which executions failed, and how many did."""

    workflow_id: UUID
    workflow_name: str
    node: str
    failures: int
    last_execution_id: UUID


class Interval(BaseModel):
    """What was started in an interval of time beginning at `at`, and how it went. Durations are those of what has ended."""

    at: datetime
    succeeded: int = 0
    failed: int = Field(0, description="Failed or quarantined")
    others: int = Field(0, description="Cancelled, or not ended yet")
    p50_ms: float | None = None
    p95_ms: float | None = None


class Stats(BaseModel):
    """What happened since a moment. `success_rate` (0 to 1) is of those that ended, None where none did. Durations run from the
    start of an execution to its end, in milliseconds. Every execution is counted; durations are told from `durations_of` of them, which are
    the newest of each interval, and nodes from the newest few hundred."""

    since: datetime
    workflows: int
    enabled_workflows: int
    executions: dict[ExecutionStatus, int]
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    durations_of: int = Field(0, description="Executions that all durations here are told from: each, or some thousands")
    slowest_nodes: list[SlowNode]
    failing_nodes: list[FailingNode] = Field(default_factory=list)
    interval_s: float = Field(3600, description="Seconds of each interval of `series`")
    series: list[Interval] = Field(default_factory=list, description="The intervals since then, oldest first, without gaps")
