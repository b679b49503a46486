"""What has been counted before, so that nobody need count a long history again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base


class Tally(Base):
    """A project's runs of one interval (backend.stats.tallying), by how they ended; `under_way` had not when they were counted.
    `stale`: some have been deleted since.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        Index("tallies_by_time", "at"),
        Index("tallies_to_count_again", "at", postgresql_where=text("stale or under_way > 0")),
    )

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    succeeded: Mapped[int]
    failed: Mapped[int]
    cancelled: Mapped[int]
    quarantined: Mapped[int]
    under_way: Mapped[int]
    stale: Mapped[bool] = mapped_column(server_default=text("false"))


class Tallied(Base):
    """The one row that says from when until when everything has been counted."""

    __tablename__ = "tallied"

    one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    since: Mapped[datetime]
    until: Mapped[datetime]
