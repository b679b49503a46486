"""Signing in and staying signed in: the backoff, and refresh tokens that rotate.

These open their own transactions: a failure that is counted, or a family of tokens that ends, must be stored although the
answer is an error, and no connection is held while bcrypt runs.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import Caller, record
from backend.errors import TooManyRequests, Unauthorised
from backend.models import LoginFailure, RefreshToken, User
from backend.security import PEOPLE, check_password, digest, new_secret, nobodys_hash
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.users import Tokens

FREE_FAILURES = 5
LONGEST_WAIT_S = 900
_FORGOTTEN_AFTER = timedelta(days=1)
_MAX_ADDRESS = 320


async def sign_in(parts: Services, email: str, password: str, address: str) -> Tokens:
    """Tokens for who knows the password. The same answer and the same work for an unknown user and a wrong password.

    Raises Unauthorised, or TooManyRequests after five failures in a row for this account from this address.
    """
    account = email[:_MAX_ADDRESS]
    await _count_attempt(parts, account, address)
    async with parts.database.session() as session:
        user = await session.scalar(select(User).where(User.email == account))
    hashed = user.password_hash if user is not None else nobodys_hash(parts.settings.bcrypt_rounds)
    if not await check_password(password, hashed) or user is None or not user.active:
        await _note_failure(parts, user, address)
        raise Unauthorised("The address or the password is wrong.")
    async with parts.database.session() as session:
        mine = (LoginFailure.account == account) & (LoginFailure.address == address)
        await session.execute(delete(LoginFailure).where(mine | (LoginFailure.last_at < func.now() - _FORGOTTEN_AFTER)))
        record(session, Action.SIGNED_IN, user.id, user.email, caller=Caller(user.id, user.email, address))
        return _tokens(parts, session, user.id, uuid4())


async def _note_failure(parts: Services, user: User | None, address: str) -> None:
    """For the audit. An address that nobody has is not kept: people type passwords into the wrong field."""
    async with parts.database.session() as session:
        if user is None:
            record(session, Action.SIGN_IN_FAILED, None, "", caller=Caller(None, "", address))
        else:
            record(session, Action.SIGN_IN_FAILED, user.id, user.email, caller=Caller(None, "", address))


async def _count_attempt(parts: Services, account: str, address: str) -> None:
    """Counts an attempt as failed before it is checked, so that many at once can't slip through; success takes the count away."""
    async with parts.database.session() as session:
        known = select(LoginFailure).where(LoginFailure.account == account, LoginFailure.address == address).with_for_update()
        row = await session.scalar(known)
        now = datetime.now(UTC)
        if row is not None and row.failures >= FREE_FAILURES:
            wait = timedelta(seconds=min(2.0 ** min(row.failures - FREE_FAILURES, 20), LONGEST_WAIT_S))
            if now < row.last_at + wait:
                left = (row.last_at + wait - now).total_seconds()
                raise TooManyRequests(f"Too many failed attempts. Wait {int(left) + 1} s and try again.", retry_after_s=int(left) + 1)
        attempt = insert(LoginFailure).values(account=account, address=address, failures=1, last_at=now)
        more = {"failures": LoginFailure.failures + 1, "last_at": now}
        await session.execute(attempt.on_conflict_do_update(index_elements=["account", "address"], set_=more))


def _tokens(parts: Services, session: AsyncSession, user_id: UUID, family: UUID) -> Tokens:
    settings = parts.settings
    refresh = new_secret()
    expires = datetime.now(UTC) + timedelta(seconds=settings.refresh_token_s)
    session.add(RefreshToken(user_id=user_id, family=family, token_hash=digest(refresh), expires_at=expires))
    access = parts.tokens.issue(str(user_id), PEOPLE, settings.access_token_s)
    return Tokens(access_token=access, refresh_token=refresh, expires_in=settings.access_token_s)


async def refresh(parts: Services, token: str) -> Tokens:
    """A new pair for a refresh token, which is spent. A token that comes twice was copied: its whole family ends.

    Raises Unauthorised.
    """
    async with parts.database.session() as session:
        alive = (RefreshToken.used_at.is_(None)) & (RefreshToken.revoked_at.is_(None)) & (RefreshToken.expires_at > func.now())
        spend = update(RefreshToken).where(RefreshToken.token_hash == digest(token), alive).values(used_at=func.now())
        spent = (await session.execute(spend.returning(RefreshToken.user_id, RefreshToken.family))).one_or_none()
        if spent is not None:
            user = await session.get(User, spent.user_id)
            if user is not None and user.active:
                return _tokens(parts, session, spent.user_id, spent.family)
        await _end_family(session, token)
    raise Unauthorised("This refresh token is not valid any more. Sign in again.")


async def sign_out(parts: Services, token: str) -> None:
    """Ends the family of a refresh token. An unknown one is no error: whoever holds it is signed out."""
    async with parts.database.session() as session:
        await _end_family(session, token)


async def _end_family(session: AsyncSession, token: str) -> None:
    family = select(RefreshToken.family).where(RefreshToken.token_hash == digest(token)).scalar_subquery()
    living = (RefreshToken.family == family) & RefreshToken.revoked_at.is_(None)
    await session.execute(update(RefreshToken).where(living).values(revoked_at=func.now()))


async def end_all(session: AsyncSession, user_id: UUID) -> None:
    """Ends every refresh token of a user."""
    living = (RefreshToken.user_id == user_id) & RefreshToken.revoked_at.is_(None)
    await session.execute(update(RefreshToken).where(living).values(revoked_at=func.now()))
