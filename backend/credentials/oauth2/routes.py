"""`/credentials/oauth2/…`, and what parts a credential from its provider."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse

from backend.credentials.oauth2 import pages, service
from backend.deps import CurrentUser, ServicesDep, Session, caller_address, public
from backend.errors import Error
from backend.routing import router as new_router
from trestle.contracts.credentials import Authorization, Disconnected

router = new_router(prefix="/credentials", tag="credentials")

_Text = Annotated[str, Query(max_length=8_000)]


@router.get("/oauth2/authorize")
async def authorize(parts: ServicesDep, session: Session, user: CurrentUser, credential_id: UUID) -> Authorization:
    """Where a browser goes to connect this credential: send the person there. Good for ten minutes, and once."""
    return await service.authorize(parts, session, user, credential_id)


@router.get("/oauth2/callback", dependencies=[Depends(public)], response_class=HTMLResponse)
async def callback(
    parts: ServicesDep,
    session: Session,
    request: Request,
    state: _Text = "",
    code: _Text = "",
    error: _Text = "",
    error_description: _Text = "",
) -> HTMLResponse:
    """Where the provider sends the person back to. The state says who began, and for which credential. Answers a page."""
    web_url = parts.settings.web_url
    try:
        returned = service.Returned(state, code, error, error_description)
        done = await service.finish(parts, session, returned, caller_address(request))
    except Error as refusal:
        return pages.refused(refusal.detail, refusal.status_code, web_url)
    return pages.connected(done, web_url)


@router.post("/{credential_id}/disconnect")
async def disconnect(parts: ServicesDep, session: Session, user: CurrentUser, credential_id: UUID) -> Disconnected:
    """Forget what the provider gave, and have it end that where the credential has a revocation URL. Steps that use it fail from now on."""
    return await service.disconnect(parts, session, user, credential_id)
