"""Connecting a credential: a person goes to the provider, agrees, comes back with a code, and Trestle turns that into tokens.

The provider's redirect carries no access token of ours. What authorises it is the `state` alone: signed, good for ten minutes and
for one use, and bound to the person who began and the credential. The PKCE verifier stays here, encrypted.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit.service import Caller, record
from backend.credentials.oauth2 import provider
from backend.credentials.oauth2.client import Client, new_verifier
from backend.credentials.oauth2.provider import ProviderError, Tokens
from backend.credentials.oauth2.tokens import Place, forget
from backend.credentials.service import reveal
from backend.credentials.vault import Sealed
from backend.errors import BadRequest, Conflict, Forbidden, Gone, NotFound, Unauthorised, Unprocessable
from backend.models import Credential, OAuth2State, User
from backend.ownership import find
from backend.services import Services
from trestle.contracts.audit import Action
from trestle.contracts.credentials import OAUTH2, OAUTH2_CALLBACK, Authorization, Disconnected
from trestle.contracts.users import ProjectRole

LIFETIME_S = 600
_STATES = "trestle-oauth2"
"""Audience of a state."""
_REMEMBERED_S = 3600
"""So long after its end a state is still told from one that was used."""
_BEGIN_ANEW = "Press Connect in Trestle again."
_AT_THE_PROVIDER = "To withdraw Trestle’s access for good, do that at the provider too."

log = structlog.get_logger(__name__)


class Returned(NamedTuple):
    """What a provider's redirect brings along."""

    state: str
    code: str
    error: str
    description: str


class Connected(NamedTuple):
    """What came of it."""

    credential_id: UUID
    name: str
    account: str | None
    by: str


def redirect_url(parts: Services) -> str:
    """Where providers send people back to."""
    return parts.settings.base_url + OAUTH2_CALLBACK


async def authorize(parts: Services, session: AsyncSession, user: User, ident: UUID) -> Authorization:
    """Where the person's browser goes. Raises NotFound, Forbidden (an editor's right), Unprocessable where nobody can connect it."""
    row = await find(session, user, Credential, ident, needs=ProjectRole.EDITOR)
    client = await _client(parts, session, row)
    if client.by_itself:
        raise Unprocessable("This credential gets its tokens by itself: nobody has to connect it. Press Test to try it.")
    state_id, verifier = uuid4(), new_verifier()
    expires_at = datetime.now(UTC) + timedelta(seconds=LIFETIME_S)
    await session.execute(delete(OAuth2State).where(OAuth2State.expires_at < datetime.now(UTC) - timedelta(seconds=_REMEMBERED_S)))
    sealed = parts.vault.seal({"state": str(state_id), "verifier": verifier}, project=row.project_id, credential=row.id, version=0)
    session.add(OAuth2State(id=state_id, credential_id=row.id, user_id=user.id, ciphertext=sealed, expires_at=expires_at))
    state = parts.tokens.issue(str(state_id), _STATES, LIFETIME_S + _REMEMBERED_S)
    back = redirect_url(parts)
    return Authorization(
        url=client.authorization(redirect_url=back, state=state, verifier=verifier), redirect_url=back, expires_at=expires_at
    )


async def _client(parts: Services, session: AsyncSession, row: Credential) -> Client:
    if row.type != OAUTH2:
        raise Unprocessable(f"A credential of the type {row.type} is not connected: it holds its secret itself.")
    return Client.model_validate((await reveal(session, parts.vault, row.project_id, row.id)).data)


async def finish(parts: Services, session: AsyncSession, returned: Returned, address: str) -> Connected:
    """Turns what the provider sent back into tokens, and keeps them.

    Raises:
        BadRequest: no state, one that is not ours, or the provider said no; says why.
        Gone: used already, or too late.
        Forbidden: whoever began may not change the credential any more.
    """
    state = await _spend(session, _state_id(parts, returned.state))
    user = await session.get(User, state.user_id)
    if user is None or not user.active:
        raise Forbidden("The account that began this is gone or switched off. Nothing was connected.")
    row = await _credential(session, user, state.credential_id)
    client, version = await _client(parts, session, row), row.version
    verifier = _verifier(parts, row, state)
    await session.commit()  # the state is spent, whatever comes; and no transaction waits for the provider
    tokens = await _exchange(parts, client, returned, verifier)
    row = await _credential(session, user, state.credential_id, lock=True)
    if row.version != version:
        raise Conflict(f"The credential was changed meanwhile. {_BEGIN_ANEW}")
    await parts.lender.store.replace(session, Place(row.project_id, row.id), tokens)
    caller = Caller(user.id, user.email, address)
    record(session, Action.CREDENTIAL_CONNECTED, row.id, row.name, row.project_id, {"account": tokens.account}, caller=caller)
    return Connected(row.id, row.name, tokens.account, user.email)


def _state_id(parts: Services, state: str) -> UUID:
    try:
        return UUID(parts.tokens.read(state, _STATES))
    except (Unauthorised, ValueError):
        raise BadRequest(f"This did not begin here: its state is missing, too old, or not signed by this Trestle. {_BEGIN_ANEW}") from None


async def _spend(session: AsyncSession, ident: UUID) -> OAuth2State:
    """The state, which is gone from now on. Of two that bring it at the same time, one gets it."""
    spent = delete(OAuth2State).where(OAuth2State.id == ident).returning(OAuth2State)
    state = (await session.scalars(spent)).one_or_none()
    if state is None:
        raise Gone("This has been used already, and counts once. If the credential is not connected, press Connect in Trestle again.")
    if state.expires_at < datetime.now(UTC):
        raise Gone(f"This took longer than {LIFETIME_S // 60} minutes. {_BEGIN_ANEW}")
    return state


async def _credential(session: AsyncSession, user: User, ident: UUID, *, lock: bool = False) -> Credential:
    try:
        return await find(session, user, Credential, ident, needs=ProjectRole.EDITOR, lock=lock)
    except (NotFound, Forbidden):
        raise Forbidden(f"{user.email} may not change this credential any more. Nothing was connected.") from None


def _verifier(parts: Services, row: Credential, state: OAuth2State) -> str:
    try:
        kept = parts.vault.open(state.ciphertext, project=row.project_id, credential=row.id, version=0)
    except Sealed as error:
        raise Conflict(f"{error} {_BEGIN_ANEW}") from None
    if kept.get("state") != str(state.id):
        raise Conflict(f"What was kept for this belongs to another one. {_BEGIN_ANEW}")
    return str(kept["verifier"])


async def _exchange(parts: Services, client: Client, returned: Returned, verifier: str) -> Tokens:
    host = urlsplit(client.authorization_url).hostname or "The provider"
    if returned.error:
        why = provider.in_words(returned.error, returned.description, host, [client.client_secret, verifier])
        raise BadRequest(f"{why} Nothing was connected. {_BEGIN_ANEW}")
    if not returned.code:
        raise BadRequest(f"{host} sent no code. Nothing was connected. {_BEGIN_ANEW}")
    form = client.exchange(returned.code, redirect_url=redirect_url(parts), verifier=verifier)
    try:
        return await provider.request(parts.lender.http, client, form)
    except ProviderError as error:
        raise BadRequest(f"{error} Nothing was connected. {_BEGIN_ANEW}") from None


async def disconnect(parts: Services, session: AsyncSession, user: User, ident: UUID) -> Disconnected:
    """Forgets the tokens, then has the provider end them where the credential says how. That may fail: they are forgotten all the same.

    Raises NotFound, Forbidden, Unprocessable.
    """
    row = await find(session, user, Credential, ident, needs=ProjectRole.EDITOR, lock=True)
    if row.type != OAUTH2:
        raise Unprocessable(f"A credential of the type {row.type} is not connected: it holds its secret itself.")
    known = await _known(parts, session, row) if row.fields.get("revocation_url") else None
    if await forget(session, row.id):
        record(session, Action.CREDENTIAL_DISCONNECTED, row.id, row.name, row.project_id)
    await session.commit()  # no transaction waits for the provider
    if known is None:
        return Disconnected(withdrawn=None, message=f"It is disconnected. {_AT_THE_PROVIDER}")
    why = await provider.revoke(parts.lender.http, *known)
    if why:
        log.warning("oauth2_not_withdrawn", credential=str(ident), error=why)
        return Disconnected(
            withdrawn=False, message=f"It is disconnected here, but the provider did not end the tokens. {why} {_AT_THE_PROVIDER}"
        )
    return Disconnected(withdrawn=True, message="It is disconnected, and the provider has ended the tokens.")


async def _known(parts: Services, session: AsyncSession, row: Credential) -> tuple[Client, Tokens] | None:
    """The client and the tokens that it holds; None where there are none, or none that can be read."""
    try:
        held = await parts.lender.store.read(Place(row.project_id, row.id))
        return (await _client(parts, session, row), held.tokens) if held is not None and held.tokens is not None else None
    except (Sealed, Conflict):
        return None
