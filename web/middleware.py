"""The ASGI layer around Reflex: whose event socket this is, one bundle for every address, and headers on every answer."""

import base64
import hashlib
import hmac
import re
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.session import COOKIE_DAYS, Session, Sessions

EVENT_PATH = "/_event"
SESSION_HEADER = "authorization"
"""Carries the session's id from here to Reflex. Reflex counts this header among those that it never shows to the browser."""

_ENDPOINTS = {"PING": "ping", "UPLOAD": "_upload", "AUTH_CODESPACE": "auth-codespace", "HEALTH": "_health", "ALL_ROUTES": "_all_routes"}
ENVIRONMENT_JS = (
    "const o=location.origin;var e={EVENT:o.replace(/^http/,'ws')+'/_event',"
    + ",".join(f"{name}:o+'/{path}'" for name, path in _ENDPOINTS.items())
    + ",TRANSPORT:'websocket',TEST_MODE:false};export{e as t};"
)
"""Stands in for the bundle's module with the addresses of the build, so that one build works wherever it is served from."""

PUBLIC_PAGES = ("/sign-in", "/sign-up")
"""Pages for people who are not signed in. Every other page sends them to the first of these."""
FIRST_PAGE = "/workflows"
OPEN_PATHS = ("/auth/", "/values/", "/exports/", "/ping", "/_health")

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def content_security_policy(page: bytes = b"") -> str:
    """The policy for one page. Its inline scripts are those of the build, and are named by their hashes.

    'unsafe-eval' is there because Reflex runs the handlers that the server sends (toasts, focus) by `eval`; inline styles because
    Radix and emotion make them. Scripts from anywhere else, and scripts injected into the page, do not run. Forms are the scripts'
    alone: one that the browser sent by itself, before they have come, would put a password into an address.
    """
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in _INLINE_SCRIPT.findall(page)]
    scripts = " ".join(["'self'", "'unsafe-eval'", *dict.fromkeys(hashes)])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def same_origin(headers: Headers) -> bool:
    """Whether the request comes from a page of this very address, by its `Origin`. Browsers send it on sockets and on every POST."""
    origin = urlsplit(headers.get("origin", ""))
    return origin.scheme in ("http", "https") and bool(origin.netloc) and origin.netloc == headers.get("host", "")


def cookie_of(headers: Headers, name: str) -> str:
    """The value of a cookie; empty where there is none."""
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def session_of(headers: Headers, sessions: Sessions) -> Session | None:
    """Whose request this is, by its cookie."""
    cookie = cookie_of(headers, sessions.cookie_name)
    return sessions.unseal(cookie) if cookie else None


def by_tls(headers: Headers, scheme: str) -> bool:
    """Whether the browser came by https, also through a proxy that ends TLS before this process."""
    return scheme == "https" or headers.get("origin", "").startswith("https://") or headers.get("x-forwarded-proto") == "https"


def set_cookie(to: MutableHeaders, asked_with: Headers, scheme: str, sessions: Sessions, session: Session) -> None:
    """Put the session's cookie into an answer, `Secure` where the browser came by https."""
    value = f"{sessions.cookie_name}={sessions.seal(session)}; Path=/; Max-Age={COOKIE_DAYS * 86_400}; HttpOnly; SameSite=Lax"
    to.append("Set-Cookie", value + "; Secure" if by_tls(asked_with, scheme) else value)


def bound_token(token: str, session_id: str) -> str:
    """The name under which Reflex keeps a tab's state: the tab's own token, tied to the session it is used in.

    So a tab's token is of no use to anybody else, and nothing of the last person's state is there for the next one.
    """
    return hmac.new(session_id.encode(), token.encode(), hashlib.sha256).hexdigest()


class Gate:
    """Wraps Reflex's ASGI application."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(EVENT_PATH):
            await self._event(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _event(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not same_origin(headers):
            if scope["type"] == "http":
                answer = PlainTextResponse("This address is for Trestle's own pages.\n", status_code=403)
                await answer(scope, receive, _with_headers(scope, send))
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        session = session_of(headers, self._sessions)
        kept = [(name, value) for name, value in scope["headers"] if name not in (b"cookie", SESSION_HEADER.encode())]
        if session is not None:
            kept.append((SESSION_HEADER.encode(), session.id.encode()))
        owner = session.id if session else "nobody"
        query = [(k, bound_token(v, owner) if k == "token" else v) for k, v in parse_qsl(scope["query_string"].decode("latin-1"))]
        await self._app({**scope, "headers": kept, "query_string": urlencode(query).encode()}, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith("/assets/reflex-env-") and path.endswith(".js"):
            await Response(ENVIRONMENT_JS, media_type="text/javascript", headers={"Cache-Control": "no-cache"})(
                scope, receive, _with_headers(scope, send)
            )
        elif "." in path.rsplit("/", 1)[-1] or scope["method"] != "GET" or path.startswith(OPEN_PATHS):
            await self._app(scope, receive, _with_headers(scope, send))
        else:
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope)
        path, query = scope["path"].rstrip("/") or "/", scope["query_string"].decode("latin-1")
        session = session_of(asked, self._sessions)
        if session is None and path not in PUBLIC_PAGES:
            target = quote(f"{path}?{query}" if query else path, safe="/")
            away = RedirectResponse(PUBLIC_PAGES[0] if path == "/" else f"{PUBLIC_PAGES[0]}?next={target}", status_code=303)
            await away(scope, receive, _with_headers(scope, send))
            return
        if session is not None and path in ("/", *PUBLIC_PAGES):
            await RedirectResponse(FIRST_PAGE, status_code=303)(scope, receive, _with_headers(scope, send))
            return
        # The page is wanted whole and uncompressed, for the hashes of its scripts go into its header.
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"accept-encoding", b"if-none-match", b"if-modified-since")]
        sender = _PageSender(scope, send)
        if session is not None and session.generation != session.sealed_generation:
            set_cookie(sender.extra, asked, scope["scheme"], self._sessions, session)
        # A prerendered page lies in a folder of its name; asked for without the slash, it would be a redirect first.
        inner = path if path == "/" else f"{path}/"
        await self._app({**scope, "headers": kept, "path": inner, "raw_path": quote(inner).encode()}, receive, sender)


def _guard(headers: MutableHeaders, scope: Scope, policy: str) -> None:
    if by_tls(Headers(scope=scope), scope["scheme"]):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers["Content-Security-Policy"] = policy
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=()"


def _with_headers(scope: Scope, send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            # A file that somebody's workflow fetched comes with a stricter one.
            _guard(headers, scope, headers.get("Content-Security-Policy") or content_security_policy())
        await send(message)

    return guarded


class _PageSender:
    """Holds a page back until it is whole, then sends it with the policy that fits it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._start: Message = {}
        self._body = b""
        self.extra = MutableHeaders()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        headers = MutableHeaders(scope=self._start)
        if headers.get("content-type", "").startswith("text/html"):
            headers["Cache-Control"] = "no-cache"
        for name, value in self.extra.items():
            headers.append(name, value)
        _guard(headers, self._scope, content_security_policy(self._body))
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": self._body})
