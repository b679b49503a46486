"""What holds for every request: JSON, sizes, headers, errors, settings."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from fastapi import Depends, FastAPI

from backend.app import create_app
from backend.deps import Session, public
from backend.models import Project
from backend.routing import check_permissions
from backend.routing import router as new_router
from backend.settings import Settings, SettingsError
from tests.backend.conftest import running
from tests.backend.people import Person


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of an error in the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body.keys() == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 422, "required"),
        (b"this is not json", 400, "not valid JSON"),
        (b'{"name": NaN}', 400, "NaN"),
        (b'{"name": -Infinity}', 400, "JSON"),
        (b'{"name": "a", "name": "b"}', 422, '"name"'),
        (b"[" * 101 + b"]" * 101, 422, "deeper than 100"),
        (b"[" * 100_000, 422, "deeper than 100"),
        (b'{"name": "a", "nodes": [{"key": "a", "type": "set", "config": {"x": 1e400}}]}', 422, "1.8e308"),
        (b'{"name": "a", "nodes": [{"key": "a", "type": "set", "config": {"x": ' + b"9" * 400 + b"}}]}", 422, "1.8e308"),
        (b"[1, 2]", 422, "object"),
        (b'{"name": "a", "colour": "red"}', 422, "colour"),
        (b'{"name": "\xff"}', 400, "JSON"),
    ],
)
async def test_json_is_read_strictly(ada: Person, body: bytes, status: int, says: str) -> None:
    answer = await ada.send("POST", "/workflows", content=body, headers={"Content-Type": "application/json"})
    assert says in problem(answer, status)["detail"]


async def test_what_json_can_say_stays_as_it_was(ada: Person) -> None:
    value = {"z": [1.5, -0.1, 12345678901234567890, "\u0000 ✓ 😀", None, {"": {"a": "{{"}}], "a": "9" * 400 + " 1e400"}
    node = {"key": "a", "type": "set", "config": value}
    made = await ada.post("/workflows", json={"name": "W", "nodes": [node]})
    stored = (await ada.get(f"/workflows/{made['id']}"))["nodes"][0]["config"]
    assert json.dumps(stored) == json.dumps(value)
    deep: Any = 1
    for _ in range(96):
        deep = [deep]
    await ada.post("/workflows", json={"name": "W", "nodes": [{**node, "config": {"x": deep}}]})


@pytest.mark.parametrize("number", [2**31, 2**63, 2**70])
async def test_numbers_that_no_column_holds(ada: Person, number: int) -> None:
    made = await ada.post("/workflows", json={"name": "W"})
    path = f"/workflows/{made['id']}"
    for method, at, body in [
        ("GET", f"/versions/{number}", None),
        ("GET", f"/versions/{number}/diff/1", None),
        ("POST", f"/versions/{number}/restore", None),
        ("POST", "/execute", {"version": number}),
    ]:
        answer = await ada.send(method, path + at, **({"json": body} if body else {}))
        assert "too large" in problem(answer, 422)["detail"]
    assert (await ada.get("/executions?since=0001-01-01T00:00:00%2B23:59"))["items"] == [], "since ever"


async def test_yaml_holds_no_half_characters(ada: Person) -> None:
    for text in (r'name: "\ud800"', r'"\ud800": 1'):
        answer = await ada.send("POST", "/workflows/import", content=text, headers={"Content-Type": "application/yaml"})
        assert "not valid YAML" in problem(answer, 400)["detail"]


async def test_what_is_wrong_with_a_yaml_text_is_said_with_its_place(ada: Person) -> None:
    broken = "name: Orders\nnodes: [one, {two\n"
    answer = await ada.send("POST", "/workflows/import", content=broken, headers={"Content-Type": "application/yaml"})
    said = "This is not valid YAML. Line 3, column 1: expected ',' or '}', but got '<stream end>'."
    assert problem(answer, 400)["detail"] == said


async def test_a_body_is_counted_while_it_streams_in(ada: Person) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 1_000_000

    for path in ("/workflows", "/workflows/import"):
        sent = 0
        answer = await ada.send("POST", path, content=endless(), headers={"Content-Type": "application/json"})
        assert "10 MB" in problem(answer, 413)["detail"]
    form = await ada.client.post(
        "/api/v1/users/login", content=b"username=" + b"a" * 11_000_000, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert form.status_code in (400, 413)


async def test_errors_of_the_framework_have_the_same_shape(client: httpx.AsyncClient, ada: Person) -> None:
    problem(await client.get("/nope"), 404)
    answer = await client.put("/api/v1/workflows")
    assert "Allow" in problem(answer, 405)["detail"]
    problem(await ada.send("GET", "/workflows/not-an-id"), 422)
    answer = await client.get("/api/v1/workflows")
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_answer_carries_the_headers(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/nope", "/docs", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "/api/v1/workflows" in (await client.get("/openapi.json")).json()["paths"]


def test_a_route_without_a_permission_stops_the_start() -> None:
    app = FastAPI()
    router = new_router(tag="x")

    @router.get("/open")
    async def open_to_all() -> None: ...

    app.include_router(router, prefix="/api")
    with pytest.raises(RuntimeError, match="/api/open"):
        check_permissions(app)


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """A new application lets everything log to where stderr leads just then: here to what ends with the test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


async def test_what_nobody_expected_has_an_id_and_stores_nothing(
    settings: Settings, capsys: pytest.CaptureFixture[str], logs_as_before: None
) -> None:
    app = create_app(settings)
    router = new_router(tag="x")

    @router.post("/explode", dependencies=[Depends(public)])
    async def explode(session: Session, secret: str) -> None:
        session.add(Project(name="half done"))
        await session.flush()
        raise ZeroDivisionError(secret[:0])

    @router.post("/beaten", dependencies=[Depends(public)])
    async def beaten() -> None:
        raise asyncpg.DeadlockDetectedError("deadlock detected")

    app.include_router(router)
    async with running(app) as client:
        answer = await client.post("/explode?secret=hunter2")
        detail = problem(answer, 500)["detail"]
        reference = detail.split("reference ")[1].split(":")[0]
        logged = capsys.readouterr().err
        assert reference in logged
        assert "ZeroDivisionError" in logged
        assert "hunter2" not in logged
        found = await app.state.services.database.hot.fetchval("select count(*) from projects where name = 'half done'")
        assert found == 0
        answer = await client.post("/beaten")
        assert "Send again" in problem(answer, 503)["detail"]
        assert answer.headers["Retry-After"]


async def test_health(client: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert "executor" in problem(await client.get("/readyz"), 503)["detail"]
    assert (await client.get("/readyz?for=traffic")).status_code == 200
    await app.state.services.database.hot.execute("insert into executors (name, catalogue) values ('x', '[]')")
    assert (await client.get("/readyz")).status_code == 200


async def test_ready_for_traffic_while_redis_is_away(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with running(create_app(away)) as client:
        assert "queue" in problem(await client.get("/readyz"), 503)["detail"]
        assert (await client.get("/readyz?for=traffic")).status_code == 200


GOOD = {
    "DATABASE_URL": "postgresql+asyncpg://u:p@h/d",
    "REDIS_URL": "redis://h",
    "TRESTLE_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    "TRESTLE_EXECUTOR_KEY": "zyxwvutsrqponmlkjihgfedcba9876543210",
    "TRESTLE_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///x"),
        ("DATABASE_URL", None),
        ("REDIS_URL", "http://h"),
        ("TRESTLE_SECRET_KEY", "tiny"),
        ("TRESTLE_SECRET_KEY", "a" * 64),
        ("TRESTLE_SECRET_KEY", "changeme-0123456789-abcdefghijklmnop"),
        ("TRESTLE_SECRET_KEY", None),
        ("TRESTLE_EXECUTOR_KEY", "tiny"),
        ("TRESTLE_ENCRYPTION_KEYS", "not-a-key-0123456789"),
        ("TRESTLE_ENCRYPTION_KEYS", ""),
        ("TRESTLE_ENCRYPTION_KEYS", "A" * 43 + "="),
    ],
)
def test_a_bad_setting_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    for key, good in GOOD.items():
        monkeypatch.setenv(key, good)
    assert Settings.read().dsn == "postgresql://u:p@h/d"
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        Settings.read()
    assert name in str(refused.value)
    assert not value or value not in str(refused.value)
