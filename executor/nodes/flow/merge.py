"""`merge`: brings branches together."""

from typing import Literal

from pydantic import Field

from executor.node import Config as Base
from executor.node import Context, JsonValue, Node, Static


class Config(Base):
    """What becomes of the inputs."""

    mode: Static[Literal["object", "list", "first"]] = Field(
        "object",
        title="Result",
        description="An object of the inputs by their nodes' keys; a list of them; or only the first, in the order of the connections",
    )


class Merge(Node[Config]):
    """Brings several branches together, when all of them are decided. Branches that were not taken add nothing."""

    type, title, group, icon = "merge", "Merge", "Flow", "merge"
    effect = "pure"
    takes_references = ("input",)
    summary = "{mode}"
    example = {"mode": "object"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> JsonValue:
        """`{key: output}`, `[output]` or one output; null where mode is `first` and nothing came."""
        if config.mode == "object":
            return dict(ctx.inputs)
        if config.mode == "list":
            return list(ctx.inputs.values())
        return next(iter(ctx.inputs.values()), None)
