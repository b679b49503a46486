"""Who may call a webhook: the scheme that its node chose, and the credential that it names."""

import base64
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from backend.errors import Error, Unauthorised
from backend.triggers.directory import Webhook
from backend.triggers.payload import Headers, header
from trestle.contracts.jobs import Secret

Reveal = Callable[[UUID, UUID], Awaitable[Secret]]
"""(project, credential) → what it holds. Raises NotFound."""

_KEPT_S = 10.0
_MAX_KEPT = 1000


class Gate:
    """Lets callers in, or does not. Whatever is not understood, or not set up, keeps everybody out."""

    def __init__(self, reveal: Reveal) -> None:
        self._reveal = reveal
        self._known: dict[tuple[UUID, UUID], tuple[Secret, float]] = {}

    async def check(self, hook: Webhook, headers: Headers) -> None:
        """Raises Unauthorised unless the call carries what the webhook's credential says."""
        kind = hook.auth.get("kind", "none")
        if kind == "none":
            return
        check = _SCHEMES.get(kind)
        if check is None:
            raise Unauthorised(f"This webhook asks for the scheme “{kind}”, which this instance does not know.")
        secret = await self._secret(hook)
        if secret is None or not check(secret.data, headers):
            raise Unauthorised(f"This webhook needs {_SAYS[kind]}. What came with the call is missing or wrong.")

    async def _secret(self, hook: Webhook) -> Secret | None:
        try:
            place = hook.project_id, UUID(str(hook.auth.get("credential")))
        except ValueError:
            return None
        known = self._known.get(place)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        self._known.pop(place, None)
        try:
            secret = await self._reveal(*place)
        except Error:  # deleted, of another project, or sealed with a key that is gone
            return None
        while len(self._known) >= _MAX_KEPT:
            del self._known[next(iter(self._known))]
        self._known[place] = secret, time.monotonic() + _KEPT_S
        return secret


def _same(given: str, wanted: Any) -> bool:
    return isinstance(wanted, str) and bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _basic(secret: Mapping[str, Any], headers: Headers) -> bool:
    scheme, _, encoded = header(headers, b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no base64, no ASCII, no UTF-8
        return False
    # Both are compared, whatever the first comparison says: its time tells nothing.
    return _same(name, secret.get("username")) & _same(password, secret.get("password"))


def _header(secret: Mapping[str, Any], headers: Headers) -> bool:
    if "token" in secret:
        scheme, _, token = header(headers, b"authorization").partition(" ")
        return scheme.lower() == "bearer" and _same(token, secret["token"])
    name = secret.get("name")
    return isinstance(name, str) and _same(header(headers, name.lower().encode()), secret.get("value"))


_SCHEMES: dict[str, Callable[[Mapping[str, Any], Headers], bool]] = {"basic": _basic, "header": _header}
_SAYS = {"basic": "a user name and a password (HTTP Basic)", "header": "a header with the right value"}
