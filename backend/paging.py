"""Lists in pages: `?limit=` and `?cursor=` in, `{items, next_cursor}` out."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Unprocessable
from trestle.contracts.problems import FieldError


@dataclass(frozen=True)
class Paging:
    """Which slice of a list is wanted: at most `limit` rows after the row `after`."""

    limit: int
    after: UUID | None


def paging(limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None) -> Paging:
    """The query parameters of a list."""
    return Paging(limit, None if cursor is None else _decode(cursor))


PagingDep = Annotated[Paging, Depends(paging)]


def cursor_of(last: UUID) -> str:
    """The opaque cursor after the row with the id `last`."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def _decode(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        message = "This cursor was not made here. Take it from next_cursor of the page before, or leave it out."
        raise Unprocessable(message, errors=[FieldError(loc=["query", "cursor"], message=message)]) from None


async def page(
    session: AsyncSession, statement: Select[*tuple[Any, ...]], ident: Any, paging: Paging, *, oldest_first: bool = False
) -> tuple[Sequence[Row[*tuple[Any, ...]]], str | None]:
    """One page of `statement`'s rows, ordered by the column `ident` (a time-ordered id), and the cursor of the next."""
    if paging.after is not None:
        statement = statement.where(ident > paging.after if oldest_first else ident < paging.after)
    # The id comes last in each row, to make the cursor from; one row more than asked tells whether there is a next page.
    ordered = statement.add_columns(ident).order_by(ident if oldest_first else ident.desc()).limit(paging.limit + 1)
    rows = (await session.execute(ordered)).all()
    if len(rows) <= paging.limit:
        return rows, None
    return rows[: paging.limit], cursor_of(rows[paging.limit - 1][-1])
