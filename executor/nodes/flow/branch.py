"""`branch`: one of several ways, by conditions."""

from pydantic import Field, field_validator

from executor.node import Branch as Leave
from executor.node import Condition, Context, JsonValue, Node
from executor.node import Config as Base
from executor.ports import PortLabel, check_labels


class Case(Base):
    """One way out."""

    label: PortLabel = Field(title="Label", description="The name of this case's port", examples=["large"])
    condition: Condition = Field(title="Condition", description="When to leave this way", examples=["{{ payload.total > 1000 }}"])


class Config(Base):
    """The cases, in the order in which they are tried."""

    cases: list[Case] = Field(title="Cases", description="The first whose condition holds is taken; if none does: `else`", min_length=1)

    @field_validator("cases")
    @classmethod
    def _labels_are_ports(cls, cases: list[Case]) -> list[Case]:
        check_labels([case.label for case in cases])
        return cases


class Branch(Node[Config]):
    """Takes one of several ways: the first case whose condition holds, else “else”. Passes its input on unchanged."""

    type, title, group, icon = "branch", "Branch", "Flow", "split"
    effect = "pure"
    takes_references = ("input",)
    outputs = ("else",)
    ports_from = "cases"
    example = {"cases": [{"label": "large", "condition": "{{ payload.total > 1000 }}"}]}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> Leave:
        """The input, unchanged."""
        return Leave(next((case.label for case in config.cases if case.condition), "else"), input)
