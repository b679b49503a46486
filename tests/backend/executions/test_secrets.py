"""Secrets go to the executor that owns the execution now, for the node that names them, and to nobody else."""

from typing import Any
from uuid import uuid4

import pytest

from tests.backend.executions.test_api import Ada
from tests.backend.executions.world import DONE, Backend, FakeExecutor, World, report


class Lent:
    """A credential that the node `one` of an execution under way names."""

    def __init__(self, credential_id: str, job: dict[str, Any]) -> None:
        self.body = {"execution_id": job["execution_id"], "epoch": job["epoch"], "node": "one", "credential_id": credential_id}
        self.job = job

    async def asked_by(self, executor: FakeExecutor, **other: Any) -> tuple[int, Any]:
        """Status and answer to a request for it."""
        return await executor.call("secrets", {**self.body, **other})


@pytest.fixture
async def ada(backend: Backend, world: World, executor: FakeExecutor) -> Ada:
    """Somebody with an account."""
    return await Ada(backend, "ada@example.com").sign_up()


async def credential(ada: Ada, **more: Any) -> str:
    """A new credential's id."""
    made = await ada.call("POST", "/credentials", 201, json={"name": "C", "type": "bearer", "data": {"token": "canary"}, **more})
    return str(made["id"])


@pytest.fixture
async def lent(ada: Ada, executor: FakeExecutor) -> Lent:
    """A credential, and an execution that needs it."""
    ident = await credential(ada)
    nodes = [{"key": "start", "type": "trigger.manual"}, {"key": "one", "type": "set", "config": {"fields": {"use": ident}}}]
    graph = {"nodes": [*nodes, {"key": "two", "type": "set", "config": {"fields": {}}}], "connections": []}
    made = await ada.call("POST", "/workflows", 201, json={"name": "Uses one", **graph})
    ada.workflow_id = made["id"]
    return Lent(ident, await executor.take(await ada.execute()))


async def test_only_what_the_node_names_is_lent(ada: Ada, executor: FakeExecutor, lent: Lent) -> None:
    status, secret = await lent.asked_by(executor)
    assert (status, secret["data"]) == (200, {"token": "canary"})
    for other in ({"node": "two"}, {"node": "nowhere"}, {"credential_id": str(uuid4())}, {"credential_id": await credential(ada)}):
        status, refused = await lent.asked_by(executor, **other)
        assert (status, "canary" in str(refused)) == (404, False), other


async def test_only_the_owner_of_the_epoch_gets_it(backend: Backend, world: World, executor: FakeExecutor, lent: Lent) -> None:
    assert (await lent.asked_by(await FakeExecutor.register(backend)))[0] == 404, "another executor's"
    for epoch in (lent.body["epoch"] - 1, lent.body["epoch"] + 1):
        assert (await lent.asked_by(executor, epoch=epoch))[0] == 404
    await executor.call("release", {"running": [{"execution_id": lent.job["execution_id"], "epoch": lent.job["epoch"]}]})
    assert (await lent.asked_by(executor))[0] == 404, "given back"
    again = await executor.take(lent.job["execution_id"])
    assert (await lent.asked_by(executor))[0] == 404, "a former epoch"
    assert (await lent.asked_by(executor, epoch=again["epoch"]))[0] == 200
    await executor.report(report(again, 1, ending=DONE))
    assert (await lent.asked_by(executor, epoch=again["epoch"]))[0] == 404, "over"


async def test_a_credential_of_another_project_is_not_lent(ada: Ada, world: World, executor: FakeExecutor, lent: Lent) -> None:
    await world.pool.execute("update executions set project_id = $1 where id = $2::uuid", world.project_id, lent.job["execution_id"])
    status, refused = await lent.asked_by(executor)
    assert (status, "canary" in str(refused)) == (404, False)
