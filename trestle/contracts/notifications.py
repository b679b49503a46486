"""What workflows tell people, as they see it."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from trestle.contracts.base import Model, Page, Request


class Outcome(BaseModel):
    """What became of a question: the decision and who made it, as far as they said; `over` where nobody did before it ended."""

    decision: Literal["approved", "rejected", "over"]
    by: str | None = None


class Notification(Model):
    """A message to the caller. `link` leads to what it is about. `outcome`: of an approval that is not open any more."""

    id: UUID
    title: str
    message: str
    link: str | None = None
    project_id: UUID | None = None
    workflow_id: UUID | None = None
    execution_id: UUID | None = None
    created_at: datetime
    read_at: datetime | None = None
    outcome: Outcome | None = None


class Notifications(Page[Notification]):
    """A page of them, and how many of all are unread."""

    unread: int


class Read(Request):
    """Which the caller has read: these, or all."""

    ids: list[UUID] = Field(default_factory=list, max_length=1000)
    all: bool = False

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.all == bool(self.ids):
            raise ValueError("give either ids or all: true")
        return self


class Unread(BaseModel):
    """How many are left unread."""

    unread: int
