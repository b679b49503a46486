"""`/credentials` and `/credential-types`."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from backend.credentials import service, testing
from backend.credentials.types import TYPES
from backend.deps import CurrentUser, ServicesDep, Session
from backend.paging import PagingDep
from backend.routing import router as new_router
from trestle.contracts.base import Page
from trestle.contracts.credentials import (
    Credential,
    CredentialChange,
    CredentialTested,
    CredentialTrial,
    CredentialType,
    CredentialUse,
    NewCredential,
)

router = new_router(tag="credentials")


@router.get("/credential-types")
async def credential_types(_: CurrentUser) -> Page[CredentialType]:
    """The kinds of credentials and their fields. Always one page."""
    return Page(items=list(TYPES.values()))


@router.post("/credentials", status_code=201)
async def create(parts: ServicesDep, session: Session, user: CurrentUser, body: NewCredential) -> Credential:
    """Keep a secret."""
    return await service.create(session, parts.vault, user, body)


@router.get("/credentials")
async def listed(
    session: Session,
    user: CurrentUser,
    paging: PagingDep,
    project_id: UUID | None = None,
    type_: Annotated[str | None, Query(alias="type")] = None,
) -> Page[Credential]:
    """The credentials of the caller's projects, newest first, without their secrets."""
    items, cursor = await service.listed(session, user, paging, project_id, type_)
    return Page(items=items, next_cursor=cursor)


@router.get("/credentials/{credential_id}")
async def read(session: Session, user: CurrentUser, credential_id: UUID) -> Credential:
    """One credential: which fields are set, never a secret."""
    return await service.read(session, user, credential_id)


@router.patch("/credentials/{credential_id}")
async def change(parts: ServicesDep, session: Session, user: CurrentUser, credential_id: UUID, body: CredentialChange) -> Credential:
    """Change a credential; what is left out stays."""
    return await service.change(session, parts.vault, user, credential_id, body)


@router.delete("/credentials/{credential_id}", status_code=204)
async def remove(session: Session, user: CurrentUser, credential_id: UUID, force: bool = False) -> None:
    """Delete a credential. One in use is kept, unless `?force=true`."""
    await service.remove(session, user, credential_id, force=force)


@router.post("/credentials/test")
async def trial(parts: ServicesDep, session: Session, user: CurrentUser, body: CredentialTrial) -> CredentialTested:
    """Try one out before it is kept, or before its changes are. As the test of a kept one; nothing of it stays."""
    return await testing.trial(parts, session, user, body)


@router.post("/credentials/{credential_id}/test")
async def test(parts: ServicesDep, session: Session, user: CurrentUser, credential_id: UUID) -> CredentialTested:
    """Try it out with a real call to the service. Takes up to 15 s; 503 where no executor runs."""
    return await testing.test(parts, session, user, credential_id)


@router.get("/credentials/{credential_id}/usage")
async def usage(session: Session, user: CurrentUser, credential_id: UUID) -> Page[CredentialUse]:
    """The workflows and nodes that use it. Always one page."""
    return Page(items=await service.usage(session, user, credential_id))
