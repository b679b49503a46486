"""The layer around Reflex: who gets which page, whose socket it is, and the headers on every answer."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import Receive, Scope, Send

from web.middleware import Gate, bound_token
from web.session import Session, Sessions

SCRIPT = "window.x = 1"


async def reflex(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for Reflex: pages, and an event path that tells what it was given."""
    request = Request(scope, receive)
    if scope["path"].startswith("/_event"):
        await JSONResponse({"headers": dict(request.headers), "query": dict(request.query_params)})(scope, receive, send)
    else:
        await HTMLResponse(f"<p>{scope['path']}</p><script>{SCRIPT}</script><script src='/a.js'></script>")(scope, receive, send)


@pytest.fixture
def client(sessions: Sessions) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=Gate(reflex, sessions)), base_url="http://trestle.test")


def cookie(sessions: Sessions, session: Session) -> dict[str, str]:
    return {sessions.cookie_name: sessions.seal(session)}


async def test_who_is_not_signed_in_is_led_to_the_door_and_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/executions?status=failed")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/executions%3Fstatus%3Dfailed")
    assert (await client.get("/")).headers["location"] == "/sign-in"
    assert (await client.get("/sign-in")).text.startswith("<p>/sign-in/</p>")


async def test_who_is_signed_in_sees_pages_and_no_door(client: httpx.AsyncClient, sessions: Sessions, session: Session) -> None:
    client.cookies.update(cookie(sessions, session))
    assert (await client.get("/workflows")).status_code == 200
    assert (await client.get("/sign-in")).headers["location"] == "/workflows"
    sessions.end(session)
    assert (await client.get("/workflows")).status_code == 303


async def test_a_page_runs_the_scripts_it_was_built_with_and_no_other(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/sign-in")).headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    directives = {part.split()[0]: part.split()[1:] for part in policy.split(";")}
    assert directives["script-src"] == ["'self'", "'unsafe-eval'", f"'sha256-{digest}'"]
    assert directives["frame-ancestors"] == directives["object-src"] == ["'none'"]


@pytest.mark.parametrize("path", ["/sign-in", "/workflows", "/assets/index.js", "/assets/reflex-env-x.js", "/_event/?EIO=4"])
async def test_every_answer_carries_the_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_one_build_serves_every_address(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/reflex-env-CMiQY6cd.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "location.origin" in answer.text


async def test_new_tokens_reach_the_cookie_with_the_next_page(client: httpx.AsyncClient, sessions: Sessions, session: Session) -> None:
    client.cookies.update(cookie(sessions, session))
    assert "set-cookie" not in (await client.get("/workflows")).headers
    session.generation += 1
    assert (await client.get("/workflows")).headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax")
    assert "set-cookie" not in (await client.get("/workflows")).headers


async def test_behind_tls_the_cookie_is_secure(client: httpx.AsyncClient, sessions: Sessions, session: Session) -> None:
    client.cookies.update(cookie(sessions, session))
    session.generation += 1
    answer = await client.get("/workflows", headers={"x-forwarded-proto": "https"})
    assert answer.headers["set-cookie"].endswith("; Secure")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in (await client.get("/workflows")).headers


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://trestle.test.evil.example", "http://trestle.test:81"])
async def test_the_event_socket_is_for_own_pages_only(client: httpx.AsyncClient, origin: str) -> None:
    answer = await client.get("/_event/", headers={"origin": origin} if origin else {})
    assert answer.status_code == 403


async def test_reflex_hears_whose_socket_it_is_and_never_sees_the_cookie(
    client: httpx.AsyncClient, sessions: Sessions, session: Session
) -> None:
    async def seen(**headers: str) -> dict[str, Any]:
        answer = await client.get("/_event/?token=tab&EIO=4", headers={"origin": "http://trestle.test", **headers})
        given: dict[str, Any] = answer.json()
        return given

    stranger = await seen(authorization=session.id)
    assert "authorization" not in stranger["headers"]
    assert stranger["query"] == {"token": bound_token("tab", "nobody"), "EIO": "4"}
    client.cookies.update(cookie(sessions, session))
    owner = await seen()
    assert owner["headers"]["authorization"] == session.id
    assert "cookie" not in owner["headers"]
    # The same tab's state is another one for another person.
    assert owner["query"]["token"] == bound_token("tab", session.id) != stranger["query"]["token"]
