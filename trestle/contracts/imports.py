"""What becomes of a document that is imported."""

from pydantic import BaseModel, Field

from trestle.contracts.graph import Connection, Node
from trestle.contracts.problems import FieldError
from trestle.contracts.workflows import Workflow


class Unmapped(BaseModel):
    """A part of an imported document that has no counterpart here: its `path` (`nodes.2.data.ms`), and `where` that is in words."""

    path: str
    where: str = ""
    reason: str


class Imported(BaseModel):
    """An imported workflow, disabled, with what publishing it would refuse and what could not be taken over."""

    workflow: Workflow
    problems: list[FieldError]
    unmapped: list[Unmapped] = Field(default_factory=list)


class Converted(BaseModel):
    """The graph that an import would make, with what could not be taken over. Nothing is stored."""

    nodes: list[Node]
    connections: list[Connection]
    problems: list[FieldError] = Field(description="Roles that nobody has. What else publishing would refuse, the draft says")
    unmapped: list[Unmapped] = Field(default_factory=list)
