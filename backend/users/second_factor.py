"""A user's second factor in the database: its secret, the codes that were taken, and the recovery codes."""

import time
from enum import StrEnum

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.credentials.vault import Sealed, Vault
from backend.errors import Unavailable
from backend.models import RecoveryCode, SecondFactor, User
from backend.users import codes


class Proof(StrEnum):
    """With what somebody showed their second factor."""

    CODE = "code"
    RECOVERY_CODE = "recovery code"


async def offer(session: AsyncSession, vault: Vault, user: User) -> str:
    """A new secret in the place of one that was offered before; it does not count yet."""
    secret = codes.new_secret()
    values = {"ciphertext": vault.seal({"secret": secret}, user=user.id), "key_id": vault.key_id, "last_step": 0}
    kept = insert(SecondFactor).values(user_id=user.id, **values)
    await session.execute(kept.on_conflict_do_update(index_elements=["user_id"], set_=values))
    return secret


async def accept(session: AsyncSession, vault: Vault, user: User, code: str) -> Proof | None:
    """Checks a code and spends it, in the session's transaction; None where it is wrong or was spent.

    Raises Unavailable where the key that the secret was encrypted with is gone and the code is no recovery code.
    """
    spent = delete(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.code_hash == codes.recovery_hash(code))
    if (await session.execute(spent.returning(RecoveryCode.user_id))).one_or_none() is not None:
        return Proof.RECOVERY_CODE
    return Proof.CODE if await accept_from_app(session, vault, user, code) else None


async def accept_from_app(session: AsyncSession, vault: Vault, user: User, code: str) -> bool:
    """Checks a code of the app and takes its time step, so that neither it nor an older one comes again, at whichever backend."""
    factor = await session.get(SecondFactor, user.id, with_for_update=True)  # its encryption may be being renewed
    if factor is None:
        return False
    try:
        secret = str(vault.open(factor.ciphertext, user=user.id)["secret"])
    except Sealed:
        raise Unavailable(
            "This account's second factor can't be read: the key that it was encrypted with is gone. "
            "Use a recovery code, or ask an admin of this installation to reset it."
        ) from None
    step = codes.matching_step(secret, code, time.time())
    if step is None:
        return False
    mine = (SecondFactor.user_id == user.id) & (SecondFactor.ciphertext == factor.ciphertext)
    take = update(SecondFactor).where(mine, SecondFactor.last_step < step).values(last_step=step)
    return (await session.execute(take.returning(SecondFactor.user_id))).one_or_none() is not None


async def renew_recovery_codes(session: AsyncSession, user: User) -> list[str]:
    """New recovery codes; the old ones end."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    made = codes.new_recovery_codes()
    session.add_all([RecoveryCode(user_id=user.id, code_hash=codes.recovery_hash(code)) for code in made])
    return made


async def recovery_codes_left(session: AsyncSession, user: User) -> int:
    """How many are not used."""
    count = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user.id)
    return await session.scalar(count) or 0


async def remove(session: AsyncSession, user: User) -> None:
    """The password alone lets them in again."""
    user.two_factor = False
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    await session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
