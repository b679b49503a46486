"""What a node type says of itself: all that the palette, the form and the backend's validation need."""

from typing import Literal

from pydantic import BaseModel, Field

from trestle.contracts.base import JsonObject, JsonValue
from trestle.contracts.graph import MAIN, NOTE

Effect = Literal["pure", "idempotent", "unsafe"]
"""`pure`: same output for the same recorded inputs, touches nothing. `idempotent`: may be repeated with the same key.
`unsafe`: when its outcome is unknown it is not run again, a person decides."""

# Keys that `config_schema` uses beyond JSON Schema's own, on a property:
STATIC = "x-static"
"""True: the field is literal; braces in it are text."""
CREDENTIAL = "x-credential"
"""List of credential types: the field holds the id of a credential of one of them. Implies static."""
WORKFLOW = "x-workflow"
"""True: the field holds the id of a workflow of the same project. Implies static."""
CONDITION = "x-condition"
"""True: an expression or a JSONLogic object, compiled to true or false."""
PER_ITEM = "x-per-item"
"""True: evaluated by the node itself for each item of a list, with the names `item` and `index`. Together with `CONDITION` a
condition; alone an expression, or the path of a field in each item."""
MULTILINE = "x-multiline"
"""True: a text of several lines."""
CODE = "x-code"
"""Name of the language that the field holds: `python`."""


class NodeType(BaseModel):
    """One entry of the catalogue.

    `outputs` are the ports every node of this type has. `ports_from` names the config field (a list of objects with a
    `label`) whose labels are ports too, before `else` where that is in `outputs`.
    """

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")
    version: int = 1
    title: str
    group: str
    description: str
    icon: str = Field(description="Name of a lucide icon")
    config_schema: JsonObject
    inputs: list[str] = Field(default_factory=lambda: [MAIN], description="Empty for triggers and notes")
    outputs: list[str] = Field(default_factory=lambda: [MAIN], description="Empty for notes, and for what ends the execution")
    ports_from: str | None = None
    credential_types: list[str] = Field(default_factory=list)
    effect: Effect = "pure"
    summary: str | None = Field(None, description="Template of the card's second line over the config: `{method} {url}`")
    example: JsonObject = Field(default_factory=dict, description="A config that validates")
    fires_itself: bool = Field(False, description="A trigger that starts executions without a person")
    poll_every_s: float | None = Field(
        None, description="A trigger that is asked for what is new, this often unless its config has `poll_interval_s`"
    )
    broken: str | None = Field(None, description="Why the node could not be loaded; None where it works")

    @property
    def is_trigger(self) -> bool:
        """Whether executions start here."""
        return not self.inputs and self.type != NOTE

    def ports(self, config: JsonObject) -> list[str]:
        """Every output port of a node of this type with this config, `error` not included."""
        if self.ports_from is None:
            return self.outputs
        cases: JsonValue = config.get(self.ports_from)
        labels = (
            [case["label"] for case in cases if isinstance(case, dict) and isinstance(case.get("label"), str)]
            if isinstance(cases, list)
            else []
        )
        return labels + [port for port in self.outputs if port not in labels]
