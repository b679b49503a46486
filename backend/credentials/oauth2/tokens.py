"""The tokens of a connected credential in the database: read, claimed for renewal, replaced. SQL, and the encryption of the row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.credentials.oauth2.provider import Tokens
from backend.credentials.vault import Vault
from backend.models import OAuth2Grant

EARLY_S = 60.0
"""A token with less than this left is renewed before it is lent: an executor keeps it for up to 30 s."""
CLAIM_S = 30.0
"""For so long one backend alone renews. Longer than a provider may take."""

_READ = """
select ciphertext, version, expires_at, problem, renewed_at > now() - interval '1 minute' as is_new,
    expires_at is null or expires_at > now() + make_interval(secs => $2) as is_good
from oauth2_grants where credential_id = $1
"""
_BEGIN = "insert into oauth2_grants (credential_id) values ($1) on conflict do nothing"
# A claim that ran out without an end: that backend died, perhaps between the provider's answer and the database.
_CLAIM = """
update oauth2_grants set renewing_until = now() + make_interval(secs => $3), doubtful = doubtful or renewing_until is not null
where credential_id = $1 and version = $2 and (renewing_until is null or renewing_until < now()) returning doubtful
"""
_STORE = """
update oauth2_grants set ciphertext = $3, key_id = $4, version = version + 1, expires_at = now() + make_interval(secs => $5),
    account = coalesce($6, account), renewed_at = now(), problem = null, renewing_until = null, doubtful = false
where credential_id = $1 and version = $2 returning expires_at
"""
_GIVE_UP = """
update oauth2_grants set renewing_until = null, doubtful = doubtful or $3, problem = coalesce($4, problem)
where credential_id = $1 and version = $2
"""


@dataclass(frozen=True)
class Place:
    """Whose tokens they are."""

    project_id: UUID
    credential_id: UUID


@dataclass(frozen=True)
class Held:
    """What is stored. `tokens` None: none yet. `is_good`: not about to run out. `is_new`: renewed within the last minute."""

    tokens: Tokens | None
    version: int
    expires_at: datetime | None
    problem: str | None
    is_good: bool
    is_new: bool


class TokenStore:
    """The table oauth2_grants."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def read(self, place: Place) -> Held | None:
        """What is held; None where it was never connected. Raises Sealed where no key opens it."""
        row = await self._pool.fetchrow(_READ, place.credential_id, EARLY_S)
        if row is None:
            return None
        tokens = None
        if row["ciphertext"] is not None:
            kept = self._vault.open(row["ciphertext"], project=place.project_id, credential=place.credential_id, version=row["version"])
            tokens = Tokens(**kept["oauth2"])
        return Held(tokens, row["version"], row["expires_at"], row["problem"], row["is_good"], bool(row["is_new"]))

    async def begin(self, place: Place) -> None:
        """An empty row, for a client that gets its tokens by itself."""
        await self._pool.execute(_BEGIN, place.credential_id)

    async def claim(self, place: Place, version: int) -> bool | None:
        """Takes the renewal of these tokens upon itself. None where another backend has it; else whether the last one's end is in doubt."""
        doubtful: bool | None = await self._pool.fetchval(_CLAIM, place.credential_id, version, CLAIM_S)
        return doubtful

    async def store(self, place: Place, version: int, tokens: Tokens) -> Held | None:
        """Puts new tokens in the place of those of `version`; None where that was replaced or removed meanwhile."""
        sealed = self._seal(place, version + 1, tokens)
        row = await self._pool.fetchrow(_STORE, place.credential_id, version, sealed, self._vault.key_id, tokens.lifetime_s, tokens.account)
        return Held(tokens, version + 1, row["expires_at"], None, is_good=True, is_new=True) if row is not None else None

    async def give_up(self, place: Place, version: int, *, doubtful: bool = False, problem: str | None = None) -> None:
        """Ends a claim without new tokens. `problem`: why people must connect it again."""
        await self._pool.execute(_GIVE_UP, place.credential_id, version, doubtful, problem)

    async def replace(self, session: AsyncSession, place: Place, tokens: Tokens) -> None:
        """What a person has just connected: whatever was there gives way. The credential's row is locked by the caller."""
        row = await session.get(OAuth2Grant, place.credential_id, with_for_update=True)
        if row is None:
            row = OAuth2Grant(credential_id=place.credential_id, version=0)
            session.add(row)
        row.version += 1
        row.ciphertext, row.key_id = self._seal(place, row.version, tokens), self._vault.key_id
        row.expires_at = func.now() + timedelta(seconds=tokens.lifetime_s) if tokens.lifetime_s is not None else None
        row.account, row.renewed_at, row.problem, row.renewing_until, row.doubtful = tokens.account, func.now(), None, None, False
        await session.flush()

    def _seal(self, place: Place, version: int, tokens: Tokens) -> bytes:
        # Under a name of its own: a credential's ciphertext of the same version must not pass for tokens.
        data = {"oauth2": tokens.kept()}
        return self._vault.seal(data, project=place.project_id, credential=place.credential_id, version=version)


async def forget(session: AsyncSession, credential_id: UUID) -> bool:
    """Removes a credential's tokens; whether there were any.

    The row stays, under a version of its own: what a renewal that still runs brings must not pass for the tokens of what comes after.
    """
    mine = (OAuth2Grant.credential_id == credential_id) & OAuth2Grant.ciphertext.is_not(None)
    had = (await session.scalars(select(OAuth2Grant.credential_id).where(mine))).first() is not None
    nothing = {"ciphertext": None, "key_id": None, "account": None, "expires_at": None, "renewed_at": None, "problem": None}
    gone = update(OAuth2Grant).where(OAuth2Grant.credential_id == credential_id)
    await session.execute(gone.values(version=OAuth2Grant.version + 1, renewing_until=None, doubtful=False, **nothing))
    return had


async def grants(session: AsyncSession, credential_ids: Sequence[UUID]) -> dict[UUID, OAuth2Grant]:
    """The rows of those that were ever connected."""
    if not credential_ids:
        return {}
    rows = await session.scalars(select(OAuth2Grant).where(OAuth2Grant.credential_id.in_(credential_ids)))
    return {row.credential_id: row for row in rows}
