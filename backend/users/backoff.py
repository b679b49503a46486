"""The backoff of whoever guesses: failures per (account, address), stored, so that it holds at every backend.

These open their own transactions: a failure must be stored although the answer is an error.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import TooManyRequests
from backend.models import LoginFailure
from backend.services import Services

FREE_FAILURES = 5
LONGEST_WAIT_S = 900
ANYWHERE = "second factor"
"""In the place of an address: wrong codes of a second factor, wherever they come from. Only who knows the password gets so far, so
that nobody else can make the account's owner wait; and six digits are few for who has many addresses."""
_FORGOTTEN_AFTER = timedelta(days=1)


async def count(parts: Services, account: str, address: str) -> None:
    """Counts an attempt as failed before it is checked, so that many at once can't slip through; success takes the count away.

    Raises TooManyRequests after five failures in a row for this account from this address.
    """
    async with parts.database.session() as session:
        now = datetime.now(UTC)
        first = insert(LoginFailure).values(account=account, address=address, failures=0, last_at=now)
        await session.execute(first.on_conflict_do_nothing())  # so that there is a row to wait for, for many first ones at once too
        row = (await session.scalars(select(LoginFailure).where(_is(account, address)).with_for_update())).one_or_none()
        if row is not None and row.failures >= FREE_FAILURES:
            wait = timedelta(seconds=min(2.0 ** min(row.failures - FREE_FAILURES, 20), LONGEST_WAIT_S))
            if now < row.last_at + wait:
                left = (row.last_at + wait - now).total_seconds()
                raise TooManyRequests(f"Too many failed attempts. Wait {int(left) + 1} s and try again.", retry_after_s=int(left) + 1)
        attempt = insert(LoginFailure).values(account=account, address=address, failures=1, last_at=now)
        more = {"failures": LoginFailure.failures + 1, "last_at": now}
        await session.execute(attempt.on_conflict_do_update(index_elements=["account", "address"], set_=more))


async def take_back(session: AsyncSession, account: str, address: str) -> None:
    """This attempt was no failure. Earlier ones stay counted: one right factor must not give more tries at the other."""
    await session.execute(update(LoginFailure).where(_is(account, address)).values(failures=LoginFailure.failures - 1))


async def forget(session: AsyncSession, account: str, address: str) -> None:
    """They are who they say; so is everybody whose last failure is long ago."""
    theirs = (LoginFailure.account == account) & LoginFailure.address.in_([address, ANYWHERE])
    await session.execute(delete(LoginFailure).where(theirs | (LoginFailure.last_at < func.now() - _FORGOTTEN_AFTER)))


@asynccontextmanager
async def counted(parts: Services, session: AsyncSession, account: str, address: str) -> AsyncIterator[None]:
    """An attempt that has failed where the block raises. What `session` has done so far is committed: it must not keep its connection
    while the count wants one, or many at once would wait for each other."""
    await session.commit()
    await count(parts, account, address)
    yield
    await take_back(session, account, address)


def _is(account: str, address: str) -> ColumnElement[bool]:
    return (LoginFailure.account == account) & (LoginFailure.address == address)
