"""`branch`: one of several ways, by conditions."""

from typing import Annotated

from pydantic import Field, field_validator

from executor.node import Branch as Leave
from executor.node import Condition, Context, JsonValue, Node, Static
from executor.node import Config as Base

RESERVED = ("main", "error", "else", "timeout")

Label = Annotated[str, Field(min_length=1, max_length=100, json_schema_extra={"not": {"enum": list(RESERVED)}})]


class Case(Base):
    """One way out."""

    label: Static[Label] = Field(title="Label", description="The name of this case's port", examples=["large"])
    condition: Condition = Field(title="Condition", description="When to leave this way", examples=["{{ payload.total > 1000 }}"])


class Config(Base):
    """The cases, in the order in which they are tried."""

    cases: list[Case] = Field(title="Cases", description="The first whose condition holds is taken; if none does: `else`", min_length=1)

    @field_validator("cases")
    @classmethod
    def _labels_are_ports(cls, cases: list[Case]) -> list[Case]:
        labels = [case.label for case in cases]
        if len(set(labels)) < len(labels) or set(labels) & set(RESERVED):
            raise ValueError(f"the labels must differ from one another and from {', '.join(RESERVED)}")
        return cases


class Branch(Node[Config]):
    """Takes one of several ways: the first case whose condition holds, else “else”. Passes its input on unchanged."""

    type, title, group, icon = "branch", "Branch", "Flow", "split"
    effect = "pure"
    outputs = ("else",)
    ports_from = "cases"
    example = {"cases": [{"label": "large", "condition": "{{ payload.total > 1000 }}"}]}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> Leave:
        """The input, unchanged."""
        return Leave(next((case.label for case in config.cases if case.condition), "else"), input)
