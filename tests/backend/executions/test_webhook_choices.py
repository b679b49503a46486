"""What a webhook's node can choose: who may call, what counts as the same call, when the answer comes."""

import asyncio
from typing import Any

import pytest

from tests.backend.executions.hooks import configured, credential
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report, step

SECRETS = [
    ("basic", "basic", {"username": "ada", "password": "s3cret"}, {"Authorization": "Basic YWRhOnMzY3JldA=="}),
    ("header", "header", {"name": "X-Token", "value": "s3cret"}, {"X-Token": "s3cret"}),
    ("header", "bearer", {"token": "s3cret"}, {"Authorization": "Bearer s3cret"}),
]


@pytest.mark.parametrize(("kind", "type_", "data", "headers"), SECRETS)
async def test_only_who_knows_the_secret_gets_in(
    backend: Backend, world: World, kind: str, type_: str, data: dict[str, str], headers: dict[str, str]
) -> None:
    await configured(world, auth={"kind": kind, "credential": await credential(backend, world, type_, data)})
    await backend.post(headers=headers)
    for wrong in ({}, {name: value[:-2] for name, value in headers.items()}, dict.fromkeys(headers, ""), dict.fromkeys(headers, "Basic é")):
        assert (await backend.call("POST", "/webhooks/go", json={}, headers=wrong))[0] == 401
    assert await world.pool.fetchval("select count(*) from executions") == 1


async def test_a_secret_that_was_changed_counts_at_once(backend: Backend, world: World) -> None:
    old, new = [await credential(backend, world, "bearer", {"token": token}) for token in ("old", "new")]
    await configured(world, auth={"kind": "header", "credential": old})
    await backend.post(headers={"Authorization": "Bearer old"})
    await configured(world, auth={"kind": "header", "credential": new})
    await backend.post(headers={"Authorization": "Bearer new"})
    assert (await backend.call("POST", "/webhooks/go", json={}, headers={"Authorization": "Bearer old"}))[0] == 401
    await configured(world)
    await backend.post()


async def test_a_scheme_without_secret_or_that_is_unknown_keeps_everybody_out(backend: Backend, world: World) -> None:
    elsewhere = await World.create(world.pool, "elsewhere")
    foreign = await credential(backend, elsewhere, "bearer", {"token": "s3cret"})
    for auth in ({"kind": "basic"}, {"kind": "header", "credential": foreign}, {"kind": "hmac"}, {"kind": "retina"}):
        await configured(world, auth=auth)
        assert (await backend.call("POST", "/webhooks/go", json={}, headers={"Authorization": "Bearer s3cret"}))[0] == 401


async def test_the_same_idempotency_key_counts_once(backend: Backend, world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await asyncio.gather(*(backend.post(body={"n": 1}, headers=headers) for _ in range(5)))
    assert len(set(first)) == 1
    status, problem = await backend.call("POST", "/webhooks/go", json={"n": 2}, headers=headers)
    assert (status, "another request" in problem["detail"]) == (422, True)
    assert await backend.post(body={"n": 1}, headers={"Idempotency-Key": "k2"}) != first[0]
    assert await world.pool.fetchval("select count(*) from executions") == 2


async def test_a_refused_call_uses_no_key_up(backend: Backend, world: World) -> None:
    await backend.post()
    await world.pool.execute("update workflows set enabled = false")
    assert (await backend.call("POST", "/webhooks/go", json={}, headers={"Idempotency-Key": "k"}))[0] == 404
    await world.pool.execute("update workflows set enabled = true")
    await backend.post(body={"other": 1}, headers={"Idempotency-Key": "k"})


async def test_calls_are_told_apart_by_what_the_node_says(backend: Backend, world: World) -> None:
    await configured(world, dedupe="{{ payload.id }}")
    first = await backend.post(body={"id": 7, "try": 1})
    assert await backend.post(body={"id": 7, "try": 2}) == first
    assert await backend.post(body={"id": 8}) != first
    assert len({await backend.post(body={"id": None}) for _ in range(2)}) == 2, "nothing to tell them apart by"
    status, problem = await backend.call("POST", "/webhooks/go", json={"nope": 1})
    assert (status, "payload.id" in problem["detail"]) == (422, True)


async def test_the_answer_can_be_the_outcome(backend: Backend, world: World, executor: FakeExecutor) -> None:
    await configured(world, respond="when_finished", response_timeout_s=60)

    async def work(ending: dict[str, Any]) -> None:
        while not (jobs := (await executor.claim())["jobs"]):
            await asyncio.sleep(0.02)
        await executor.report(report(jobs[0], 1, step("name"), ending=ending))

    good, _ = await asyncio.gather(backend.call("POST", "/webhooks/go", json={}), work(DONE))
    assert good == (200, {"done": True})
    failed = {"status": "failed", "error": {"type": "Boom", "message": "secret internals", "hint": ""}, "error_node": "name"}
    (status, answer), _ = await asyncio.gather(backend.call("POST", "/webhooks/go", json={}), work(failed))
    assert (status, set(answer)) == (500, {"execution_id"})


async def test_who_waits_too_long_gets_the_id(backend: Backend, world: World) -> None:
    await configured(world, respond="when_finished", response_timeout_s=0.3)
    status, answer = await backend.call("POST", "/webhooks/go", json={})
    assert status == 202
    assert (await world.execution(answer["execution_id"]))["status"] == "queued"
