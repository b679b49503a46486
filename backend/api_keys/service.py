"""API keys: made, shown once, recognised by their hash, deleted."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.errors import Conflict, Unauthorised, Unprocessable
from backend.ids import new_id
from backend.models import ApiKey, Membership, User
from backend.ownership import find, owned, project_for
from backend.paging import Paging, page
from backend.security import digest, new_secret
from trestle.contracts import api_keys as wire
from trestle.contracts.api_keys import ApiScope
from trestle.contracts.audit import Action
from trestle.contracts.problems import FieldError
from trestle.contracts.users import ProjectRole

PREFIX = "trk_"
"""Every key begins with it: no access token does, and scanners for leaked secrets can look for it."""
MAX_KEYS = 100
_ENDING = 4

NOTE_USE = "update api_keys set last_used_at = now() where id = any($1::uuid[])"


async def create(session: AsyncSession, user: User, body: wire.NewApiKey) -> wire.ApiKeyMade:
    """A new key for one project, with the key itself. Only an admin of the project makes one with the scope `admin`.

    Raises Forbidden, NotFound, Conflict where there are too many, Unprocessable where it would have expired already.
    """
    needs = ProjectRole.ADMIN if ApiScope.ADMIN in body.scopes else ProjectRole.VIEWER
    project = await project_for(session, user, body.project_id, needs=needs)
    if body.expires_at is not None and body.expires_at <= datetime.now(UTC):
        message = "This time is over. Choose a later one, or leave it out."
        raise Unprocessable(message, errors=[FieldError(loc=["expires_at"], message=message)])
    if (await session.scalar(select(func.count()).where(ApiKey.project_id == project.id)) or 0) >= MAX_KEYS:
        raise Conflict(f"A project has at most {MAX_KEYS} API keys. Delete one that nobody uses.")
    key = PREFIX + new_secret()
    row = ApiKey(
        id=new_id(),
        project_id=project.id,
        user_id=user.id,
        name=body.name,
        key_hash=digest(key),
        ending=key[-_ENDING:],
        scopes=list(body.scopes),
        expires_at=body.expires_at,
    )
    session.add(row)
    await session.flush()
    record(session, Action.API_KEY_CREATED, row.id, row.name, row.project_id, {"scopes": row.scopes})
    return wire.ApiKeyMade(**wire.ApiKey.model_validate(row).model_dump(), key=key)


async def listed(session: AsyncSession, user: User, paging: Paging, project_id: UUID | None) -> tuple[list[wire.ApiKey], str | None]:
    """A page of keys, newest first: the caller's own, and all of the projects where they are an admin."""
    statement = owned(user, ApiKey).where(or_(ApiKey.user_id == user.id, Membership.role == ProjectRole.ADMIN))
    if project_id is not None:
        statement = statement.where(ApiKey.project_id == project_id)
    rows, cursor = await page(session, statement, ApiKey.id, paging)
    return [wire.ApiKey.model_validate(row[0]) for row in rows], cursor


async def remove(session: AsyncSession, user: User, ident: UUID) -> None:
    """Ends a key at once. Raises Forbidden for somebody else's, unless the caller is an admin of its project."""
    row = await find(session, user, ApiKey, ident)
    if row.user_id != user.id:
        await find(session, user, ApiKey, ident, needs=ProjectRole.ADMIN)
    record(session, Action.API_KEY_DELETED, row.id, row.name, row.project_id)
    await session.delete(row)


async def recognise(session: AsyncSession, key: str) -> tuple[ApiKey, User]:
    """The key and the person it acts for, who sees its project and nothing else. Raises Unauthorised for any that isn't good now."""
    found = select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(ApiKey.key_hash == digest(key))
    row = (await session.execute(found)).one_or_none()
    if row is None or not row.User.active or (row.ApiKey.expires_at is not None and row.ApiKey.expires_at <= datetime.now(UTC)):
        raise Unauthorised("This API key is unknown, has expired, or its maker's account is switched off. Make a new one.")
    row.User.confine(row.ApiKey.project_id)
    return row.ApiKey, row.User
