"""`switch`: one of several ways, by a value."""

from pydantic import Field, field_validator

from executor.identity import same
from executor.node import Branch, Context, JsonValue, Node
from executor.node import Config as Base
from executor.ports import PortLabel, check_labels


class Case(Base):
    """One way out."""

    label: PortLabel = Field(title="Label", description="The name of this case's port", examples=["paid"])
    equals: JsonValue = Field(title="Equals", description="Text, number, true, false, null, or an expression", examples=["paid", 3])


class Config(Base):
    """A value, and what it is compared with."""

    value: JsonValue = Field(title="Value", description="What decides", examples=["{{ payload.status }}"])
    cases: list[Case] = Field(
        title="Cases",
        description="The first that equals the value is taken, if none does: `else`. The text 3 is not the number 3",
        min_length=1,
    )

    @field_validator("cases")
    @classmethod
    def _labels_are_ports(cls, cases: list[Case]) -> list[Case]:
        check_labels([case.label for case in cases])
        return cases


class Switch(Node[Config]):
    """Takes one of several ways: the first case that equals a value, else “else”. Passes its input on unchanged."""

    type, title, group, icon = "switch", "Switch", "Flow", "signpost"
    effect = "pure"
    takes_references = ("input",)
    outputs = ("else",)
    ports_from = "cases"
    summary = "{value}"
    example = {"value": "{{ payload.status }}", "cases": [{"label": "paid", "equals": "paid"}, {"label": "open", "equals": "open"}]}

    async def run(self, config: Config, input: JsonValue, ctx: Context) -> Branch:
        """The input, unchanged."""
        return Branch(next((case.label for case in config.cases if same(case.equals, config.value)), "else"), input)
