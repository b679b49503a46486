"""The routes that set, renew and take away the cookie."""

from __future__ import annotations

import time

import httpx
import pytest
from aiohttp import web as server

from tests.web.conftest import ADA, answering, tokens
from web.routes import routes
from web.services import services
from web.session import Session

pytestmark = pytest.mark.usefixtures("configured")
ORIGIN = {"origin": "http://trestle.test"}


@pytest.fixture
def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=routes()), base_url="http://trestle.test")


def opened() -> Session:
    return services().sessions.open(tokens(), ADA)


async def test_a_ticket_becomes_a_cookie_once(client: httpx.AsyncClient) -> None:
    held = services().sessions
    session = opened()
    ticket = held.ticket(session)
    answer = await client.post("/auth/session", json={"ticket": ticket}, headers=ORIGIN)
    assert answer.status_code == 204
    assert "HttpOnly; SameSite=Lax" in answer.headers["set-cookie"]
    assert held.unseal(answer.cookies[held.cookie_name]) is session
    assert (await client.post("/auth/session", json={"ticket": ticket}, headers=ORIGIN)).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"ticket"'])
async def test_a_ticket_that_is_none_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    assert (await client.post("/auth/session", content=body, headers=ORIGIN)).status_code == 422


async def test_a_huge_ticket_is_not_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/auth/session", content=b"x" * 100_000, headers=ORIGIN)).status_code == 413


@pytest.mark.parametrize("path", ["session", "keep", "leave"])
async def test_other_sites_are_refused(client: httpx.AsyncClient, path: str) -> None:
    # Somebody else's page must neither sign a person in as another one, nor out.
    for headers in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert (await client.post(f"/auth/{path}", json={"ticket": "t"}, headers=headers)).status_code == 403


async def test_leaving_ends_the_session_also_without_the_backend(client: httpx.AsyncClient) -> None:
    held = services().sessions
    session = opened()
    client.cookies.set(held.cookie_name, held.seal(session))
    answer = await client.post("/auth/leave", headers=ORIGIN)
    assert answer.status_code == 204
    assert f'{held.cookie_name}=""' in answer.headers["set-cookie"]
    assert held.get(session.id) is None
    await services().backend.close()


async def test_an_open_page_keeps_the_newest_tokens_in_the_cookie(client: httpx.AsyncClient) -> None:
    held = services().sessions
    session = opened()
    client.cookies.set(held.cookie_name, held.seal(session))
    assert "set-cookie" not in (await client.post("/auth/keep", headers=ORIGIN)).headers
    session.renew(tokens(2))
    assert (await client.post("/auth/keep", headers=ORIGIN)).cookies[held.cookie_name]


async def test_a_page_is_told_when_nobody_is_signed_in_and_when_the_backend_is_away(client: httpx.AsyncClient) -> None:
    held = services().sessions
    assert (await client.post("/auth/keep", headers=ORIGIN)).status_code == 401
    session = opened()
    session.expires_at = time.time() + 10
    client.cookies.set(held.cookie_name, held.seal(session))
    assert (await client.post("/auth/keep", headers=ORIGIN)).status_code == 503
    await services().backend.close()


async def test_a_large_value_is_handed_on_as_a_file(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"0123456789" * 200_000
    asked: list[str | None] = []

    def backend(request: server.Request) -> server.Response:
        asked.append(request.headers.get("Authorization"))
        if request.path.endswith("/00000000-0000-0000-0000-000000000002"):
            headers = {"Content-Disposition": 'attachment; filename="x.bin"', "Content-Security-Policy": "sandbox"}
            return server.Response(body=body, content_type="application/pdf", headers=headers)
        return server.json_response({"title": "Not Found", "detail": "No such value."}, status=404, content_type="application/problem+json")

    held = services()
    async with answering(backend) as url:
        monkeypatch.setattr(held.backend, "_root", f"{url}/api/v1")
        path = "/values/00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-00000000000"
        assert (await client.get(path + "2")).status_code == 401
        client.cookies.set(held.sessions.cookie_name, held.sessions.seal(opened()))
        found = await client.get(path + "2")
        assert found.content == body
        assert found.headers["content-type"] == "application/pdf"
        assert found.headers["content-disposition"].startswith("attachment")
        missing = await client.get(path + "3")
        assert (missing.status_code, missing.text) == (404, "No such value.\n")
        assert asked[0] == "Bearer access-1"
        await held.backend.close()


async def test_a_workflow_is_kept_as_a_file_by_whoever_is_signed_in(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def backend(request: server.Request) -> server.Response:
        asked.append((request.path_qs, request.headers.get("Authorization")))
        if "000000000001/" in request.path:
            return server.Response(text="name: Kept\n", content_type="application/yaml")
        return server.json_response(
            {"title": "Not Found", "detail": "No such workflow."}, status=404, content_type="application/problem+json"
        )

    held = services()
    async with answering(backend) as url:
        monkeypatch.setattr(held.backend, "_root", f"{url}/api/v1")
        path = "/exports/00000000-0000-0000-0000-00000000000"
        assert (await client.get(path + "1.yaml")).status_code == 401
        assert asked == []
        client.cookies.set(held.sessions.cookie_name, held.sessions.seal(opened()))
        kept = await client.get(path + "1.yaml")
        assert (kept.status_code, kept.text) == (200, "name: Kept\n")
        assert kept.headers["content-type"].startswith("application/yaml")
        assert (kept.headers["content-disposition"], kept.headers["x-content-type-options"]) == ("attachment", "nosniff")
        missing = await client.get(path + "2.json")
        assert (missing.status_code, missing.text) == (404, "No such workflow.\n")
        assert "content-disposition" not in missing.headers
        assert (await client.get(path + "1.exe")).status_code == 404
        assert (await client.get("/exports/..%2f..%2fusers.json")).status_code == 404
        below = "/api/v1/workflows/00000000-0000-0000-0000-00000000000"
        assert asked == [(f"{below}1/export?format=yaml", "Bearer access-1"), (f"{below}2/export?format=json", "Bearer access-1")]
        await held.backend.close()
