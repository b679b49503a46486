"""Signing in and staying signed in: refresh tokens that rotate.

These open their own transactions: a failure that is counted, or a family of tokens that ends, must be stored although the
answer is an error, and no connection is held while bcrypt runs.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import Caller, record
from backend.errors import SecondFactorRequired, SecondFactorWrong, Unauthorised
from backend.models import RefreshToken, User
from backend.security import PEOPLE, check_password, digest, new_secret, nobodys_hash
from backend.services import Services
from backend.users import backoff, second_factor
from trestle.contracts.audit import Action
from trestle.contracts.base import JsonObject
from trestle.contracts.users import Tokens

_MAX_ADDRESS = 320


async def sign_in(parts: Services, email: str, password: str, address: str, code: str = "") -> Tokens:
    """Tokens for who knows the password, and shows the second factor (`code`) where the account has one.

    The same answer and the same work for an unknown user and a wrong password; of a second factor learns only who knows the password.
    Raises Unauthorised, SecondFactorRequired, SecondFactorWrong, or TooManyRequests after five failures in a row for this account
    from this address.
    """
    account = email[:_MAX_ADDRESS]
    await backoff.count(parts, account, address)
    async with parts.database.session() as session:
        user = await session.scalar(select(User).where(User.email == account))
    hashed = user.password_hash if user is not None else nobodys_hash(parts.settings.bcrypt_rounds)
    known = await check_password(password, hashed) and user is not None and user.active
    counted = known and user is not None and user.two_factor and bool(code.strip())
    if counted:
        await backoff.count(parts, account, backoff.ANYWHERE)
    async with parts.database.session() as session:
        held = await _held(session, user.id, hashed) if known and user is not None else None
        # Asked for too where it was switched on while the password was checked: then this code's failure would not have been counted.
        asked = held is not None and held.two_factor and not counted
        if asked:
            await backoff.take_back(session, account, address)
        elif held is not None:
            proof = await second_factor.accept(session, parts.vault, held, code) if held.two_factor else None
            if proof is not None or not held.two_factor:
                await backoff.forget(session, account, address)
                details = {"second_factor": proof} if proof is not None else {}
                record(session, Action.SIGNED_IN, held.id, held.email, details=details, caller=Caller(held.id, held.email, address))
                return _tokens(parts, session, held.id, uuid4())
    if asked:
        raise SecondFactorRequired("Now the code from your authenticator app: send it, or a recovery code, as `totp_code` too.")
    if held is None:
        await _note_failure(parts, user, address)
        raise Unauthorised("The address or the password is wrong.")
    await _note_failure(parts, held, address, {"second_factor": "wrong"})
    raise SecondFactorWrong("This code is not right, or was used before. Type the one that your app shows now, or a recovery code.")


async def _held(session: AsyncSession, user_id: UUID, password_hash: bytes) -> User | None:
    """The user as they are now, until the transaction ends; None where the password was changed or the account switched off meanwhile.

    Who switches two-factor sign-in on, or ends all of a user's tokens, waits for this transaction, and ends what it makes; or this one
    has waited for theirs, and sees what they did.
    """
    lock = select(User).where(User.id == user_id).with_for_update(read=True, key_share=True)
    user = await session.scalar(lock)
    return user if user is not None and user.active and user.password_hash == password_hash else None


async def _note_failure(parts: Services, user: User | None, address: str, details: JsonObject | None = None) -> None:
    """For the audit. An address that nobody has is not kept: people type passwords into the wrong field."""
    async with parts.database.session() as session:
        if user is None:
            record(session, Action.SIGN_IN_FAILED, None, "", caller=Caller(None, "", address))
        else:
            record(session, Action.SIGN_IN_FAILED, user.id, user.email, details=details, caller=Caller(None, "", address))


def _tokens(parts: Services, session: AsyncSession, user_id: UUID, family: UUID) -> Tokens:
    settings = parts.settings
    refresh = new_secret()
    expires = datetime.now(UTC) + timedelta(seconds=settings.refresh_token_s)
    session.add(RefreshToken(user_id=user_id, family=family, token_hash=digest(refresh), expires_at=expires))
    access = parts.tokens.issue(str(user_id), PEOPLE, settings.access_token_s, family)
    return Tokens(access_token=access, refresh_token=refresh, expires_in=settings.access_token_s)


async def refresh(parts: Services, token: str) -> Tokens:
    """A new pair for a refresh token, which is spent. A token that comes twice was copied: its whole family ends.

    Raises Unauthorised.
    """
    async with parts.database.session() as session:
        await _hold_user(session, token)
        alive = (RefreshToken.used_at.is_(None)) & (RefreshToken.revoked_at.is_(None)) & (RefreshToken.expires_at > func.now())
        spend = update(RefreshToken).where(RefreshToken.token_hash == digest(token), alive).values(used_at=func.now())
        spent = (await session.execute(spend.returning(RefreshToken.user_id, RefreshToken.family))).one_or_none()
        if spent is not None:
            user = await session.get(User, spent.user_id)
            if user is not None and user.active:
                return _tokens(parts, session, spent.user_id, spent.family)
    async with parts.database.session() as session:  # whoever else holds the user's row must not wait for this one's hold on it
        await _end_family(session, token)
    raise Unauthorised("This refresh token is not valid any more. Sign in again.")


async def _hold_user(session: AsyncSession, token: str) -> None:
    """Before a token takes the place of another: who ends a user's tokens (`_end_family`, `end_all`) waits for it, and ends it too."""
    await session.execute(_owner(token).with_for_update(read=True, key_share=True))


def _owner(token: str) -> Select[UUID]:
    whose = select(RefreshToken.user_id).where(RefreshToken.token_hash == digest(token)).scalar_subquery()
    return select(User.id).where(User.id == whose)


async def sign_out(parts: Services, token: str) -> None:
    """Ends the family of a refresh token. An unknown one is no error: whoever holds it is signed out."""
    async with parts.database.session() as session:
        await _end_family(session, token)


async def _end_family(session: AsyncSession, token: str) -> None:
    await session.execute(_owner(token).with_for_update())
    family = select(RefreshToken.family).where(RefreshToken.token_hash == digest(token)).scalar_subquery()
    living = (RefreshToken.family == family) & RefreshToken.revoked_at.is_(None)
    await session.execute(update(RefreshToken).where(living).values(revoked_at=func.now()))


async def end_all(session: AsyncSession, user_id: UUID, *, keep: str | None = None) -> None:
    """Ends every refresh token of a user, but those of the session to which the token `keep` belongs."""
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    living = (RefreshToken.user_id == user_id) & RefreshToken.revoked_at.is_(None)
    if keep is not None:
        kept = select(RefreshToken.family).where(RefreshToken.token_hash == digest(keep))
        living &= RefreshToken.family.not_in(kept)
    await session.execute(update(RefreshToken).where(living).values(revoked_at=func.now()))
