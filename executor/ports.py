"""Ports that a config names: the labels of a list of cases (`Node.ports_from`)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from executor.fields import Static

RESERVED = ("main", "error", "else", "timeout")

PortLabel = Static[Annotated[str, Field(min_length=1, max_length=100, json_schema_extra={"not": {"enum": list(RESERVED)}})]]
"""The label of a case, which is a port's name."""


def check_labels(labels: Sequence[str]) -> None:
    """Raises `ValueError` where two are the same, or one is reserved."""
    if len(set(labels)) < len(labels) or set(labels) & set(RESERVED):
        raise ValueError(f"the labels must differ from one another and from {', '.join(RESERVED)}")
