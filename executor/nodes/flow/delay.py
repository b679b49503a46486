"""`delay`: goes on later. The wait is a row in the database, not a sleeping process."""

from datetime import timedelta
from typing import Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node, Wait

YEAR_S = 366 * 86_400


class Config(Base):
    """How long, or until when: one of the two."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["duration_s"]}, {"required": ["until"]}]})

    duration_s: float | None = Field(None, title="Duration (seconds)", description="0.5 is half a second", ge=0, le=YEAR_S, examples=[60])
    until: AwareDatetime | None = Field(
        None,
        title="Until",
        description="A moment with its zone. One that has passed doesn't wait at all",
        examples=["2030-01-31T09:00:00+01:00", "{{ payload.remind_at }}"],
    )

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.duration_s is None) == (self.until is None):
            raise ValueError("give either a duration or a moment, not both and not none")
        return self


class Delay(Node[Config]):
    """Waits for a while, or until a moment, then passes its input on. Survives restarts."""

    type, title, group, icon = "delay", "Delay", "Flow", "timer"
    effect = "pure"
    takes_references = ("input",)
    summary = "{duration_s}"
    example = {"duration_s": 60}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue | Wait:
        """The input, or a wait after which the engine passes the input on."""
        until = config.until or ctx.now + timedelta(seconds=config.duration_s or 0)
        return Wait(until) if until > ctx.now else input
