"""Whatever is wrong with what comes in: an answer that says what to do, and nothing lost or changed."""

from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.api import Api, Refused
from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home


@pytest.fixture(scope="module")
def standing(migrated_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One Trestle for all of these tests: none of them breaks it."""
    with running(migrated_home, tmp_path_factory.mktemp("bad-input") / "home") as stack:
        yield stack


@pytest.fixture
async def api(standing: Stack) -> AsyncIterator[Api]:
    """The one user, signed in."""
    async with Api(standing.backend_url) as api:
        try:
            await api.sign_up()
        except Refused:
            await api.log_in()
        yield api


@pytest.fixture
def hook() -> dict[str, Any]:
    """A webhook node on a path of this test's own."""
    return {"key": "hook", "type": "trigger.webhook", "config": {"path": uuid4().hex}}


def says(problem: Any, *words: str) -> None:
    """The problem is in the one shape, and its texts hold these words."""
    assert {"type", "title", "status", "detail"} <= problem.keys()
    text = " ".join([problem["detail"], *(error["message"] for error in problem.get("errors", []))])
    assert problem["detail"].strip()
    for word in words:
        assert word in text, f"“{word}” is not in: {text}"
    for word in ("Traceback", "asyncpg", "sqlalchemy", "pydantic"):
        assert word not in text


def step(key: str, kind: str = "set", **config: Any) -> dict[str, Any]:
    """A node."""
    return {"key": key, "type": kind, "config": config or {"fields": {}}}


async def test_a_cycle_is_refused_and_the_draft_stays(api: Api, hook: dict[str, Any]) -> None:
    draft = await api.workflow([hook, step("a"), step("b")], [("hook", "a"), ("a", "b")], live=False)
    with pytest.raises(Refused) as refused:
        await api.call("POST", f"/workflows/{draft['id']}/connections", json={"source": "b", "target": "a"})
    assert refused.value.status == 422
    says(refused.value.problem, "cycle")
    with pytest.raises(Refused) as refused:
        await api.workflow([step("a"), step("b")], [("a", "b"), ("b", "a")], live=False)
    assert refused.value.status == 422
    says(refused.value.problem, "cycle")
    assert (await api.call("GET", f"/workflows/{draft['id']}"))["connections"] == draft["connections"]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (step("odd", "no.such_type"), ("no.such_type",)),
        (step("odd", "http.request", method="POST"), ("url",)),
        (step("odd", "http.request", method="TELEPORT", url="https://example.com"), ("method",)),
        (step("odd", "set", fields={"x": "{{ payload.n + }}"}), ("fields",)),
        (step("odd", "set", fields={"x": "{{ nodes.nobody.n }}"}), ("nobody",)),
        (step("odd", "filter", condition={"no_such_operator": [1, 2]}), ("no_such_operator",)),
    ],
    ids=["unknown type", "missing field", "wrong choice", "syntax", "unknown node", "unknown operator"],
)
async def test_publish_names_the_node_and_the_field(api: Api, hook: dict[str, Any], node: dict[str, Any], words: tuple[str, ...]) -> None:
    draft = await api.workflow([hook, node], [("hook", "odd")], live=False)
    assert [problem["node"] for problem in draft["problems"]] == ["odd"]
    with pytest.raises(Refused) as refused:
        await api.call("POST", f"/workflows/{draft['id']}/publish", json={})
    assert refused.value.status == 422
    assert {error["node"] for error in refused.value.problem["errors"]} == {"odd"}
    says(refused.value.problem, *words)
    with pytest.raises(Refused) as refused:
        await api.call("PATCH", f"/workflows/{draft['id']}", json={"enabled": True})
    assert refused.value.status == 422
    assert (await api.call("GET", f"/workflows/{draft['id']}"))["published_version"] is None


async def test_an_undefined_name_fails_the_step_and_says_what_exists(api: Api, hook: dict[str, Any]) -> None:
    await api.workflow([hook, step("greet", "set", fields={"text": "Hi {{ payload.nmae }}"})], [("hook", "greet")])
    execution = await api.finished(await api.post_webhook(hook["config"]["path"], {"name": "Ada"}))
    assert execution["status"] == "failed"
    error = execution["error"]
    assert error["node"] == "greet"
    text = f"{error['message']} {error['hint']}"
    for word in ("nmae", "name", "text"):
        assert word in text, text
    assert execution["input"] == {"name": "Ada"}, "the input is kept, so that it can be run again"


async def test_webhook_bodies_that_cannot_be_taken(api: Api, hook: dict[str, Any]) -> None:
    workflow = await api.workflow([hook, step("keep", "set", fields={"got": "{{ payload }}"})], [("hook", "keep")])
    caller = Api(api.url)
    async with caller:
        json_type = {"Content-Type": "application/json"}
        for body, words in [
            (b"this is not json", ("JSON",)),
            (b'{"a": NaN}', ("JSON",)),
            (b'{"a": 1, "a": 2}', ("a",)),
            (b"[" * 200 + b"]" * 200, ("deep",)),
        ]:
            status, problem, headers = await caller.raw("POST", f"/webhooks/{hook['config']['path']}", data=body, headers=json_type)
            assert status in (400, 422), (body[:20], status)
            assert headers["Content-Type"].startswith("application/problem+json")
            says(problem, *words)
        status, problem, _ = await caller.raw(
            "POST", f"/webhooks/{hook['config']['path']}", data=BytesIO(b'"' + b"x" * (11 * 2**20) + b'"'), headers=json_type
        )
        assert status == 413
        says(problem, "MB")
        assert (await caller.raw("POST", "/webhooks/nowhere", json={}))[0] == 404
        assert (await caller.raw("DELETE", f"/webhooks/{hook['config']['path']}"))[0] == 405
        odd = {"nul": "a\u0000b", "braces": "{{ 7 * 7 }}", "big": 12345678901234567890, "text": "Grüße ✓"}
        execution = await api.finished(await caller.post_webhook(hook["config"]["path"], odd))
        assert execution["output"] == {"got": odd}, "what is taken arrives as it was sent, and data is never evaluated"
    page = await api.call("GET", f"/workflows/{workflow['id']}/executions")
    assert len(page["items"]) == 1, "what was refused started nothing"


async def test_tokens_revisions_and_other_peoples_ids(api: Api, hook: dict[str, Any]) -> None:
    draft = await api.workflow([hook], [], live=False)
    path = f"/workflows/{draft['id']}"
    graph = {"nodes": [hook, step("a")], "connections": []}
    status, problem, _ = await api.raw("PUT", f"/api/v1{path}/graph", json=graph)
    assert status == 428
    says(problem, "If-Match")
    saved = await api.call("PUT", f"{path}/graph", json=graph, headers={"If-Match": str(draft["revision"])})
    status, problem, _ = await api.raw(
        "PUT", f"/api/v1{path}/graph", json={"nodes": [], "connections": []}, headers={"If-Match": str(draft["revision"])}
    )
    assert status == 412
    says(problem, str(saved["revision"]))
    assert len((await api.call("GET", path))["nodes"]) == 2
    token, api.token = api.token, "ey.not.a-token"
    for bad in ("ey.not.a-token", None):
        api.token = bad
        status, problem, headers = await api.raw("GET", f"/api/v1{path}")
        assert status == 401
        assert headers["Content-Type"].startswith("application/problem+json")
    api.token = token
    with pytest.raises(Refused) as refused:
        await api.call("POST", "/workflows", json={"name": "x", "colour": "red"})
    assert refused.value.status == 422
    says(refused.value.problem, "colour")


async def test_guessing_a_password_is_slowed_down_by_address(api: Api) -> None:
    wrong = {"username": "ada@example.com", "password": "a guess at it"}
    async with Api(api.url) as caller:
        # As a proxy on this machine (the web interface, for one) tells for whom it asks.
        guesser, other = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}
        answers = [await caller.raw("POST", "/api/v1/users/login", data=wrong, headers=guesser) for _ in range(7)]
        assert [status for status, _, _ in answers[:5]] == [401] * 5
        status, problem, headers = answers[-1]
        assert status == 429
        assert int(headers["Retry-After"]) > 0
        says(problem, "again")
        status, _, _ = await caller.raw("POST", "/api/v1/users/login", data=wrong, headers=other)
        assert status == 401, "somebody at another address is not kept out"
