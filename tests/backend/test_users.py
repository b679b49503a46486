"""Signing up, signing in, staying signed in."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import bcrypt
import httpx
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from backend.app import create_app
from backend.errors import Unauthorised
from backend.models import RefreshToken
from backend.services import Services
from backend.settings import Settings
from backend.users import sessions
from tests.backend.conftest import running
from tests.backend.people import PASSWORD, Person, sign_in, sign_up


async def test_the_first_user_owns_the_instance_and_later_ones_need_an_invitation(
    empty_postgres_url: str, settings: Settings, migrated: None
) -> None:
    closed = settings.model_copy(update={"database_url": empty_postgres_url, "open_registration": False})
    closed.__dict__.pop("dsn", None)
    async with running(create_app(closed)) as client:
        assert (await client.get("/api/v1/users/registration")).json() == {"first": True, "open": True}
        bodies = [{"email": f"{n}@example.com", "password": PASSWORD, "name": "N"} for n in range(3)]
        answers = await asyncio.gather(*(client.post("/api/v1/users/register", json=body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [201, 403, 403]
        first = next(answer.json() for answer in answers if answer.status_code == 201)
        assert first["role"] == "owner"
        assert (await client.get("/api/v1/users/registration")).json() == {"first": False, "open": False}
        owner = Person(client, first["id"], first["email"], (await sign_in(client, first["email"])).json())
        invitation = await owner.post("/users/invitations", json={"email": "eve@example.com", "role": "member"})
        assert invitation["token"] in invitation["url"]
        token = {"invitation_token": invitation["token"]}
        wrong = await client.post("/api/v1/users/register", json={**bodies[1], **token})
        assert wrong.status_code == 403
        eve = await sign_up(client, email="eve@example.com", **token)
        assert (await eve.get("/users/me"))["role"] == "member"
        again = await client.post("/api/v1/users/register", json={**bodies[1], "email": "EVE@example.com", **token})
        assert again.status_code == 409

        await eve.get("/users", expect=403)
        assert [user["id"] for user in (await eve.get("/users", params={"email": first["email"].upper()}))["items"]] == [owner.id]
        assert (await eve.get("/users", params={"email": "example.com"}))["items"] == []
        await eve.post("/users/invitations", expect=403, json={"email": "x@example.com"})
        await eve.patch(f"/users/{owner.id}", expect=404, json={"active": False})
        assert [user["id"] for user in (await owner.get("/users"))["items"]] == [eve.id, owner.id]
        await owner.patch(f"/users/{owner.id}", expect=409, json={"role": "member"})
        await owner.patch(f"/users/{eve.id}", json={"active": False})
        await eve.get("/users/me", expect=401)
        assert (await sign_in(client, "eve@example.com")).status_code == 401


@pytest.fixture
def migrated(empty_postgres_url: str) -> None:
    """Makes the empty database one with tables."""
    from tests import servers

    servers.migrate(empty_postgres_url)


async def test_what_can_not_be_registered(client: httpx.AsyncClient) -> None:
    good = {"email": "a@example.com", "password": PASSWORD, "name": "A"}
    for bad in (
        {"email": "nobody"},
        {"password": "short"},
        {"password": "x" * 73},
        {"password": "ü" * 37},
        {"role": "owner"},
        {"name": ""},
    ):
        answer = await client.post("/api/v1/users/register", json={**good, **bad})
        assert answer.status_code == 422, bad
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"][0]["loc"] == list(bad)
    answer = await client.post("/api/v1/users/register", json={**good, "name": "a\u0000b"})
    assert answer.status_code == 422


async def test_me(ada: Person) -> None:
    me = await ada.get("/users/me")
    assert me["email"] == ada.email
    assert "password_hash" not in me
    assert (await ada.patch("/users/me", json={"name": "Ada"}))["name"] == "Ada"
    await ada.patch("/users/me", expect=422, json={"role": "owner"})


async def test_a_refresh_token_rotates_and_reuse_ends_its_family(client: httpx.AsyncClient, ada: Person) -> None:
    async def refresh(token: str) -> httpx.Response:
        return await client.post("/api/v1/users/refresh", json={"refresh_token": token})

    first = ada.tokens["refresh_token"]
    second = (await refresh(first)).json()["refresh_token"]
    third = (await refresh(second)).json()["refresh_token"]
    assert (await refresh(first)).status_code == 401, "a spent token"
    assert (await refresh(third)).status_code == 401, "its family ended"
    other = (await sign_in(client, ada.email)).json()
    racing = await asyncio.gather(*(refresh(other["refresh_token"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in racing) == [200, 401, 401, 401, 401]


async def test_a_session_that_is_renewed_while_it_ends_is_over(services: Services, ada: Person) -> None:
    token = ada.tokens["refresh_token"]
    async with services.database.session() as session:
        await sessions._hold_user(session, token)
        family = await session.scalar(select(RefreshToken.family).where(RefreshToken.user_id == UUID(ada.id)))
        assert family is not None
        renewed = sessions._tokens(services, session, UUID(ada.id), family)
        await session.flush()
        leaving = asyncio.create_task(sessions.sign_out(services, token))
        await asyncio.wait([leaving], timeout=0.3)
    await leaving
    with pytest.raises(Unauthorised):
        await sessions.refresh(services, renewed.refresh_token)


async def test_log_out_ends_the_session(client: httpx.AsyncClient, ada: Person) -> None:
    token = {"refresh_token": ada.tokens["refresh_token"]}
    assert (await client.post("/api/v1/users/logout", json=token)).status_code == 204
    assert (await client.post("/api/v1/users/refresh", json=token)).status_code == 401
    assert "ended" in (await ada.get("/users/me", expect=401))["detail"]


async def test_a_new_password_ends_every_session(client: httpx.AsyncClient, ada: Person) -> None:
    wrong = {"current_password": "not this one", "new_password": "another one"}
    await ada.post("/users/me/password", expect=422, json=wrong)
    await ada.post("/users/me/password", expect=204, json={**wrong, "current_password": PASSWORD})
    old = await client.post("/api/v1/users/refresh", json={"refresh_token": ada.tokens["refresh_token"]})
    assert old.status_code == 401
    assert (await sign_in(client, ada.email)).status_code == 401
    assert (await sign_in(client, ada.email, "another one")).status_code == 200


async def test_log_in_backs_off_and_tells_nothing(client: httpx.AsyncClient, ada: Person, backoff_at_rest: None) -> None:
    for email in (ada.email, "nobody@example.com"):
        answers = [await sign_in(client, email, "wrong" * n) for n in range(1, 7)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert answers[0].json() == (await sign_in(client, "other@example.com", "wrong")).json()
    assert (await sign_in(client, ada.email)).status_code == 429, "the right password waits, too"


async def test_each_log_in_costs_one_check(client: httpx.AsyncClient, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        checked.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    for email, password in ((ada.email, "wrong"), ("unheard@example.com", "wrong"), (ada.email, "x" * 100), (ada.email, PASSWORD)):
        checked.clear()
        await sign_in(client, email, password)
        assert len(checked) == 1
        assert checked[0].startswith(b"$2b$04$")


@pytest.mark.parametrize(
    "trick", ["", "none", "other key", "expired", "audience", "issuer", "no jti", "HS512", "not a user", "no session", "no such session"]
)
async def test_a_token_that_is_not_quite_right(client: httpx.AsyncClient, ada: Person, keys: dict[str, str], trick: str) -> None:
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "sub": ada.id,
        "aud": "trestle-api",
        "iss": "trestle",
        "iat": now,
        "exp": now + timedelta(hours=1),
        "jti": "x",
        "sid": jwt.decode(ada.tokens["access_token"], options={"verify_signature": False})["sid"],
    }
    key, algorithm = keys["TRESTLE_SECRET_KEY"], "HS256"
    if trick == "none":
        algorithm, key = "none", ""
    elif trick == "HS512":
        algorithm = "HS512"
    elif trick == "other key":
        key = "k" * 40
    elif trick == "no jti":
        del claims["jti"]
    else:
        tricks: dict[str, dict[str, Any]] = {
            "expired": {"exp": now - timedelta(seconds=1)},
            "audience": {"aud": "trestle-internal"},
            "issuer": {"iss": "x"},
            "not a user": {"sub": "x"},
            "no session": {"sid": None},
            "no such session": {"sid": str(uuid4())},
        }
        claims |= tricks.get(trick, {})
    ada.tokens = {"access_token": jwt.encode(claims, key, algorithm=algorithm)}
    await ada.get("/users/me", expect=401 if trick else 200)


async def test_projects_and_their_members(app: FastAPI, ada: Person, bob: Person) -> None:
    personal = (await ada.get("/projects"))["items"]
    assert [(project["personal"], project["role"]) for project in personal] == [(True, "admin")]
    await ada.delete(f"/projects/{personal[0]['id']}", expect=409)
    await ada.call("PUT", f"/projects/{personal[0]['id']}/members/{bob.id}", expect=409, json={"role": "viewer"})

    project = await ada.post("/projects", json={"name": "Team"})
    path = f"/projects/{project['id']}"
    await bob.get(path, expect=404)
    await ada.call("PUT", f"{path}/members/{bob.id}", json={"role": "viewer", "labels": ["sales"]})
    assert {member["user_id"] for member in (await bob.get(path))["members"]} == {ada.id, bob.id}
    await bob.patch(path, expect=403, json={"name": "Mine"})
    assert (await ada.patch(path, json={"name": "Ours"}))["name"] == "Ours"
    await ada.delete(f"{path}/members/{ada.id}", expect=409)
    await bob.delete(f"{path}/members/{bob.id}")
    await bob.get(path, expect=404)
    await ada.delete(path)
    await ada.get(path, expect=404)


async def test_signing_out_everywhere_else_keeps_this_session(client: httpx.AsyncClient, ada: Person) -> None:
    elsewhere = (await sign_in(client, ada.email)).json()
    there = {"Authorization": f"Bearer {elsewhere['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=there)).status_code == 200
    await ada.post("/users/me/sessions/end", expect=204, json={"refresh_token": ada.tokens["refresh_token"]})
    ended = await client.post("/api/v1/users/refresh", json={"refresh_token": elsewhere["refresh_token"]})
    kept = await client.post("/api/v1/users/refresh", json={"refresh_token": ada.tokens["refresh_token"]})
    assert (ended.status_code, kept.status_code) == (401, 200)
    assert (await client.get("/api/v1/users/me", headers=there)).status_code == 401  # at once, not when its access token ends
    await ada.get("/users/me")
