"""The calls to a provider's token URL, through the guarded client, and what its answers mean.

ProviderError
├── ProviderRefused   the provider said no, or something that is no answer: asking again changes nothing
└── ProviderAway      no answer, or one that says "later"
"""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import jwt

from backend.credentials.oauth2.client import Client
from trestle.contracts.base import JsonObject
from trestle.outbound import BadResponse, BlockedAddress, ConnectionFailed, InvalidRequest, OutboundClient, OutboundError, Response

TIMEOUT_S = 10.0
MAX_ANSWER = 256 * 1024
MAX_LIFETIME_S = 10 * 365 * 86_400
MAX_WORDS = 300
_LATER = {"temporarily_unavailable", "server_error", "slow_down"}
_SECRET = {"code", "code_verifier", "refresh_token"}
_NAMES = ("email", "preferred_username", "upn", "name")


class ProviderError(Exception):
    """A provider gave no tokens. The message says why, and never repeats a secret."""


class ProviderRefused(ProviderError):
    """`code` is the protocol's: `invalid_grant`, `invalid_client`, …; empty where the answer was not of the protocol."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ProviderAway(ProviderError):
    """`doubtful`: the request may have arrived, and been carried out."""

    def __init__(self, message: str, *, doubtful: bool) -> None:
        super().__init__(message)
        self.doubtful = doubtful


@dataclass(frozen=True)
class Tokens:
    """What a provider gave. `lifetime_s` None: it did not say. `account`: whose they are, where it said that."""

    access_token: str
    refresh_token: str = ""
    scope: str = ""
    lifetime_s: float | None = None
    account: str | None = None

    def kept(self) -> JsonObject:
        """What is encrypted."""
        return {"access_token": self.access_token, "refresh_token": self.refresh_token, "scope": self.scope}


async def request(http: OutboundClient, client: Client, form: dict[str, str]) -> Tokens:
    """Asks the token URL. Redirects are not followed: the client's secret goes where it was told to go. Raises ProviderError."""
    signed, headers = client.signed(form)
    host = urlsplit(client.token_url).hostname or ""
    try:
        answer = await http.request(
            "POST", client.token_url, form=signed, headers=headers, timeout_s=TIMEOUT_S, max_body=MAX_ANSWER, follow_redirects=False
        )
    except (BlockedAddress, InvalidRequest) as error:
        raise ProviderRefused(f"The token URL can't be called: {error}") from None
    except ConnectionFailed as error:
        sent = not isinstance(error.__context__, aiohttp.ClientConnectorError)
        raise ProviderAway(f"The provider can't be reached: {error}", doubtful=sent) from None
    except OutboundError as error:
        raise ProviderAway(f"The provider did not answer as it should: {error}", doubtful=True) from None
    return _read(host, answer, [client.client_secret, *(form[name] for name in _SECRET & form.keys())])


async def revoke(http: OutboundClient, client: Client, tokens: Tokens) -> str:
    """Has the provider end these tokens (RFC 7009): the refresh token where there is one, and what it gave. Why it did not; or ""."""
    kind = "refresh_token" if tokens.refresh_token else "access_token"
    form, headers = client.signed({"token": tokens.refresh_token or tokens.access_token, "token_type_hint": kind})
    try:
        answer = await http.request(
            "POST", client.revocation_url, form=form, headers=headers, timeout_s=TIMEOUT_S, max_body=MAX_ANSWER, follow_redirects=False
        )
    except OutboundError as error:
        return f"The revocation URL can't be called: {error}"
    host = urlsplit(client.revocation_url).hostname or ""
    return "" if answer.status == HTTPStatus.OK else f"{host} answered {_title(answer.status)}."


def _read(host: str, answer: Response, secrets: list[str]) -> Tokens:
    said = _object(answer)
    code, told = _refusal(said)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= 500 or code in _LATER:
        raise ProviderAway(f"{host} answered {_title(answer.status)}. Try again later.", doubtful=answer.status >= 500)
    if code:  # GitHub says so with the status 200
        raise ProviderRefused(in_words(code, told, host, secrets), code)
    token = said.get("access_token")
    if answer.status != HTTPStatus.OK or not isinstance(token, str) or not token:
        hint = "Check the credential's token URL."
        raise ProviderRefused(f"{host} answered {_title(answer.status)} without a token. {hint}")
    return Tokens(
        access_token=token,
        refresh_token=_text(said.get("refresh_token")),
        scope=_text(said.get("scope")),
        lifetime_s=_lifetime_s(said.get("expires_in")),
        account=_account(said.get("id_token")),
    )


def _refusal(said: JsonObject) -> tuple[str, Any]:
    """The protocol's code, empty where there is none, and what is said to it."""
    error, told = said.get("error"), said.get("error_description")
    if isinstance(error, dict):  # some wrap it up: {"error": {"type": …, "message": …}}
        return _text(error.get("type")) or _text(error.get("status")) or "error", told or error.get("message")
    return _text(error), told


def in_words(code: str, description: Any, host: str, secrets: list[str]) -> str:
    """A provider's refusal as a sentence. What it says is cut, and holds none of `secrets`."""
    told = " ".join(f"{_text(description)}".split())
    for secret in filter(None, secrets):
        code, told = code.replace(secret, "[redacted]"), told.replace(secret, "[redacted]")
    known = {
        "access_denied": "it was not allowed",
        "invalid_client": "it does not take the client ID and secret",
        "unauthorized_client": "it does not let this client do that",
        "invalid_scope": "it does not know the scopes, or does not give them",
        "invalid_grant": "the code or refresh token is not good any more",
        "redirect_uri_mismatch": "the redirect address is not registered there",
    }
    why = f"{known[code]} ({code})" if code in known else code[:MAX_WORDS]
    return f"{host} refused: {why}." + (f" It says: {told[:MAX_WORDS].rstrip('.')}." if told else "")


def _object(answer: Response) -> JsonObject:
    if answer.media_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(answer.text()))
    try:
        said = answer.json()
    except BadResponse:
        return {}
    return said if isinstance(said, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _lifetime_s(value: Any) -> float | None:
    """Some providers give it as a text."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), MAX_LIFETIME_S) if math.isfinite(seconds) else None


def _account(id_token: Any) -> str | None:
    """Whose tokens they are, by the ID token of OpenID Connect. It came from the provider itself: its signature says nothing more."""
    if not isinstance(id_token, str):
        return None
    try:
        claims = jwt.decode(id_token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    found = next((claims[name] for name in _NAMES if isinstance(claims.get(name), str) and claims[name]), None)
    return found[:MAX_WORDS] if found else None


def _title(status: int) -> str:
    known = status in HTTPStatus.__members__.values()
    return f"{status} {HTTPStatus(status).phrase}" if known else str(status)
