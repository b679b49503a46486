"""Who may download which large value."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import NotFound
from backend.models import Blob, BlobUse, Execution, User
from backend.ownership import find


async def of(session: AsyncSession, user: User, execution_id: UUID, blob_id: UUID) -> Blob:
    """The complete blob, which the execution uses. Raises NotFound."""
    await find(session, user, Execution, execution_id)
    used = select(Blob).join(BlobUse, BlobUse.blob_id == Blob.id)
    blob = await session.scalar(used.where(BlobUse.execution_id == execution_id, Blob.id == blob_id, Blob.complete))
    if blob is None:
        raise NotFound("This execution refers to no such value. GET …/steps lists those it has, under refs.")
    return blob
