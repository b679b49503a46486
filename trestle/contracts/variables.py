"""A project's variables as callers see them: `vars.NAME` in expressions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from trestle.contracts.base import JsonValue, Model, Request

MAX_VARIABLES = 200
MAX_VARIABLES_BYTES = 64 * 1024
"""Of all variables of a project together, as JSON: each execution that looks at them gets them all."""

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]


class Variable(Model):
    """A variable. It is no secret: whoever may look at the project sees it. Secrets are credentials."""

    id: UUID
    project_id: UUID
    name: str
    value: JsonValue
    created_at: datetime
    updated_at: datetime


class NewVariable(Request):
    """A variable to create, in the caller's personal project where none is named."""

    name: VariableName
    value: JsonValue
    project_id: UUID | None = None


class VariableChange(Request):
    """What to change; what is left out stays."""

    name: VariableName | None = None
    value: JsonValue = None
