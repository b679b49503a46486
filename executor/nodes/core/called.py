"""`trigger.workflow`: another workflow calls this one."""

from pydantic import Field

from executor.node import Config as Base
from executor.node import JsonValue, Static, Trigger


class Config(Base):
    """What callers send."""

    sample: Static[JsonValue] = Field(
        None, title="Example input", description="What callers are expected to send; nothing is checked against it", examples=[{"order": 7}]
    )


class WorkflowTrigger(Trigger[Config]):
    """Starts when another workflow calls this one, with what the caller sends as payload. The last output is the caller's result."""

    type, title, icon = "trigger.workflow", "Called by a workflow", "log-in"
    example = {"sample": {"order": 7}}
    fires_itself = True
