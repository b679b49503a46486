"""Test inputs that people keep for a workflow."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from trestle.contracts.base import JsonValue, Model, Request

MAX_INPUTS = 100
"""Saved inputs of one workflow."""


class NewInput(Request):
    """An input to keep. One of the same name is replaced."""

    name: str = Field(min_length=1, max_length=200)
    input: JsonValue = None


class SavedInput(Model):
    """A kept input. To run with it, send `input` to …/execute."""

    id: UUID
    name: str
    input: JsonValue
    created_at: datetime
    updated_at: datetime
