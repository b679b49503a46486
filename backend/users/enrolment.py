"""Two-factor sign-in of one's own account: setting it up, switching it off, new recovery codes. API keys are not asked for codes."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import record
from backend.errors import Conflict, Unprocessable
from backend.models import User
from backend.security import check_password
from backend.services import Services
from backend.users import backoff, codes, second_factor, sessions
from trestle.contracts import users as wire
from trestle.contracts.audit import Action
from trestle.contracts.problems import FieldError

_WRONG_CODE = "This code is not right, or was used before. Type the one that your app shows now; its clock must be right."


async def state(session: AsyncSession, user: User) -> wire.TotpState:
    """Whether it is on."""
    return wire.TotpState(active=user.two_factor, recovery_codes_left=await second_factor.recovery_codes_left(session, user))


async def enrol(parts: Services, session: AsyncSession, user: User, body: wire.TotpRequest, address: str) -> wire.TotpEnrolment:
    """A secret for the app. Raises Conflict where the second factor is active, Unprocessable where the password is wrong."""
    _must_be(user, on=False)
    async with backoff.counted(parts, session, user.email, address):
        await confirm_password(user, body.current_password)
    secret = await second_factor.offer(session, parts.vault, user)
    return wire.TotpEnrolment(secret=secret, otpauth_url=codes.otpauth_url(secret, user.email))


async def activate(parts: Services, session: AsyncSession, user: User, body: wire.TotpVerification, address: str) -> wire.RecoveryCodes:
    """Switches two-factor sign-in on; the other sessions end. Raises Unprocessable where the code is wrong, Conflict where it is on."""
    _must_be(user, on=False)
    async with backoff.counted(parts, session, user.email, address):
        await session.refresh(user, with_for_update=True)
        _must_be(user, on=False)
        if not await second_factor.accept_from_app(session, parts.vault, user, body.code):
            raise _wrong(["code"], _WRONG_CODE)
    user.two_factor = True
    await sessions.end_all(session, user.id, keep=body.refresh_token)
    record(session, Action.SECOND_FACTOR_ON, user.id, user.email)
    return wire.RecoveryCodes(recovery_codes=await second_factor.renew_recovery_codes(session, user))


async def switch_off(parts: Services, session: AsyncSession, user: User, body: wire.TotpProof, address: str) -> None:
    """The password alone lets them in again. Raises Unprocessable where either factor is wrong, Conflict where it is off."""
    await _prove(parts, session, user, body, address)
    await second_factor.remove(session, user)
    record(session, Action.SECOND_FACTOR_OFF, user.id, user.email)


async def renew_recovery_codes(
    parts: Services, session: AsyncSession, user: User, body: wire.TotpProof, address: str
) -> wire.RecoveryCodes:
    """New recovery codes; the old ones end. Raises as `switch_off`."""
    await _prove(parts, session, user, body, address)
    record(session, Action.RECOVERY_CODES_MADE, user.id, user.email)
    return wire.RecoveryCodes(recovery_codes=await second_factor.renew_recovery_codes(session, user))


async def confirm_password(user: User, password: str) -> None:
    """Raises Unprocessable where this is not the password."""
    if not await check_password(password, user.password_hash):
        raise _wrong(["current_password"], "This is not the current password.")


async def _prove(parts: Services, session: AsyncSession, user: User, body: wire.TotpProof, address: str) -> None:
    _must_be(user, on=True)
    async with backoff.counted(parts, session, user.email, address):
        await confirm_password(user, body.current_password)
        async with backoff.counted(parts, session, user.email, backoff.ANYWHERE):
            if await second_factor.accept(session, parts.vault, user, body.code) is None:
                raise _wrong(["code"], _WRONG_CODE)


def _must_be(user: User, *, on: bool) -> None:
    if user.two_factor and not on:
        raise Conflict("Two-factor sign-in is on already. Switch it off first, to set it up anew.")
    if on and not user.two_factor:
        raise Conflict("Two-factor sign-in is off. Set it up first.")


def _wrong(loc: list[str | int], message: str) -> Unprocessable:
    return Unprocessable(message, errors=[FieldError(loc=loc, message=message)])
