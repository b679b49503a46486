"""What routes ask for: the living parts, a transaction, and who is calling.

Every route depends on a permission: `CurrentUser`, `Depends(public)`, or one that a feature marks with `@permission`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from backend.api_keys import scopes
from backend.api_keys import service as api_keys
from backend.audit.service import called_by
from backend.errors import Forbidden, NotFound, Unauthorised
from backend.models import RefreshToken, User
from backend.ownership import E, find
from backend.routing import permission
from backend.security import PEOPLE
from backend.services import Services

_bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/users/login", auto_error=False)


def services(request: Request) -> Services:
    """The application's living parts."""
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(services)]


async def transaction(parts: ServicesDep) -> AsyncIterator[AsyncSession]:
    """One transaction a request, committed before the answer is sent."""
    async with parts.database.session() as session:
        yield session


# scope="function": the commit happens before the answer leaves, so that nobody is told of what failed to commit.
Session = Annotated[AsyncSession, Depends(transaction, scope="function")]


@permission
async def current_user(parts: ServicesDep, session: Session, request: Request, token: Annotated[str | None, Depends(_bearer)]) -> User:
    """The person whose access token came with the request, or for whom its API key acts, as far as the key goes."""
    if not token:
        raise Unauthorised("Sign in, and send `Authorization: Bearer <access token>` with every request.")
    if token.startswith(api_keys.PREFIX):
        key, user = await api_keys.recognise(session, token)
        parts.key_uses.note(key.id)
        scopes.check(request, key)
        called_by(session, user, caller_address(request), key)
        request.state.recognise = partial(_holder, token)
        return user
    claims = parts.tokens.claims(token, PEOPLE)
    found = await _signed_in(claims, session)
    called_by(session, found, caller_address(request))
    request.state.recognise = partial(_signed_in, claims)
    return found


async def _holder(key: str, session: AsyncSession) -> User:
    return (await api_keys.recognise(session, key))[1]


async def _signed_in(claims: dict[str, Any], session: AsyncSession) -> User:
    lasts = exists().where(RefreshToken.family == _id(claims.get("sid")), RefreshToken.revoked_at.is_(None))
    found, lasting = (await session.execute(select(User, lasts).where(User.id == _id(claims["sub"])))).one_or_none() or (None, False)
    if found is None or not found.active:
        raise Unauthorised("This account is gone or switched off. Ask an admin of this installation.")
    if not lasting:
        raise Unauthorised("This session was ended. Sign in again.")
    return found


def still_sees(parts: Services, request: Request, entity: type[E], ident: UUID) -> Callable[[], Awaitable[bool]]:
    """Says, of a request that goes on for long, whether who made it is still signed in (by an API key: it still is one), and still sees
    the thing with this id. An access token that has run out meanwhile is no matter."""

    async def sees() -> bool:
        try:
            async with parts.database.session() as session:
                await find(session, await request.state.recognise(session), entity, ident)
        except (Unauthorised, Forbidden, NotFound):
            return False
        return True

    return sees


def caller_address(request: Request) -> str:
    """From where a request comes: what a trusted proxy says, or else the other end of the connection."""
    return request.client.host if request.client else ""


def _id(claim: Any) -> UUID:
    try:
        return UUID(str(claim))
    except ValueError:
        raise Unauthorised("The access token is not a person's. Sign in again.") from None


CurrentUser = Annotated[User, Depends(current_user)]


@permission
def public() -> None:
    """Anyone may call it."""
