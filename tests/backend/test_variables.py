"""Variables: what a project's expressions see, set by editors, bounded."""

from uuid import uuid4

from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK, node, wires
from tests.backend.people import Person
from trestle.contracts.variables import MAX_VARIABLES, MAX_VARIABLES_BYTES


async def test_a_variable_is_made_changed_and_deleted(ada: Person) -> None:
    made = await ada.post("/variables", json={"name": "REGION", "value": "eu"})
    other = await ada.post("/variables", json={"name": "limits", "value": {"z": [1, None, "\0"], "a": 12345678901234567890}})
    assert (made["name"], made["value"]) == ("REGION", "eu")
    assert [row["name"] for row in (await ada.get("/variables"))["items"]] == ["limits", "REGION"]
    changed = await ada.patch(f"/variables/{made['id']}", json={"value": None})
    assert (changed["name"], changed["value"], changed["id"]) == ("REGION", None, made["id"])
    assert changed["updated_at"] > made["updated_at"]
    renamed = await ada.patch(f"/variables/{other['id']}", json={"name": "bounds"})
    assert renamed["value"] == {"z": [1, None, "\0"], "a": 12345678901234567890}
    await ada.delete(f"/variables/{made['id']}")
    await ada.patch(f"/variables/{made['id']}", expect=404, json={"value": 1})


async def test_names_are_identifiers_and_unique_in_their_project(ada: Person) -> None:
    for name in ("", "1st", "a-b", "a.b", "ä", "x" * 64, "a b"):
        await ada.post("/variables", expect=422, json={"name": name, "value": 1})
    await ada.post("/variables", expect=422, json={"name": "a"})
    made = await ada.post("/variables", json={"name": "A", "value": 1})
    assert "“A”" in (await ada.post("/variables", expect=409, json={"name": "A", "value": 2}))["detail"]
    other = await ada.post("/variables", json={"name": "a", "value": 1})
    await ada.patch(f"/variables/{other['id']}", expect=409, json={"name": "A"})
    team = await ada.post("/projects", json={"name": "Team"})
    await ada.post("/variables", json={"name": "A", "value": 2, "project_id": team["id"]})
    assert [row["id"] for row in (await ada.get("/variables", params={"project_id": made["project_id"]}))["items"]] == [
        other["id"],
        made["id"],
    ]


async def test_a_project_holds_so_many_and_so_much(ada: Person, services: Services) -> None:
    big = await ada.post("/variables", json={"name": "big", "value": "x" * (MAX_VARIABLES_BYTES - 100)})
    assert "64 KB" in (await ada.post("/variables", expect=422, json={"name": "more", "value": "x" * 200}))["detail"]
    await ada.patch(f"/variables/{big['id']}", json={"value": ""})
    fill = "insert into variables (project_id, name, value) select $1, 'v' || n, '1' from generate_series(2, $2) n"
    await services.database.hot.execute(fill, big["project_id"], MAX_VARIABLES)
    await ada.post("/variables", expect=422, json={"name": "one_more", "value": 1})


async def test_viewers_look_and_editors_set(ada: Person, bob: Person) -> None:
    team = await ada.post("/projects", json={"name": "Team"})
    made = await ada.post("/variables", json={"name": "A", "value": 1, "project_id": team["id"]})
    for role, expected in (("viewer", 403), ("operator", 403), ("editor", 200)):
        await ada.call("PUT", f"/projects/{team['id']}/members/{bob.id}", json={"role": role})
        assert (await bob.get("/variables", params={"project_id": team["id"]}))["items"][0]["name"] == "A"
        await bob.patch(f"/variables/{made['id']}", expect=expected, json={"value": 2})
        created = 201 if expected == 200 else 403
        await bob.post("/variables", expect=created, json={"name": f"B_{role}", "value": 1, "project_id": team["id"]})


async def test_previews_and_executions_see_them(ada: Person, services: Services) -> None:
    await register(services.database)
    await ada.post("/variables", json={"name": "REGION", "value": {"code": "eu"}})

    async def ran(expression: str) -> bool:
        """Whether a run of a workflow with this expression gets them."""
        graph = {"nodes": [{**HOOK, "config": {"path": uuid4().hex}}, node("a", fields={"to": expression})], "connections": wires("hook>a")}
        flow = await ada.post("/workflows", json={"name": "W", **graph})
        shown = await ada.post(f"/workflows/{flow['id']}/preview", expect=200, json={"node": "a", "expression": "{{ vars.REGION.code }}"})
        assert shown == {"value": "eu"}
        started = await ada.post(f"/workflows/{flow['id']}/execute", expect=202, json={})
        reads: bool = await services.database.hot.fetchval(
            "select s.reads_vars from executions e join snapshots s on s.id = e.snapshot_id where e.id = $1", started["execution_id"]
        )
        return reads

    assert await ran("{{ vars.REGION.code }}") is True
    assert await ran("{{ payload.a }}") is False
