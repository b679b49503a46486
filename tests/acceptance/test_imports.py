"""A graph that was drawn elsewhere does here what it did there: imported, enabled, called."""

from typing import Any

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack

HOT = {"and": [{">=": [{"var": "score"}, 80]}, {"some": [{"var": "tags"}, {"==": [{"var": ""}, "new"]}]}]}
GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "n1", "type": "start", "data": {}},
        {
            "id": "n2",
            "type": "branch",
            "data": {"cases": [{"label": "hot", "condition": HOT, "next": "n3"}, {"else": True, "next": "n4"}]},
        },
        {"id": "n3", "type": "send_notification", "data": {"toRole": "AE", "message": "{{payload.name}} scored {{payload.score}}"}},
        {"id": "n4", "type": "delay", "data": {"ms": 300}},
        {
            "id": "n5",
            "type": "http_call",
            "data": {"method": "POST", "url": "{{payload.url}}", "body": {"n": "{{payload.name}}"}},
        },
    ],
    "edges": [{"id": "e1", "source": "n1", "target": "n2"}, {"id": "e2", "source": "n2", "target": "n3"}, {"source": "n4", "target": "n5"}],
}


async def enabled(api: Api, document: dict[str, Any], project_id: str) -> dict[str, Any]:
    """The imported workflow, enabled."""
    made = await api.call("POST", f"/workflows/import?project_id={project_id}", json=document)
    assert (made["problems"], made["unmapped"], made["workflow"]["enabled"]) == ([], [], False)
    live: dict[str, Any] = await api.call("PATCH", f"/workflows/{made['workflow']['id']}", json={"enabled": True})
    return live


async def test_an_imported_graph_tells_the_one_who_has_the_label(stack: Stack) -> None:
    async with Api(stack.backend_url) as api, Api(stack.backend_url) as eve:
        await api.sign_up()
        invitation = await api.call("POST", "/users/invitations", json={"email": "eve@example.com", "role": "member"})
        person = {"email": "eve@example.com", "password": "a long enough one", "name": "Eve", "invitation_token": invitation["token"]}
        member = await eve.call("POST", "/users/register", json=person)
        await eve.log_in("eve@example.com")
        project = (await api.call("POST", "/projects", json={"name": "Sales"}))["id"]
        await api.call("PUT", f"/projects/{project}/members/{member['id']}", json={"role": "viewer", "labels": ["AE"]})

        hook = (await enabled(api, GRAPH, project))["webhooks"][0]["url"].rsplit("/", 1)[1]
        lead = {"name": "Ada", "score": 91, "tags": ["old", "new"], "url": f"{stack.backend_url}/readyz?for=traffic"}
        execution = await api.finished(await api.post_webhook(hook, lead))
        assert execution["status"] == "succeeded", execution
        told = (await eve.call("GET", "/notifications"))["items"]
        assert [notification["message"] for notification in told] == ["Ada scored 91"]
        assert (await api.call("GET", "/notifications"))["items"] == [], "nobody else"

        execution = await api.finished(await api.post_webhook(hook, {**lead, "tags": ["old"]}))
        steps = {step["node"]: step["status"] for step in await api.steps(execution["id"])}
        assert (steps["n3"], steps["n4"]) == ("skipped", "succeeded")
        assert "n5" in steps
        assert len((await eve.call("GET", "/notifications"))["items"]) == 1

        by_event = {**GRAPH, "name": "By event", "trigger": {"==": [{"var": "type"}, "lead.created"]}}
        await enabled(api, by_event, project)
        event = {"type": "lead.created", "name": "Grace", "score": 80, "tags": ["new"]}
        for kind, starts in (("lead.removed", 0), ("lead.created", 1)):
            started = (await api.call("POST", f"/events?project_id={project}", json={**event, "type": kind}))["executions"]
            assert len(started) == starts
        assert (await api.finished(started[0]["execution_id"]))["status"] == "succeeded"
        told = (await eve.call("GET", "/notifications"))["items"]
        assert [notification["message"] for notification in told] == ["Grace scored 80", "Ada scored 91"]
