"""`notify`: tells people something, in the app."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from executor.node import Config as Base
from executor.node import Context, JsonObject, JsonValue, Multiline, Node


class Config(Base):
    """Whom, and what."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["to_role"]}, {"required": ["to_user"]}]})

    to_role: str | None = Field(
        None, title="To a role", description="Everybody in the project with this role or label; capitals don't matter", examples=["AE"]
    )
    to_user: str | None = Field(None, title="To a person", description="E-mail address or id", examples=["ada@example.com"])
    title: str = Field("", title="Title", max_length=200)
    message: Multiline = Field(title="Message", min_length=1, max_length=5_000, examples=["{{ payload.name }} scored {{ payload.score }}"])

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if bool(self.to_role) == bool(self.to_user):
            raise ValueError("give either a role or a person, not both and not none")
        return self


class Notify(Node[Config]):
    """Leaves a message for a person, or for everybody with a role, in their notifications."""

    type, title, group, icon = "notify", "Notify", "Messaging", "bell"
    effect = "idempotent"
    takes_references = ("input",)
    summary = "{to_role}{to_user}: {message}"
    example = {"to_role": "editor", "title": "New lead", "message": "{{ payload.name }} scored {{ payload.score }}"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonObject:
        """`{recipients}`: how many were told. Nobody there is no failure."""
        told = await ctx.notify(config.message, to_role=config.to_role or None, to_user=config.to_user or None, title=config.title)
        if not told:
            ctx.log.warning(f"There is nobody to tell: {config.to_role or config.to_user}.")
        return {"recipients": told}
