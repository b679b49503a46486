"""Access tokens for the steps that need one, renewed once among all backends, however many ask at the same time.

In one process, all who wait share one task. Among backends, one claims the renewal in the row; the others look again until the
row has changed. No transaction is open while a provider is asked, and what it gave is stored before anybody gets it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeGuard, TypeVar
from uuid import UUID

import structlog

from backend.credentials.oauth2 import provider
from backend.credentials.oauth2.client import Client
from backend.credentials.oauth2.provider import ProviderAway, ProviderError, ProviderRefused, Tokens
from backend.credentials.oauth2.tokens import CLAIM_S, Held, Place, TokenStore
from backend.credentials.vault import Sealed
from backend.db import is_away
from backend.errors import Conflict, FailedDependency
from trestle.contracts.credentials import CredentialTested
from trestle.contracts.jobs import Secret
from trestle.outbound import OutboundClient

WITHIN_S = 13.0
"""How long a step waits for its token: less than an executor waits for the backend."""
_LOOK_AGAIN_S = 0.1
_TRY_AGAIN_S = 0.5
_OVER = {"invalid_grant", "bad_refresh_token"}  # the second is GitHub's

T = TypeVar("T")
NOT_YET = "It is not connected yet. Open the credential on the page Credentials and press Connect."
AGAIN = "Open the credential on the page Credentials and connect it again."
LOST = (
    "The answer to the last renewal was lost on its way, and the provider counts the refresh token as used. "
    "Nothing is wrong with the account. "
)

log = structlog.get_logger(__name__)


class Lender:
    """Gives access tokens. One for a backend."""

    def __init__(self, store: TokenStore, http: OutboundClient) -> None:
        self.store = store
        self.http = http
        self._running: dict[UUID, asyncio.Task[Held]] = {}

    async def aclose(self) -> None:
        """Lets renewals that run come to their end: what a provider gave must not be lost."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=provider.TIMEOUT_S)

    async def lend(self, place: Place, client: Client, refused: int | None = None) -> Held:
        """Tokens that are good for a while. `refused`: a service took those of this version no more, so newer ones are wanted.

        Raises Conflict where people must act, FailedDependency where the provider does not answer now.
        """
        try:
            async with asyncio.timeout(WITHIN_S):
                held = await self._read(place)
                while not _serves(held, refused):
                    self._check(client, held, refused)
                    held = await asyncio.shield(self._renewal(place, client, refused))
                return held
        except TimeoutError:
            raise FailedDependency("The provider takes too long to renew the token. Let the step try again.") from None

    async def instead_of(self, client: Secret, place: Place, refused: int | None) -> Secret:
        """What a step gets of a credential: the access token, and never what belongs to the client. Raises as `lend` does."""
        held = await self.lend(place, Client.model_validate(client.data), refused)
        token = held.tokens.access_token if held.tokens is not None else ""
        return client.model_copy(update={"data": {"access_token": token}, "version": held.version})

    async def check(self, place: Place, client: Client) -> CredentialTested:
        """Whether it is connected, and can be renewed: by renewing it."""
        try:
            held = await self._read(place)
            if not client.by_itself and held is not None and held.problem is None and held.tokens and not held.tokens.refresh_token:
                return _unrenewable(held)
            self._check(client, held, None)
            async with asyncio.timeout(WITHIN_S):
                held = await asyncio.shield(self._renewal(place, client, held.version if held is not None else None))
        except (Conflict, FailedDependency) as error:
            return CredentialTested(ok=False, message=str(error.detail))
        except TimeoutError:
            return CredentialTested(ok=False, message="The provider takes too long to answer.")
        until = f" It is good until {held.expires_at:%-d %B %Y, %H:%M} UTC." if held.expires_at else ""
        return CredentialTested(ok=True, message=f"Connected: the provider has just given a new token.{until}")

    async def trial(self, client: Client) -> CredentialTested:
        """What can be said of one that is not kept: whether it gets a token by itself. Nothing of it stays."""
        if not client.by_itself:
            return CredentialTested(ok=None, message="A person connects it: save it, press Connect, and test it then.")
        try:
            await provider.request(self.http, client, client.renewal(""))
        except ProviderError as error:
            return CredentialTested(ok=False, message=str(error))
        return CredentialTested(ok=True, message="The provider gives it tokens.")

    async def _read(self, place: Place) -> Held | None:
        try:
            return await self.store.read(place)
        except Sealed:
            raise Conflict(f"No key of TRESTLE_ENCRYPTION_KEYS opens the tokens of this connection. {AGAIN}") from None

    @staticmethod
    def _check(client: Client, held: Held | None, refused: int | None) -> None:
        """Raises Conflict where there is nothing to renew by."""
        if client.by_itself:
            if held is not None and refused == held.version and held.is_new:
                raise Conflict("The service refuses a token that is only just new. Check the credential's scopes and audience.")
            return
        if held is None or held.tokens is None:
            raise Conflict(NOT_YET)
        if held.problem is not None:
            raise Conflict(held.problem)
        if refused == held.version and held.is_new:
            raise Conflict(f"The service refuses a token that is only just new. Check the credential's scopes. {AGAIN}")
        if not held.tokens.refresh_token:
            why = "The service refuses the token" if held.is_good else "The token has run out"
            raise Conflict(f"{why}, and the provider gave no refresh token to renew it with. {AGAIN}")

    def _renewal(self, place: Place, client: Client, refused: int | None) -> "asyncio.Task[Held]":
        """The one renewal that runs here. It goes on when those who wait for it are gone."""
        running = self._running.get(place.credential_id)
        if running is None:
            running = self._running[place.credential_id] = asyncio.create_task(self._renew(place, client, refused))
            running.add_done_callback(lambda task: self._ended(place.credential_id, task))
        return running

    def _ended(self, credential_id: UUID, task: "asyncio.Task[Held]") -> None:
        del self._running[credential_id]
        if not task.cancelled():
            task.exception()  # told to those who waited, if anybody still does

    async def _renew(self, place: Place, client: Client, refused: int | None) -> Held:
        while True:
            if client.by_itself:
                await self.store.begin(place)
            held = await self._read(place)
            if held is not None and _serves(held, refused):
                return held  # another backend was faster
            if held is None or (held.tokens is None and not client.by_itself):
                raise Conflict(NOT_YET)
            if held.problem is not None:
                raise Conflict(held.problem)
            doubtful = await self.store.claim(place, held.version)
            if doubtful is None:
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            tokens = await self._ask(place, client, held, doubtful=doubtful)
            stored = await _until_stored(partial(self.store.store, place, held.version, tokens))
            if stored is not None:
                log.info("oauth2_renewed", credential=str(place.credential_id), version=stored.version)
                return stored
            await self._withdraw_unless_connected(place, client, tokens)
            if client.by_itself:  # this client is the one of before
                raise FailedDependency("The credential was changed just now. Let the step try again.")

    async def _withdraw_unless_connected(self, place: Place, client: Client, tokens: Tokens) -> None:
        """Has the provider end what it gave to a connection that is over meanwhile; not to one made anew, which may be the same to it."""
        held = await self.store.read(place)
        if client.by_itself or not client.revocation_url or (held is not None and held.tokens is not None):
            return
        why = await provider.revoke(self.http, client, tokens)
        if why:
            log.warning("oauth2_not_withdrawn", credential=str(place.credential_id), error=why)

    async def _ask(self, place: Place, client: Client, held: Held, *, doubtful: bool) -> Tokens:
        """New tokens from the provider; the old refresh token stays where it gave no other. Ends the claim where it gave none."""
        old = held.tokens.refresh_token if held.tokens is not None else ""
        try:
            tokens = await provider.request(self.http, client, client.renewal(old))
        except ProviderAway as away:
            await self.store.give_up(place, held.version, doubtful=away.doubtful)
            log.warning("oauth2_provider_away", credential=str(place.credential_id), error=str(away))
            raise FailedDependency(str(away)) from None
        except ProviderRefused as refused:
            over = refused.code in _OVER and not client.by_itself
            problem = f"{LOST if doubtful else ''}{refused} {AGAIN}" if over else None
            await self.store.give_up(place, held.version, problem=problem)
            log.warning("oauth2_refused", credential=str(place.credential_id), code=refused.code)
            raise Conflict(problem or str(refused)) from None
        except BaseException:
            await asyncio.shield(self.store.give_up(place, held.version, doubtful=True))
            raise
        if tokens.refresh_token or client.by_itself:
            return tokens
        return Tokens(tokens.access_token, old, tokens.scope, tokens.lifetime_s, tokens.account)


def _serves(held: Held | None, refused: int | None) -> TypeGuard[Held]:
    return held is not None and held.tokens is not None and held.problem is None and held.is_good and held.version != refused


def _unrenewable(held: Held) -> CredentialTested:
    if not held.is_good:
        return CredentialTested(ok=False, message=f"The token has run out, and the provider gave no refresh token. {AGAIN}")
    until = f"until {held.expires_at:%-d %B %Y, %H:%M} UTC; then it must be connected again" if held.expires_at else "until it is withdrawn"
    return CredentialTested(ok=True, message=f"Connected. The provider gave no refresh token: this one is good {until}.")


async def _until_stored(store: Callable[[], Awaitable[T]]) -> T:
    """Tokens that only this process knows are stored even where the database is away for a moment."""
    until = time.monotonic() + CLAIM_S - provider.TIMEOUT_S
    while True:
        try:
            return await store()
        except Exception as error:
            if not is_away(error) or time.monotonic() > until:
                raise
        await asyncio.sleep(_TRY_AGAIN_S)
