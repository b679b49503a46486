"""What a credential of the type oauth2 holds, and the messages of the protocol (RFC 6749, PKCE by RFC 7636). Pure."""

import base64
import hashlib
import secrets
from typing import Literal
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict

from trestle.contracts.base import JsonObject

VERIFIER_BYTES = 48
REBINDING = {"grant": "authorization_code", "authorization_url": "", "token_url": "", "client_id": "", "revocation_url": ""}
"""Fields and their defaults. Tokens belong to a client at a provider: where one of these changes, they are forgotten."""


class Client(BaseModel):
    """A client, registered at a provider."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    token_url: str
    client_id: str
    grant: Literal["authorization_code", "client_credentials"] = "authorization_code"
    authorization_url: str = ""
    client_secret: str = ""
    scopes: str = ""
    audience: str = ""
    extra: str = ""
    client_auth: Literal["basic", "body"] = "basic"
    revocation_url: str = ""

    @property
    def by_itself(self) -> bool:
        """Whether it gets tokens without a person."""
        return self.grant == "client_credentials"

    def authorization(self, *, redirect_url: str, state: str, verifier: str) -> str:
        """Where the person's browser goes. What the protocol sets, neither the URL's own query nor `extra` can change."""
        parts = urlsplit(self.authorization_url)
        asked = {
            **dict(parse_qsl(parts.query, keep_blank_values=True)),
            **dict(parse_qsl(self.extra, keep_blank_values=True)),
            **({"scope": self.scopes} if self.scopes else {}),
            **({"audience": self.audience} if self.audience else {}),
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_url,
            "state": state,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(asked), ""))

    def exchange(self, code: str, *, redirect_url: str, verifier: str) -> dict[str, str]:
        """The form that turns a code into tokens."""
        return {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_url, "code_verifier": verifier}

    def renewal(self, refresh_token: str) -> dict[str, str]:
        """The form that gets new tokens: by the refresh token, or by the client itself."""
        if not self.by_itself:
            return {"grant_type": "refresh_token", "refresh_token": refresh_token}
        form = {"grant_type": "client_credentials", "scope": self.scopes, "audience": self.audience}
        return {name: value for name, value in form.items() if value}

    def signed(self, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(form, headers) of a request to the token URL, with what proves which client asks."""
        headers = {"Accept": "application/json"}
        if self.client_auth == "body" or not self.client_secret:
            secret = {"client_secret": self.client_secret} if self.client_secret else {}
            return {**form, "client_id": self.client_id, **secret}, headers
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"  # encoded: RFC 6749, 2.3.1
        return form, {**headers, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def new_verifier() -> str:
    """A fresh PKCE verifier: 64 characters."""
    return secrets.token_urlsafe(VERIFIER_BYTES)


def challenge(verifier: str) -> str:
    """What the provider is shown of a verifier (S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def is_rebound(before: JsonObject, after: JsonObject) -> bool:
    """Whether a change of the fields makes it another client, or another provider. A client that gets its tokens by itself gets new
    ones after any change: nobody has to connect it again, and the old ones are of the old scopes, say."""
    return after.get("grant") == "client_credentials" or any(
        before.get(field, default) != after.get(field, default) for field, default in REBINDING.items()
    )
