"""`trigger.event`: an event that somebody sent to the project starts the workflow. The backend decides; this says when."""

from pydantic import Field

from executor.node import Config as Base
from executor.node import JsonObject, Static, Trigger


class Config(Base):
    """Which events."""

    condition: Static[JsonObject | bool | None] = Field(
        None,
        title="Condition",
        description="JSONLogic over the event itself: the workflow starts where it holds. Left out: at every event",
        examples=[{"and": [{"==": [{"var": "type"}, "lead"]}, {">=": [{"var": "score"}, 80]}]}],
    )


class EventTrigger(Trigger[Config]):
    """Starts at events sent to POST /api/v1/events, of those that meet its condition. The event is the payload."""

    type, title, icon = "trigger.event", "Event", "radio"
    example = {"condition": {"==": [{"var": "type"}, "lead"]}}
    fires_itself = True
