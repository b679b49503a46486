"""What every wire model is made of."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

JsonValue = Any
"""Any JSON value: `None`, `bool`, `int`, `float`, `str`, or a list or string-keyed dict of them.

`pydantic.JsonValue` says the same, but checks every leaf of a payload that a JSON parser has just made.
"""

JsonObject = dict[str, Any]

EncodedJson = str
"""A JSON document as text. Bulk values (inputs, outputs, errors) travel between executor and backend in this form,
so that they are stored as they came and decoded only where somebody looks inside."""

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A node's slug: unique in its workflow, and its name in expressions."""

T = TypeVar("T")

Id = UUID
Timestamp = datetime


class Model(BaseModel):
    """A shape that Trestle sends. Reads from database rows by attribute names."""

    model_config = ConfigDict(from_attributes=True)


class Request(BaseModel):
    """A shape that a caller sends. An unknown field is an error, so that a misspelt one can't be ignored."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[T]):
    """A slice of a list, newest first unless its route says otherwise."""

    items: list[T]
    next_cursor: str | None = None
