"""`/executions/{id}/blobs/{blob_id}`: what is too large to be shown among an execution's values, as a download."""

import mimetypes
from uuid import UUID

from starlette.responses import StreamingResponse

from backend.blobs import downloads
from backend.deps import CurrentUser, ServicesDep, Session
from backend.routing import router as new_router

router = new_router(tag="executions")


@router.get("/executions/{execution_id}/blobs/{blob_id}", response_class=StreamingResponse)
async def download(parts: ServicesDep, session: Session, user: CurrentUser, execution_id: UUID, blob_id: UUID) -> StreamingResponse:
    """The bytes of a value over 256 KB. What a workflow fetched is never shown as a page of this site: it is a file."""
    blob = await downloads.of(session, user, execution_id, blob_id)
    extension = mimetypes.guess_extension(blob.media_type.partition(";")[0]) or ".bin"
    headers = {
        "Content-Type": blob.media_type,
        "Content-Length": str(blob.size),
        "Content-Disposition": f'attachment; filename="{blob.id}{extension}"',
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }
    return StreamingResponse(parts.blobs.stream(blob.id), headers=headers)
