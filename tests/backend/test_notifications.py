"""What workflows tell people: who gets it, once, and who sees it."""

from typing import Any
from uuid import uuid4

import pytest

from backend.errors import NotFound, Unprocessable
from backend.notifications.telling import tell
from backend.retention.policies import Caps
from backend.retention.pruning import Pruner, Records
from backend.services import Services
from backend.waits.links import links
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK, node, wires
from tests.backend.people import Person
from trestle.contracts.jobs import NotifyRequest


class Told:
    """A running execution in a project, on whose behalf people are told."""

    def __init__(self, services: Services, ids: dict[str, Any]) -> None:
        self._pool = services.database.hot
        self.ids = ids

    async def tell(self, message: str = "Hello", *, key: str = "", epoch: int = 1, **fields: Any) -> int:
        """How many were told."""
        about = {"execution_id": self.ids["execution"], "epoch": epoch, "node": "a", "key": key or uuid4().hex}
        request = NotifyRequest(message=message, **about, **fields)
        return (await tell(self._pool, self.ids["executor"], request)).recipients


async def running(services: Services, owner: Person, project_id: str | None) -> Told:
    """An execution of a workflow in the project."""
    await register(services.database)
    graph = {"nodes": [{**HOOK, "config": {"path": uuid4().hex}}, node("a")], "connections": wires("hook>a")}
    flow = await owner.post("/workflows", json={"name": "W", "project_id": project_id, **graph})
    await owner.post(f"/workflows/{flow['id']}/publish")
    executor = uuid4()
    execution = await services.database.hot.fetchval(
        "insert into executions (project_id, workflow_id, snapshot_id, status, trigger, input, seed, epoch, executor_id, lease_until)"
        " select $1, $2, snapshot_id, 'running', '{}', 'null', '', 1, $3, now() + interval '1 minute' from versions where workflow_id = $2"
        " returning id",
        flow["project_id"],
        flow["id"],
        executor,
    )
    return Told(services, {"execution": execution, "executor": executor, "workflow": flow["id"]})


async def test_a_role_or_label_or_person_of_the_project_is_told_once(ada: Person, bob: Person, services: Services) -> None:
    project = await ada.post("/projects", json={"name": "Ours"})
    member = {"role": "viewer", "labels": ["AE", "Night shift"]}
    await ada.call("PUT", f"/projects/{project['id']}/members/{bob.id}", json=member)
    told = await running(services, ada, project["id"])
    assert await told.tell("for account executives", to_role="ae", title="Lead", key="k1") == 1
    assert await told.tell("for account executives", to_role="ae", title="Lead", key="k1") == 1, "a repeat tells nobody twice"
    assert await told.tell(to_role="VIEWER") == 1
    assert await told.tell(to_role="admin") == 1
    assert await told.tell(to_user=bob.email.upper(), link="/executions/1") == 1
    assert await told.tell(to_user=ada.id) == 1
    assert await told.tell(to_role="nobody") == 0
    assert await told.tell(to_user="stranger@example.com") == 0
    assert await told.tell("NUL \0 in it", to_user=bob.id) == 1

    found = await bob.get("/notifications")
    assert ([one["message"] for one in found["items"]], found["unread"]) == (["NUL  in it", "Hello", "Hello", "for account executives"], 4)
    newest, lead = found["items"][0], found["items"][-1]
    assert (lead["title"], lead["workflow_id"], lead["execution_id"]) == ("Lead", told.ids["workflow"], str(told.ids["execution"]))
    assert (await ada.get("/notifications"))["unread"] == 2

    first = await bob.get("/notifications?limit=3")
    assert len((await bob.get(f"/notifications?limit=3&cursor={first['next_cursor']}"))["items"]) == 1
    assert await bob.post("/notifications/read", expect=200, json={"ids": [newest["id"], str(uuid4())]}) == {"unread": 3}
    await ada.post("/notifications/read", expect=200, json={"ids": [lead["id"]]})
    assert (await bob.get("/notifications?unread=true"))["unread"] == 3, "nobody else marks it as read"
    assert len((await bob.get("/notifications?unread=true"))["items"]) == 3
    assert await bob.post("/notifications/read", expect=200, json={"all": True}) == {"unread": 0}
    assert len((await bob.get("/notifications"))["items"]) == 4
    refused: list[Any] = [{}, {"all": True, "ids": [lead["id"]]}, {"ids": []}]
    for wrong in refused:
        await bob.post("/notifications/read", expect=422, json=wrong)


async def test_of_a_personal_project_its_owner(ada: Person, bob: Person, services: Services) -> None:
    told = await running(services, ada, None)
    assert await told.tell(to_role="Owner") == 1
    assert await told.tell(to_user=bob.email) == 0, "who is no member is nobody"
    assert (await bob.get("/notifications"))["items"] == []


async def test_only_its_owner_speaks_for_an_execution(ada: Person, services: Services) -> None:
    told = await running(services, ada, None)
    with pytest.raises(NotFound):
        await told.tell(to_role="owner", epoch=2)
    told.ids["executor"] = uuid4()
    with pytest.raises(NotFound):
        await told.tell(to_role="owner")


@pytest.mark.parametrize(
    "fields", [{}, {"to_role": "a", "to_user": "b"}, {"to_role": " "}, {"to_role": "owner", "link": "javascript:alert(1)"}]
)
async def test_what_is_refused(ada: Person, services: Services, fields: dict[str, Any]) -> None:
    told = await running(services, ada, None)
    with pytest.raises(Unprocessable):
        await told.tell(**fields)


async def test_who_may_not_sign_in_any_more_is_not_told(ada: Person, bob: Person, services: Services) -> None:
    project = await ada.post("/projects", json={"name": "Former"})
    await ada.call("PUT", f"/projects/{project['id']}/members/{bob.id}", json={"role": "viewer"})
    told = await running(services, ada, project["id"])
    change = "update users set active = $2 where id::text = $1"
    await services.database.hot.execute(change, bob.id, False)
    assert [await told.tell(to_role="viewer"), await told.tell(to_user=bob.id)] == [0, 0]
    await services.database.hot.execute(change, bob.id, True)
    assert await told.tell(to_role="viewer") == 1


async def test_old_notifications_go_and_of_each_person_those_beyond_the_number_kept(ada: Person, bob: Person, services: Services) -> None:
    told = await running(services, ada, None)
    hot = services.database.hot
    for n in range(6):
        await told.tell(f"message {n}", to_role="owner")
    await hot.execute(
        "insert into notifications (id, user_id, key, message) select uuidv7(-make_interval(days => d)), $1, d::text, d || ' days ago'"
        " from unnest(array[89, 91, 400]) d",
        bob.id,
    )
    await Pruner(hot, Caps()).prune()
    assert [n["message"] for n in (await bob.get("/notifications"))["items"]] == ["89 days ago"]
    await Pruner(hot, Caps(), Records(notifications=4)).prune()
    assert [n["message"] for n in (await ada.get("/notifications"))["items"]] == [f"message {n}" for n in (5, 4, 3, 2)]
    assert len((await bob.get("/notifications"))["items"]) == 1


async def test_what_became_of_an_approval_is_told_with_it(ada: Person, services: Services) -> None:
    told = await running(services, ada, None)
    hot, execution = services.database.hot, told.ids["execution"]

    async def ask(node: str, item: int | None = None) -> None:
        link = str(links(services.settings, execution, node, item, "approval")["approve_url"])
        await told.tell(node, to_role="owner", link=link.partition("?")[0])

    async def outcomes() -> list[Any]:
        return [one["outcome"] for one in (await ada.get("/notifications"))["items"]][::-1]

    await ask("first")
    await ask("first", 1)
    await ask("second")
    await ask("third")
    await told.tell("no approval", to_role="owner", link="/approvals/nonsense")
    await told.tell("no question", to_role="owner")
    assert await outcomes() == [None] * 6
    for key, item, answer in (("first", 1, '{"decision": "approved", "by": "Ada"}'), ("second", None, '{"decision": "rejected"}')):
        insert = "insert into resolutions (execution_id, node, item, kind, answer) values ($1, $2, $3, 'approval', $4)"
        await hot.execute(insert, execution, key, item, answer)
    decided = [{"decision": "approved", "by": "Ada"}, {"decision": "rejected", "by": None}]
    assert await outcomes() == [None, *decided, None, None, None]
    await hot.execute(
        "insert into steps (execution_id, node, type, attempt, status, epoch, event_seq) values ($1, 'third', 'x', 1, 'succeeded', 1, 1)",
        execution,
    )
    over = {"decision": "over", "by": None}
    assert await outcomes() == [None, *decided, over, None, None], "its time ran out"
    await hot.execute("update executions set status = 'cancelled', finished_at = now() where id = $1", execution)
    assert await outcomes() == [over, *decided, over, None, None]
