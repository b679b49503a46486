"""Resume addresses and approvals, against a backend whose executor a test plays by hand."""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from backend.settings import Settings
from backend.waits import pages
from backend.waits.links import links
from backend.waits.service import Question
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step
from trestle.contracts.resume_tokens import Bearer, resume_key, token

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ASKED = {"deadline": "2030-05-01T12:00:00+00:00", "title": "Refund <b>7</b>?", "message": "{{ 7*7 }}\n<script>alert(1)</script>"}


def path(settings: Settings, execution_id: str, node: str = "name", kind: str = "approval", item: int | None = None) -> str:
    """The address of a step's wait."""
    found = links(settings, UUID(execution_id), node, item, kind)
    return str(next(iter(found.values()))).removeprefix(settings.base_url).partition("?")[0]


async def waiting(backend: Backend, executor: FakeExecutor, kind: str, item: int | None = None) -> tuple[str, dict[str, Any]]:
    """An execution that waits for an answer, and its last owner's job."""
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    waits = step("name", "waiting", wait=ASKED, token=kind, item=item)
    ending = {"status": "waiting", "due_at": None}
    assert await executor.verdict(report(job, 1, step("hook"), waits, ending=ending)) == "continue"
    return execution_id, job


async def test_an_approval_is_shown_and_decided_once(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id, _ = await waiting(backend, executor, "approval")
    address = path(backend.settings, execution_id)
    for _ in range(3):  # as a mail scanner would
        async with backend.session.get(backend.url + address + "?decision=rejected", headers=PAGE) as answer:
            page = await answer.text()
            assert (answer.status, answer.content_type) == (200, "text/html")
            policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "Refund &lt;b&gt;7&lt;/b&gt;?" in page
    assert "{{ 7*7 }}" in page
    assert 'Open until <time datetime="2030-05-01T12:00:00+00:00">1 May 2030, 12:00 UTC</time>.' in page
    assert page.count("<script") == 1, "its own"
    assert 'class="reject first"' in page
    assert (await world.execution(execution_id))["status"] == "waiting"

    status, told = await backend.call("POST", address, json={"decision": "approved", "comment": "Fine.", "name": "Ada"})
    assert (status, told["decision"], told["comment"], told["by"], told["open"]) == (200, "approved", "Fine.", "Ada", False)
    assert (await world.execution(execution_id))["status"] == "queued"
    status, told = await backend.call("POST", address, json={"decision": "rejected"})
    assert status == 409
    assert "approved by Ada" in told["detail"]
    job = await executor.take(execution_id)
    (opened,) = [one for one in job["open"] if one["node"] == "name"]
    assert (opened["resolution"]["answer"]["decision"], opened["resolution"]["answer"]["comment"]) == ("approved", "Fine.")
    await executor.report(report(job, 1, step("name"), ending=DONE))
    status, told = await backend.call("POST", address, json={"decision": "rejected"})
    assert (status, "approved by Ada" in told["detail"]) == (409, True), "also when the execution is over"
    async with backend.session.get(backend.url + address, headers=PAGE) as answer:
        page = await answer.text()
    assert "approved by Ada" in page
    assert "Fine." in page
    assert "<form" not in page


async def test_a_form_decides_as_well_and_an_early_answer_counts(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    address = path(backend.settings, execution_id)
    form = {"decision": "rejected", "comment": "", "name": ""}
    async with backend.session.post(backend.url + address, data=form, headers=PAGE) as answer:
        page = await answer.text()
        assert (answer.status, answer.method) == (200, "GET"), "sent on to the page"
    assert "This was rejected on" in page
    async with backend.session.post(backend.url + address, data=form, headers=PAGE) as answer:
        assert (answer.status, answer.content_type) == (409, "text/html")
    job = await executor.take(execution_id)
    waits = step("name", "waiting", wait=ASKED, token="approval")
    await executor.report(report(job, 1, step("hook"), waits, ending={"status": "waiting", "due_at": None}))
    job = await executor.take(execution_id)
    assert [one["resolution"]["answer"]["decision"] for one in job["open"]] == ["rejected"]


def test_nothing_that_somebody_wrote_is_markup() -> None:
    evil = "<script>alert('1')</script>\"&amp;"
    question = Question(title=evil, message=evil, workflow=evil, open=True, until=None, decided=None)
    decided = {"decision": "approved", "comment": evil, "by": evil, "at": evil, "title": evil}
    answers = [pages.asking(question, evil), pages.decided(question), pages.said(evil, evil, 404)]
    answers += [pages.decided(replace(question, decided=told)) for told in (decided, {**decided, "decision": evil})]
    for answer in answers:
        page = bytes(answer.body).decode()
        assert "&lt;script&gt;" in page
        assert page.count("<script") == 1, "its own"
        assert evil not in page
        assert "'none'" in answer.headers["content-security-policy"]
    assert bytes(answers[3].body).decode().count("&lt;script&gt;") == 6, "the page's title, its heading, message, workflow, who, comment"


async def test_of_many_decisions_at_once_one_counts(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id, _ = await waiting(backend, executor, "approval", item=3)
    address = path(backend.settings, execution_id, item=3)
    said = ["approved", "rejected"] * 8
    answers = await asyncio.gather(*(backend.call("POST", address, json={"decision": decision}) for decision in said))
    assert sorted(status for status, _ in answers) == [200] + [409] * 15


async def test_a_call_resumes_with_all_that_it_brings(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id, _ = await waiting(backend, executor, "webhook")
    address = path(backend.settings, execution_id, kind="webhook")
    headers = {"X-Mark": "m", "Authorization": "Bearer secret"}
    assert await backend.call("PUT", address + "?a=1&a=2", json={"n": [1]}, headers=headers) == (200, {"resumed": True})
    status, told = await backend.call("POST", address)
    assert (status, "already" in told["detail"]) == (409, True)
    job = await executor.take(execution_id)
    answer = job["open"][0]["resolution"]["answer"]
    assert (answer["method"], answer["query"], answer["body"], answer["headers"]["x-mark"]) == ("PUT", {"a": ["1", "2"]}, {"n": [1]}, "m")
    assert "authorization" not in answer["headers"]
    assert address.rsplit("/", 1)[1] not in str(answer)


async def test_a_large_body_is_stored_beside_its_answer(
    backend: Backend, world: World, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("backend.waits.service", "backend.blobs.service"):
        monkeypatch.setattr(f"{module}.BLOB_BYTES", 1000)
    execution_id, _ = await waiting(backend, executor, "webhook")
    address = path(backend.settings, execution_id, kind="webhook")
    body = ["x" * 2000]
    assert (await backend.call("POST", address, json=body))[0] == 200
    assert (await backend.call("POST", address, json=body))[0] == 409
    resolution = (await executor.take(execution_id))["open"][0]["resolution"]
    assert (resolution["answer"]["method"], resolution["answer"]["body"]) == ("POST", None)
    [(pointer, ref)] = resolution["refs"].items()
    assert (pointer, ref["size"]) == ("/body", len(json.dumps(body, separators=(",", ":"))))
    uses = await world.pool.fetch("select u.execution_id from blobs b left join blob_uses u on u.blob_id = b.id")
    assert [str(use["execution_id"]) for use in uses] == [execution_id]


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", {"decision": "perhaps"}, 422),
        ("POST", {}, 422),
        ("POST", [1], 422),
        ("POST", {"decision": "approved", "x": 1}, 422),
        ("PUT", {}, 405),
    ],
)
async def test_what_is_no_decision(backend: Backend, world: World, executor: FakeExecutor, method: str, body: Any, status: int) -> None:
    execution_id, _ = await waiting(backend, executor, "approval")
    assert (await backend.call(method, path(backend.settings, execution_id), json=body))[0] == status
    assert (await world.execution(execution_id))["status"] == "waiting"


async def test_what_has_ended_says_so(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    await executor.report(report(job, 1, step("hook"), step("name"), ending=DONE))
    for kind in ("webhook", "approval"):
        status, told = await backend.call("POST", path(backend.settings, execution_id, kind=kind), json={"decision": "approved"})
        assert (status, "ended" in told["detail"]) == (410, True)
    async with backend.session.get(backend.url + path(backend.settings, execution_id), headers=PAGE) as answer:
        assert "Closed" in await answer.text()


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_decision_while_a_reminder_is_sent_counts(
    backend: Backend, world: World, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch, goes_on: bool
) -> None:
    execution_id = await backend.post()
    job = await executor.take(execution_id)
    reminding = step("name", "running", wait={"$resumed": ASKED, "$expired": "approval"})
    await executor.report(report(job, 1, step("hook"), reminding))
    address = path(backend.settings, execution_id)
    monkeypatch.setattr("backend.waits.service._BETWEEN_S", 0)
    status, told = await backend.call("POST", address, json={"decision": "approved"})
    assert (status, "Try again" in told["detail"]) == (503, True)
    monkeypatch.setattr("backend.waits.service._BETWEEN_S", 30)
    decided = asyncio.create_task(backend.call("POST", address, json={"decision": "approved"}))
    await asyncio.sleep(0.3)
    assert not decided.done()
    if goes_on:
        await executor.report(report(job, 2, step("name"), ending=DONE))
        assert (await decided)[0] == 410
    else:
        await executor.report(
            report(job, 2, step("name", "waiting", wait=ASKED, token="approval"), ending={"status": "waiting", "due_at": None})
        )
        assert (await decided)[0] == 200
        assert (await world.execution(execution_id))["status"] == "queued"


async def test_no_other_token_opens_anything(backend: Backend, world: World, executor: FakeExecutor) -> None:
    execution_id, _ = await waiting(backend, executor, "approval")
    good = path(backend.settings, execution_id).rsplit("/", 1)[1]
    secret = backend.settings.secret_key.get_secret_value()
    key = resume_key(secret, UUID(execution_id))
    foreign = token(
        resume_key("another secret of thirty-two bytes", UUID(execution_id)), Bearer(UUID(execution_id), "name", None, "approval")
    )
    gone = UUID(int=7)
    never = token(resume_key(secret, gone), Bearer(gone, "name", None, "approval"))
    other = token(key, Bearer(UUID(execution_id), "name", None, "webhook"))
    for bad in (foreign, good[:-2], good + "AA", "x", other, never):
        for method in ("GET", "POST"):
            status, _ = await backend.call(method, f"/approvals/{bad}", json={"decision": "approved"} if method == "POST" else None)
            assert status == 404, (method, bad)
    assert (await backend.call("POST", f"/resume/{good}"))[0] == 404
    async with backend.session.get(f"{backend.url}/approvals/x", headers=PAGE) as answer:
        assert (answer.status, "copied whole" in await answer.text()) == (404, True)
    assert (await world.execution(execution_id))["status"] == "waiting"
