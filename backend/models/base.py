"""What every table is made of. Times are UTC; ids are time-ordered UUIDs made by PostgreSQL.

Values that people wrote or that passed through a workflow are `json`, not `jsonb`: their key order and exact numbers stay.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, JSON, DateTime, Double, LargeBinary, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def one_of(column: str, values: type[StrEnum]) -> str:
    """A check constraint: the column holds one of these."""
    return f"{column} in ({', '.join(repr(str(value)) for value in values)})"


class Base(DeclarativeBase):
    """Maps Python types to PostgreSQL's."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
        float: Double(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: ARRAY(Text()),
    }


def made_id() -> Mapped[UUID]:
    """A primary key that PostgreSQL makes, ordered by time."""
    return mapped_column(primary_key=True, server_default=text("uuidv7()"))


def made_now() -> Mapped[datetime]:
    """The time of the row's transaction."""
    return mapped_column(server_default=func.now())
