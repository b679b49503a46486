"""Who may call a webhook: the scheme that its node chose, and the credential that it names."""

import asyncio
import base64
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from backend.credentials.service import Stored
from backend.errors import Error, Unauthorised
from backend.triggers import signatures, tokens
from backend.triggers.directory import Webhook
from backend.triggers.payload import Headers, header
from backend.triggers.signatures import Call
from trestle.contracts.jobs import Secret

Reveal = Callable[[UUID, UUID], Awaitable[Stored]]
"""(project, credential) → what it holds: as it is stored, so that no call from outside makes one to the outside. Raises NotFound."""

_KEPT_S = 10.0
_SURE_S = 1.0
_MAX_KEPT = 1000
_LONG = 256 * 1024  # bytes that take more than an instant to hash


class NotSetUp(Unauthorised):
    """Nobody can be let in: what the webhook asks for can't be checked. To the caller it is like any other refusal."""

    def __init__(self, detail: str, why: str) -> None:
        super().__init__(detail)
        self.why = why


class Scheme(NamedTuple):
    """A way to prove who calls. `check(secret, auth, call)`; `says` what a call needs."""

    credentials: tuple[str, ...]
    check: Callable[[Mapping[str, Any], Mapping[str, Any], Call], bool]
    says: str


class Gate:
    """Lets callers in, or does not. Whatever is not understood, or not set up, keeps everybody out."""

    def __init__(self, reveal: Reveal) -> None:
        self._reveal = reveal
        self._known: dict[tuple[UUID, UUID], tuple[Stored, float]] = {}

    async def check(self, hook: Webhook, headers: Headers, body: bytes) -> bytes:
        """The name of the header that held a secret, if one did besides those that always may. `body` as it was sent.

        Raises Unauthorised unless the call carries what the webhook's credential says; NotSetUp where there is none to say it.
        """
        kind = hook.auth.get("kind", "none")
        if kind == "none":
            return b""
        scheme = SCHEMES.get(kind)
        if scheme is None:
            says = f"This webhook asks for the scheme “{kind}”, which this installation does not know."
            raise NotSetUp(says, says)
        call = Call(headers, body, time.time())
        secret = None
        for newer_than in (time.monotonic() - _KEPT_S, time.monotonic() - _SURE_S):  # a secret that was changed counts at once
            secret = await self._secret(hook, newer_than)
            if secret is not None and secret.type in scheme.credentials and await _passes(scheme, secret, hook.auth, call):
                return str(secret.data.get("name", "")).lower().encode() if kind == "header" else b""
        says = f"This webhook needs {scheme.says}. What came with the call is missing or wrong."
        if secret is None or secret.type not in scheme.credentials:
            raise NotSetUp(says, "Its credential is gone, can't be opened, or is of a type that does not fit.")
        raise Unauthorised(says)

    async def _secret(self, hook: Webhook, newer_than: float) -> Stored | None:
        """What the webhook's credential holds, as it was read after `newer_than` (monotonic clock)."""
        try:
            place = hook.project_id, UUID(str(hook.auth.get("credential")))
        except ValueError:
            return None
        known = self._known.get(place)
        if known is not None and known[1] > newer_than:
            return known[0]
        self._known.pop(place, None)
        try:
            secret = await self._reveal(*place)
        except Error:  # deleted, of another project, or sealed with a key that is gone
            return None
        while len(self._known) >= _MAX_KEPT:
            del self._known[next(iter(self._known))]
        self._known[place] = secret, time.monotonic()
        return secret


async def _passes(scheme: Scheme, secret: Secret, auth: Mapping[str, Any], call: Call) -> bool:
    if len(call.body) > _LONG:
        return await asyncio.to_thread(scheme.check, secret.data, auth, call)
    return scheme.check(secret.data, auth, call)


def _same(given: str, wanted: Any) -> bool:
    return isinstance(wanted, str) and bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _basic(secret: Mapping[str, Any], auth: Mapping[str, Any], call: Call) -> bool:
    scheme, _, encoded = header(call.headers, b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no base64, no ASCII, no UTF-8
        return False
    # Both are compared, whatever the first comparison says: its time tells nothing.
    return _same(name, secret.get("username")) & _same(password, secret.get("password"))


def _header(secret: Mapping[str, Any], auth: Mapping[str, Any], call: Call) -> bool:
    if "token" in secret:
        scheme, _, token = header(call.headers, b"authorization").partition(" ")
        return scheme.lower() == "bearer" and _same(token, secret["token"])
    name = secret.get("name")
    return isinstance(name, str) and _same(header(call.headers, name.lower().encode()), secret.get("value"))


def _jwt(secret: Mapping[str, Any], auth: Mapping[str, Any], call: Call) -> bool:
    return tokens.bearer(secret, call.headers)


SCHEMES = {
    "basic": Scheme(("basic",), _basic, "a user name and a password (HTTP Basic)"),
    "header": Scheme(("header", "bearer"), _header, "a header with the right value"),
    "jwt": Scheme(("jwt",), _jwt, "a JSON Web Token that has not expired (Authorization: Bearer …)"),
    "hmac": Scheme(("hmac",), signatures.plain, "a signature of the body with HMAC-SHA256"),
    "github": Scheme(("hmac",), signatures.github, "GitHub's signature (X-Hub-Signature-256)"),
    "stripe": Scheme(("hmac",), signatures.stripe, "Stripe's signature, not older than 5 minutes (Stripe-Signature)"),
    "standard": Scheme(
        ("hmac",), signatures.standard, "a Standard Webhooks signature, not older than 5 minutes, by a secret that begins with whsec_"
    ),
}
"""The values of `auth.kind` besides `none`, and the credential types that each takes."""
