"""`trigger.error`: another workflow failed. The backend starts it; this says for which."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from executor.node import Config as Base
from executor.node import Static, Trigger


class Config(Base):
    """Which workflows."""

    workflows: Static[Literal["all"] | list[UUID]] = Field(
        "all",
        title="Workflows",
        description="`all` of the project, or a list of ids",
        examples=["all", ["0190e2a0-0000-7000-8000-000000000001"]],
    )


class ErrorTrigger(Trigger[Config]):
    """Starts when another workflow of the project failed, crashed or timed out. The payload says which, where and why."""

    type, title, icon = "trigger.error", "Workflow failed", "siren"
    summary = "{workflows}"
    example = {"workflows": "all"}
    fires_itself = True
