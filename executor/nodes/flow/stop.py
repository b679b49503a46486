"""`stop`: ends the execution here."""

from typing import Literal

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node, Static
from executor.node import Stop as End


class Config(Base):
    """How it ends, and why."""

    status: Static[Literal["succeeded", "failed"]] = Field("succeeded", title="Ends as")
    message: str = Field("", title="Message", description="Why: the execution's error, or a line in its log", max_length=2000)


class Stop(Node[Config]):
    """Ends the whole execution at once, as succeeded or failed. What runs beside it is cancelled. Its input becomes the output."""

    type, title, group, icon = "stop", "Stop", "Flow", "circle-stop"
    effect = "pure"
    takes_references = ("input",)
    outputs = ()
    summary = "{status}"
    example = {"status": "failed", "message": "The order {{ payload.id }} is not paid."}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> End:
        """The end. Failed: with the message as its error."""
        if config.status == "succeeded" and config.message:
            ctx.log.info(config.message)
        return End(config.status, config.message, input)
