"""A real OAuth2 authorization server on localhost (oauthlib's), with a page to agree on and an API that takes its tokens.

It demands PKCE by S256, a registered redirect address and the client's secret, gives each code and each refresh token once, and can be
told to be away, or to lose an answer after it has done its work.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus
from uuid import uuid4

import aiohttp
import jwt
import pytest
from aiohttp import web
from oauthlib.oauth2 import OAuth2Error, RequestValidator, Server

CLIENT, SECRET = "trestle-client", "canary-client-secret-9f1e"
ACCOUNT = "grace@example.com"
CANARY = "canary-token-"
"""Every token begins with it."""

_PAGE = """<!doctype html><title>Sign in</title><h1>Example provider</h1><p>May Trestle use your account?</p>
<form method="post"><button name="answer" value="yes">Allow</button> <button name="answer" value="no">Deny</button></form>"""


@dataclass
class _Code:
    redirect_uri: str
    challenge: str
    scopes: list[str]


@dataclass
class Provider(RequestValidator):  # type: ignore[misc]  # untyped base
    """What it knows, and what it was asked. `lifetime_s` of an access token; None: it says nothing of it, and gives no refresh token."""

    redirect_url: str = ""
    lifetime_s: int | None = 3600
    rotates: bool = True
    away: bool = False
    loses: bool = False
    slow_s: float = 0
    gate: asyncio.Event | None = None
    """What calls of the token URL wait for."""
    elsewhere: str = ""
    """Where the token URL redirects to."""
    url: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    """Of every call of the token URL."""
    refused_tokens: int = 0
    given: list[str] = field(default_factory=list)
    """Every token, of whatever kind."""
    revoked: list[str] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _refresh: dict[str, list[str]] = field(default_factory=dict)
    _access: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = Server(
            self,
            token_expires_in=lambda _: self.lifetime_s,
            token_generator=lambda _: self._new(),
            refresh_token_generator=lambda _: self._new(),
        )

    def _new(self) -> str:
        self.given.append(CANARY + uuid4().hex)
        return self.given[-1]

    def asked_for(self, grant: str) -> int:
        """How many calls of the token URL were of this grant."""
        return sum(form["grant_type"] == grant for form in self.forms)

    def expire(self) -> None:
        """Every access token is good no more."""
        self._access.clear()

    def forget(self) -> None:
        """Every refresh token is good no more, as if the person had withdrawn it."""
        self._refresh.clear()

    # What oauthlib asks.

    def authenticate_client(self, request: Any, *_: Any) -> bool:
        header = request.headers.get("Authorization", "")
        if header.startswith("Basic "):
            name, _colon, secret = base64.b64decode(header[6:]).decode().partition(":")
            named = (unquote_plus(name), unquote_plus(secret))
        else:
            named = (request.client_id, request.client_secret)
        request.client = self
        return named == (CLIENT, SECRET)

    client_id = CLIENT

    def authenticate_client_id(self, client_id: str, request: Any, *_: Any) -> bool:
        return False

    def validate_client_id(self, client_id: str, request: Any, *_: Any) -> bool:
        return client_id == CLIENT

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *_: Any) -> bool:
        return redirect_uri == self.redirect_url

    def validate_scopes(self, client_id: str, scopes: list[str], client: Any, request: Any, *_: Any) -> bool:
        return "forbidden" not in scopes

    def get_default_scopes(self, client_id: str, request: Any, *_: Any) -> list[str]:
        return ["read"]

    def validate_response_type(self, client_id: str, response_type: str, client: Any, request: Any, *_: Any) -> bool:
        return response_type == "code"

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return True

    def save_authorization_code(self, client_id: str, code: dict[str, str], request: Any, *_: Any) -> None:
        assert request.code_challenge_method == "S256", "nothing weaker is taken"
        self._codes[code["code"]] = _Code(request.redirect_uri, request.code_challenge, request.scopes)

    def get_code_challenge(self, code: str, request: Any) -> str:
        return self._codes[code].challenge

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        return "S256"

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *_: Any) -> bool:
        if code in self._codes:
            request.scopes = self._codes[code].scopes
        return code in self._codes

    def confirm_redirect_uri(self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any, *_: Any) -> bool:
        return redirect_uri == self._codes[code].redirect_uri

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *_: Any) -> None:
        del self._codes[code]

    def validate_grant_type(self, client_id: str, grant_type: str, client: Any, request: Any, *_: Any) -> bool:
        return grant_type in ("authorization_code", "refresh_token", "client_credentials")

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *_: Any) -> bool:
        return refresh_token in self._refresh

    def get_original_scopes(self, refresh_token: str, request: Any, *_: Any) -> list[str]:
        return self._refresh[refresh_token]

    def rotate_refresh_token(self, request: Any) -> bool:
        return self.rotates

    def save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any) -> None:
        if self.rotates:
            self._refresh.pop(request.refresh_token, None)
        if self.lifetime_s is None:
            token.pop("refresh_token", None)
            token.pop("expires_in", None)
        if refresh_token := token.get("refresh_token"):
            self._refresh[refresh_token] = list(request.scopes)
        if "openid" in request.scopes:
            token["id_token"] = jwt.encode({"sub": "7", "email": ACCOUNT}, "k" * 32, algorithm="HS256")
        self._access[token["access_token"]] = time.monotonic() + (self.lifetime_s or 3600)

    # What browsers and clients ask.

    async def agree(self, request: web.Request) -> web.Response:
        """The page, and where its buttons lead."""
        uri = str(request.url)
        try:
            scopes, known = self.server.validate_authorization_request(uri)
            if request.method == "GET":
                return web.Response(text=_PAGE, content_type="text/html")
            answer = (await request.post())["answer"]
            if answer == "no":
                refusal = f"{known['redirect_uri']}?error=access_denied&error_description=No+thanks&state={known['state']}"
                raise web.HTTPFound(refusal)
            headers, _, status = self.server.create_authorization_response(uri, scopes=scopes)
        except OAuth2Error as error:
            return web.Response(text=f"The provider says: {error.error} {error.description}", status=400)
        return web.Response(status=status, headers=headers)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """The token URL."""
        body, gate = await request.text(), self.gate
        self.forms.append(dict(parse_qsl(body)))
        await asyncio.sleep(self.slow_s)
        if gate is not None:
            await gate.wait()
        if self.elsewhere:
            return web.Response(status=307, headers={"Location": self.elsewhere})
        if self.away:
            return web.Response(status=503, text="Sorry")
        headers, answer, status = self.server.create_token_response(str(request.url), "POST", body, dict(request.headers))
        if self.loses:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status, headers=headers, text=answer)

    def revoke_token(self, token: str, token_type_hint: str, request: Any, *_: Any) -> None:
        self._refresh.pop(token, None)
        self.revoked.append(token)

    async def revoke(self, request: web.Request) -> web.Response:
        """The revocation URL."""
        if self.away:
            return web.Response(status=503, text="Sorry")
        headers, answer, status = self.server.create_revocation_response(
            str(request.url), "POST", await request.text(), dict(request.headers)
        )
        return web.Response(status=status, headers=headers, text=answer)

    async def api(self, request: web.Request) -> web.Response:
        """Who calls, for a token that is good. It tells the token back, as careless services do."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._access.get(token, 0) < time.monotonic():
            self.refused_tokens += 1
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"account": ACCOUNT, "seen": token})

    async def consent(self, url: str, answer: str = "yes") -> str:
        """What a person's browser does there; the address that it is sent back to."""
        async with aiohttp.ClientSession() as browser:
            async with browser.get(url) as page:
                assert page.status == 200, await page.text()
            async with browser.post(url, data={"answer": answer}, allow_redirects=False) as sent:
                assert sent.status == 302, await sent.text()
                return sent.headers["Location"]

    def credential(self, **data: Any) -> dict[str, Any]:
        """The body of a credential for it."""
        fields = {
            "authorization_url": f"{self.url}/authorize",
            "token_url": f"{self.url}/token",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scopes": "openid read",
            **data,
        }
        return {"name": "Example", "type": "oauth2", "data": {name: value for name, value in fields.items() if value is not None}}


@asynccontextmanager
async def provider(**options: Any) -> AsyncIterator[Provider]:
    """A running one."""
    made = Provider(**options)
    app = web.Application()
    app.router.add_route("*", "/authorize", made.agree)
    app.router.add_post("/token", made.token)
    app.router.add_post("/revoke", made.revoke)
    app.router.add_route("*", "/api/me", made.api)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        try:
            yield made
        finally:
            await runner.cleanup()
