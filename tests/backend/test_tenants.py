"""Deny by default, over every route there is: without a token 401, somebody else's id 404, too small a role 403."""

import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from backend.deps import current_user
from backend.routing import StrictRoute
from backend.services import Services
from tests.backend.catalogue import register
from tests.backend.graphs import HOOK, node, wires
from tests.backend.people import Person

Route = tuple[str, str, Any]


def calls_of(dependant: Any) -> set[Any]:
    """Every dependency of a route."""
    return {dependant.call}.union(*(calls_of(child) for child in dependant.dependencies))


def personal(app: FastAPI) -> list[Route]:
    """Method, path and body schema of every route that asks who is calling."""
    found: list[Route] = []
    documented = app.openapi()
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, StrictRoute) and current_user in calls_of(context.dependant):
            for method in context.methods or ():
                body = documented["paths"][context.path][method.lower()].get("requestBody", {}).get("content", {})
                found.append((method, str(context.path), body.get("application/json", {}).get("schema")))
    return found


def example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """The least value that a JSON Schema takes."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: example(schema["properties"][name], definitions) for name in schema.get("required", ())}
        case "array":
            return []
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "string":
            return {"uuid": str(uuid4()), "email": "x@example.com"}.get(schema.get("format", ""), "abcdefgh")
    return "x"


async def belongings(ada: Person, services: Services) -> dict[str, str]:
    """One of everything that has an id, by the name of its path parameter. A new parameter needs a line here."""
    await register(services.database)
    project = await ada.post("/projects", json={"name": "Ours"})
    graph = {"nodes": [{**HOOK, "config": {"path": uuid4().hex}}, node("a")], "connections": wires("hook>a")}
    flow = await ada.post("/workflows", json={"name": "W", "project_id": project["id"], **graph})
    await ada.post(f"/workflows/{flow['id']}/publish")
    secret = {"name": "C", "type": "bearer", "data": {"token": "x"}, "project_id": project["id"]}
    credential = await ada.post("/credentials", json=secret)
    execution = await services.database.hot.fetchval(
        "insert into executions (project_id, workflow_id, snapshot_id, status, trigger, input, seed)"
        " select $1, $2, snapshot_id, 'running', $3, 'null', '' from versions where workflow_id = $2 returning id",
        project["id"],
        flow["id"],
        json.dumps({"kind": "manual", "node": "hook"}),
    )
    blob = await services.database.hot.fetchval(
        "insert into blobs (project_id, media_type, complete) values ($1, 'text/plain', true) returning id", project["id"]
    )
    await services.database.hot.execute("insert into blob_uses (blob_id, execution_id) values ($1, $2)", blob, execution)
    step = await services.database.hot.fetchval(
        "insert into steps (execution_id, epoch, event_seq, node, type, attempt, status, output)"
        " values ($1, 1, 1, 'hook', 'trigger.webhook', 1, 'succeeded', '1') returning id",
        execution,
    )
    kept = await ada.post(f"/workflows/{flow['id']}/inputs", json={"name": "I"})
    variable = await ada.post("/variables", json={"name": "V", "value": 1, "project_id": project["id"]})
    key = await ada.post("/api-keys", json={"name": "K", "scopes": ["workflows:read"], "project_id": project["id"]})
    return {
        "variable_id": variable["id"],
        "key_id": key["id"],
        "input_id": kept["id"],
        "project_id": project["id"],
        "workflow_id": flow["id"],
        "node_id": flow["nodes"][0]["id"],
        "connection_id": flow["connections"][0]["id"],
        "credential_id": credential["id"],
        "execution_id": str(execution),
        "step_id": str(step),
        "part": "output",
        "blob_id": str(blob),
        "user_id": ada.id,
        "number": "1",
        "first": "1",
        "second": "1",
    }


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    """Every personal route."""
    return personal(app)


async def test_no_token_and_somebody_elses_ids_get_nothing(
    app: FastAPI, ada: Person, bob: Person, services: Services, routes: list[Route]
) -> None:
    ids = await belongings(ada, services)
    definitions = app.openapi()["components"]["schemas"]
    reached = []
    for method, path, schema in routes:
        body = None if schema is None else example(schema, definitions)
        address = path.format(**ids).removeprefix("/api/v1")
        anonymous = await ada.client.request(method, path.format(**ids), json=body)
        assert anonymous.status_code == 401, (method, path, anonymous.text)
        if "{" in path:
            answer = await bob.send(method, address, json=body)
            reached.append((method, path, answer.status_code))
    assert [one for one in reached if one[2] != 404] == []
    assert len(reached) > 20
    untouched = await ada.get(f"/workflows/{ids['workflow_id']}")
    assert (untouched["revision"], len(untouched["nodes"])) == (1, 2)


READS_BY_POST = {"validate", "preview"}
RUNS = {"execute", "cancel", "pause", "resume", "retry", "replay"}


async def test_a_viewer_may_look_and_nothing_else(app: FastAPI, ada: Person, bob: Person, services: Services, routes: list[Route]) -> None:
    ids = await belongings(ada, services)
    definitions = app.openapi()["components"]["schemas"]
    for role in ("viewer", "operator"):
        await ada.call("PUT", f"/projects/{ids['project_id']}/members/{bob.id}", json={"role": role})
        wrong = []
        for method, path, schema in routes:
            last = path.rsplit("/", 1)[-1]
            if "{" not in path or path.startswith("/api/v1/users/") or last == "events":
                continue
            if method == "GET" or last in READS_BY_POST or (role == "operator" and last in RUNS):
                continue
            body = None if schema is None else example(schema, definitions)
            answer = await bob.send(method, path.format(**ids).removeprefix("/api/v1"), json=body)
            if answer.status_code != 403:
                wrong.append((role, method, path, answer.status_code, answer.text))
        assert wrong == []


async def test_other_peoples_projects_take_nothing(ada: Person, bob: Person, services: Services) -> None:
    ids = await belongings(ada, services)
    mine = {"project_id": ids["project_id"]}
    await bob.post("/workflows", expect=404, json={"name": "W", **mine})
    await bob.post("/credentials", expect=404, json={"name": "C", "type": "bearer", "data": {"token": "x"}, **mine})
    await bob.post("/variables", expect=404, json={"name": "W", "value": 1, **mine})
    await bob.post("/api-keys", expect=404, json={"name": "W", "scopes": ["workflows:read"], **mine})
    await bob.post(f"/workflows/import?project_id={ids['project_id']}", expect=404, json={"name": "W"})
    for path in ("/workflows", "/credentials", "/projects", "/variables", "/api-keys"):
        found = (await bob.get(path))["items"]
        assert ids["project_id"] not in json.dumps(found)
    assert (await bob.get("/workflows", params=mine))["items"] == []
