"""Large values, stored once and passed by reference."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now


class Blob(Base):
    """A value of over 256 KB. It lies in chunks of 1 MB, and is kept while an execution uses it. Readable once `complete`."""

    __tablename__ = "blobs"

    id: Mapped[UUID] = made_id()
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    size: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    media_type: Mapped[str]
    complete: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = made_now()


class BlobChunk(Base):
    """A piece of a blob."""

    __tablename__ = "blob_chunks"

    blob_id: Mapped[UUID] = mapped_column(ForeignKey("blobs.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class BlobUse(Base):
    """An execution whose values refer to a blob."""

    __tablename__ = "blob_uses"

    blob_id: Mapped[UUID] = mapped_column(ForeignKey("blobs.id", ondelete="CASCADE"), primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True, index=True)
