"""The one shape of an error: `application/problem+json` (RFC 9457)."""

from enum import StrEnum

from pydantic import BaseModel, Field


class ProblemType(StrEnum):
    """Problems that a client tells apart by more than their status."""

    PLAIN = "about:blank"
    SECOND_FACTOR_REQUIRED = "urn:trestle:second-factor-required"
    SECOND_FACTOR_WRONG = "urn:trestle:second-factor-wrong"


class FieldError(BaseModel):
    """One thing that is wrong, and where.

    `loc` is a path into the request, or into the node's config when `node` is given: `["config", "url"]`.
    """

    loc: list[str | int] = Field(default_factory=list)
    node: str | None = None
    message: str


class Problem(BaseModel):
    """The body of every answer from 400 on. `detail` says what to do about it."""

    type: str = ProblemType.PLAIN
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default_factory=list)
