"""Accounts: who may sign up, and what users and admins may change."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import Caller, record
from backend.errors import Conflict, Error, Forbidden, NotFound
from backend.ids import new_id
from backend.models import Membership, Project, User
from backend.ownership import require_admin
from backend.paging import Paging, page
from backend.security import INVITATIONS, hash_password
from backend.services import Services
from backend.users import backoff, second_factor, sessions
from backend.users.enrolment import confirm_password
from trestle.contracts import users as wire
from trestle.contracts.audit import Action

INVITATION_DAYS = 7
_REGISTRATION_LOCK = 7_234_095_624


async def register(parts: Services, body: wire.NewUser, address: str) -> User:
    """A new user with their personal project. The first one owns the instance; later ones need an invitation or open registration.

    Raises Forbidden without either, Conflict where the address is taken.
    """
    hashed = await hash_password(body.password, parts.settings.bcrypt_rounds)
    async with parts.database.session() as session:
        # One at a time: two who sign up first at the same moment must not both become the owner.
        await session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _REGISTRATION_LOCK})
        first = await session.scalar(select(User.id).limit(1)) is None
        role = wire.Role.OWNER if first else _role_of_newcomer(parts, body)
        if await session.scalar(select(User.id).where(User.email == body.email)) is not None:
            raise Conflict("There is an account with this address already. Sign in, or use another address.")
        user = User(email=body.email, name=body.name, password_hash=hashed, role=role)
        session.add(user)
        await session.flush()
        project = Project(name="Personal", personal_of=user.id)
        session.add(project)
        await session.flush()
        session.add(Membership(project_id=project.id, user_id=user.id, role=wire.ProjectRole.ADMIN))
        caller = Caller(user.id, user.email, address)
        record(session, Action.USER_REGISTERED, user.id, user.email, None, {"role": role}, caller=caller)
    return user


async def registration(parts: Services) -> wire.Registration:
    """Who may sign up now."""
    async with parts.database.session() as session:
        first = await session.scalar(select(User.id).limit(1)) is None
    return wire.Registration(first=first, open=first or parts.settings.open_registration)


def _role_of_newcomer(parts: Services, body: wire.NewUser) -> wire.Role:
    if body.invitation_token is not None:
        try:
            role, _, email = parts.tokens.read(body.invitation_token, INVITATIONS).partition(":")
        except Error:
            raise Forbidden("This invitation is not valid any more. Ask an admin of this installation for a new one.") from None
        if email.casefold() != body.email.casefold():
            raise Forbidden("This invitation was made for another address. Register with the address it was sent to.")
        return wire.Role(role)
    if not parts.settings.open_registration:
        raise Forbidden("Registration is by invitation. Ask an admin of this installation for one.")
    return wire.Role.MEMBER


async def invite(parts: Services, session: AsyncSession, user: User, body: wire.NewInvitation) -> wire.Invitation:
    """A signed invitation; it is spent when its address is registered. Only an owner may invite owners."""
    require_admin(user)
    if body.role is wire.Role.OWNER and user.role != wire.Role.OWNER:
        raise Forbidden("Only an owner may invite another owner. Choose the role admin or member.")
    lifetime = timedelta(days=INVITATION_DAYS)
    token = parts.tokens.issue(f"{body.role}:{body.email}", INVITATIONS, lifetime.total_seconds())
    url = f"{parts.settings.sign_up_url}?{urlencode({'invitation': token, 'email': body.email})}"
    ident = new_id()
    record(session, Action.USER_INVITED, ident, body.email, None, {"role": body.role})
    return wire.Invitation(id=ident, token=token, url=url, expires_at=datetime.now(UTC) + lifetime)


async def change(session: AsyncSession, user: User, body: wire.UserChange) -> User:
    """The user's own account, changed."""
    if body.name is not None:
        record(session, Action.USER_CHANGED, user.id, user.email, None, {"fields": ["name"]})
        user.name = body.name
    return user


async def change_password(session: AsyncSession, parts: Services, user: User, body: wire.PasswordChange, address: str) -> None:
    """A new password; the user's sessions end, but the one that is to be kept. Raises Unprocessable where the current one is wrong."""
    async with backoff.counted(parts, session, user.email, address):
        await confirm_password(user, body.current_password)
    user.password_hash = await hash_password(body.new_password, parts.settings.bcrypt_rounds)
    await sessions.end_all(session, user.id, keep=body.refresh_token)
    record(session, Action.PASSWORD_CHANGED, user.id, user.email)


async def end_other_sessions(session: AsyncSession, user: User, body: wire.RefreshRequest) -> None:
    """Ends every refresh token of the user but those of the session to which the one in `body` belongs."""
    await sessions.end_all(session, user.id, keep=body.refresh_token)
    record(session, Action.SESSIONS_ENDED, user.id, user.email)


async def everyone(session: AsyncSession, user: User, paging: Paging, email: str | None) -> tuple[list[wire.User], str | None]:
    """A page of all users, newest first; or the one with this address, for whoever knows it whole. Raises Forbidden."""
    statement = select(User)
    if email is not None:
        statement = statement.where(User.email == email, User.active)
    else:
        require_admin(user)
    rows, cursor = await page(session, statement, User.id, paging)
    return [wire.User.model_validate(row[0]) for row in rows], cursor


async def administer(session: AsyncSession, user: User, ident: UUID, body: wire.UserAdministration) -> User:
    """Somebody's role, whether they may sign in, and the end of a second factor that they lost. The last active owner stays one."""
    other = None if user.role == wire.Role.MEMBER else await session.get(User, ident, with_for_update=True)
    if other is None:
        raise NotFound("There is no user with this id. List the users and try again.")
    if wire.Role.OWNER in (other.role, body.role) and user.role != wire.Role.OWNER:
        raise Forbidden("Only an owner may change owners. Ask one of them.")
    if body.role is not None:
        other.role = body.role
    if body.active is not None:
        other.active = body.active
    if body.two_factor is not None:
        if other.id == user.id:
            raise Conflict("Switch your own second factor off in your settings: that takes your password and a code.")
        await second_factor.remove(session, other)
        record(session, Action.SECOND_FACTOR_RESET, other.id, other.email)
    if body.active is False or body.two_factor is False:
        await sessions.end_all(session, other.id)
    await session.flush()
    owners = select(func.count()).select_from(User).where(User.role == wire.Role.OWNER, User.active)
    if await session.scalar(owners) == 0:
        raise Conflict("This is the last active owner. Make somebody else an owner first.")
    changes = body.model_dump(mode="json", exclude_none=True, exclude={"two_factor"})
    if changes:
        record(session, Action.USER_CHANGED, other.id, other.email, None, changes)
    return other
