"""`filter`: lets its input pass, or not."""

from pydantic import Field

from executor.node import Branch, Condition, Context, JsonValue, Node
from executor.node import Config as Base


class Config(Base):
    """The condition."""

    condition: Condition = Field(
        title="Condition",
        description="True: the input leaves by `main`. False: by `rejected`",
        examples=["{{ payload.score >= 80 }}"],
    )


class Filter(Node[Config]):
    """Lets its input pass where a condition holds. What doesn't pass leaves by the port “rejected”."""

    type, title, group, icon = "filter", "Filter", "Flow", "funnel"
    effect = "pure"
    takes_references = ("input",)
    outputs = ("main", "rejected")
    summary = "{condition}"
    example = {"condition": "{{ payload.score >= 80 }}"}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> Branch:
        """The input, unchanged."""
        return Branch("main" if config.condition else "rejected", input)
