"""What routes ask for: the living parts, a transaction, and who is calling.

Every route depends on a permission: `CurrentUser`, `Depends(public)`, or one that a feature marks with `@permission`.
"""

from collections.abc import AsyncIterator
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from backend.errors import Unauthorised
from backend.models import User
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
async def current_user(parts: ServicesDep, session: Session, token: Annotated[str | None, Depends(_bearer)]) -> User:
    """The person whose access token came with the request."""
    if not token:
        raise Unauthorised("Sign in, and send `Authorization: Bearer <access token>` with every request.")
    user = await session.get(User, _id(parts.tokens.read(token, PEOPLE)))
    if user is None or not user.active:
        raise Unauthorised("This account is gone or switched off. Ask an admin of this instance.")
    return user


def _id(subject: str) -> UUID:
    try:
        return UUID(subject)
    except ValueError:
        raise Unauthorised("The access token is not a person's. Sign in again.") from None


CurrentUser = Annotated[User, Depends(current_user)]


@permission
def public() -> None:
    """Anyone may call it."""
