"""The one shape of an error: `application/problem+json` (RFC 9457)."""

from pydantic import BaseModel, Field


class FieldError(BaseModel):
    """One thing that is wrong, and where.

    `loc` is a path into the request, or into the node's config when `node` is given: `["config", "url"]`.
    """

    loc: list[str | int] = Field(default_factory=list)
    node: str | None = None
    message: str


class Problem(BaseModel):
    """The body of every answer from 400 on. `detail` says what to do about it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default_factory=list)
