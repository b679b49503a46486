"""`trigger.schedule`: the clock starts the workflow. The backend fires it; this says when."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from executor.node import Config as Base
from executor.node import Static, Trigger

YEAR_S = 366 * 86_400


class Config(Base):
    """Cron, or every so many seconds: one of the two. Literal throughout: there is no execution yet whose data could be used."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["cron"]}, {"required": ["every_s"]}]})

    cron: Static[str] | None = Field(
        None,
        title="Cron",
        description="Minute, hour, day, month, weekday; with six fields, seconds come first. `0 9 * * 1-5`: at nine on working days",
        max_length=200,
        examples=["0 9 * * 1-5", "*/15 * * * *"],
    )
    every_s: Static[int] | None = Field(
        None,
        title="Every (seconds)",
        description="Instead of cron. Counted from midnight UTC of 1970: 3600 fires on the hour, whenever it was published",
        ge=1,
        le=YEAR_S,
        examples=[3600],
    )
    timezone: Static[str] | None = Field(
        None,
        title="Time zone",
        description="Cron's. Left out: the workflow's. When clocks change, a time that is skipped fires right after, one that comes "
        "twice fires the first time",
        max_length=100,
        examples=["Europe/Berlin"],
    )
    misfire: Static[Literal["skip", "last", "all"]] = Field(
        "last",
        title="Missed times",
        description="While nothing ran: fire for none of the missed times, for the last one, or for all of them up to a limit",
    )
    misfire_limit: Static[int] = Field(
        100, title="At most so many", description="With missed times `all`: the newest of them", ge=1, le=1000
    )

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.cron is None) == (self.every_s is None):
            raise ValueError("give either cron or every_s, not both and not none")
        return self


class ScheduleTrigger(Trigger[Config]):
    """Starts by the clock: at the times of a cron expression, or every so many seconds. The payload is `fire_at`."""

    type, title, icon = "trigger.schedule", "Schedule", "calendar-clock"
    summary = "{cron}"
    example = {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}
    fires_itself = True
