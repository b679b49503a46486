"""`/api-keys`."""

from uuid import UUID

from backend.api_keys import service
from backend.deps import CurrentUser, Session
from backend.paging import PagingDep
from backend.routing import router as new_router
from trestle.contracts.api_keys import ApiKey, ApiKeyMade, NewApiKey
from trestle.contracts.base import Page

router = new_router("/api-keys", tag="API keys")


@router.get("")
async def listed(session: Session, user: CurrentUser, paging: PagingDep, project_id: UUID | None = None) -> Page[ApiKey]:
    """The caller's keys, and all keys of the projects that they administer, newest first."""
    items, cursor = await service.listed(session, user, paging, project_id)
    return Page(items=items, next_cursor=cursor)


@router.post("", status_code=201)
async def create(session: Session, user: CurrentUser, body: NewApiKey) -> ApiKeyMade:
    """A key for one project. `key` is shown this once: `Authorization: Bearer <key>`."""
    return await service.create(session, user, body)


@router.delete("/{key_id}", status_code=204)
async def remove(session: Session, user: CurrentUser, key_id: UUID) -> None:
    """End a key at once."""
    await service.remove(session, user, key_id)
