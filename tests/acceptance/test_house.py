"""What operators and node authors rely on: own nodes, secrets that stay secret, addresses that stay closed."""

import itertools
from pathlib import Path
from typing import Any

import asyncpg
from aiohttp import web

from tests.acceptance.api import Api
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home

OWN_NODE = '''
from executor.node import Config, Context, JsonValue, Node


class ShoutConfig(Config):
    text: str


class Shout(Node[ShoutConfig]):
    """Says it louder."""

    type, title, group, icon = "own.shout", "Shout", "Own", "megaphone"
    effect = "pure"
    example = {"text": "hello"}

    async def run(self, config: ShoutConfig, input: JsonValue, ctx: Context) -> JsonValue:
        return {"text": config.text.upper()}
'''


def hook(path: str) -> dict[str, Any]:
    """A webhook node."""
    return {"key": "hook", "type": "trigger.webhook", "config": {"path": path}}


async def test_a_dropped_file_is_a_node_after_the_executors_restart(migrated_home: Home, tmp_path: Path) -> None:
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    with running(migrated_home, tmp_path / "home", env={"TRESTLE_NODES_DIR": str(nodes)}) as stack:
        async with Api(stack.backend_url) as api:
            await api.sign_up()
            assert "own.shout" not in {kind["type"] for kind in (await api.call("GET", "/node-types"))["items"]}
            (nodes / "shout.py").write_text(OWN_NODE)
            (nodes / "broken.py").write_text("import no_such_library_anywhere\n")
            stack.restart("executor")
            types = {kind["type"]: kind for kind in (await api.call("GET", "/node-types"))["items"]}
            assert types["own.shout"]["title"] == "Shout"
            broken = [kind for kind in types.values() if kind["broken"]]
            assert len(broken) == 1
            assert "no_such_library_anywhere" in broken[0]["broken"]

            shout = {"key": "shout", "type": "own.shout", "config": {"text": "{{ payload.text }}!"}}
            await api.workflow([hook("loud"), shout], [("hook", "shout")])
            execution = await api.finished(await api.post_webhook("loud", {"text": "hello"}))
            assert execution["output"] == {"text": "HELLO!"}


class Mirror(Peer):
    """Tells the secret that it was called with, in a small answer and in large ones."""

    async def answer(self, request: web.Request) -> web.Response:
        """JSON; a text of 400 KB on /text."""
        await super().answer(request)
        told = {"seen": request.headers["authorization"], "filler": "x" * (0 if request.path == "/in" else 400_000)}
        return web.Response(text=str(told)) if request.path == "/text" else web.json_response(told)


async def test_a_secret_reaches_the_service_it_is_for_and_nothing_else(stack: Stack) -> None:
    """Whatever that service tells of it: in values, files, questions, messages, memories, answers and what children get."""
    secret = "canary-3b1f5d7a9c"
    async with peer(Mirror()) as service, Api(stack.backend_url) as api:
        await api.sign_up()
        body = {"name": "Chat", "type": "bearer", "data": {"token": secret}, "allowed_hosts": ["127.0.0.1"]}
        credential = await api.call("POST", "/credentials", json=body)
        assert secret not in str(credential)
        config = {"method": "POST", "url": f"{service.url}/in", "credential": credential["id"], "body": {"echo": "{{ payload.echo }}"}}
        call = {"key": "call", "type": "http.request", "config": config}
        get = {"credential": credential["id"]}
        large = {"key": "large", "type": "http.request", "config": {**get, "url": f"{service.url}/large"}}
        file = {"key": "file", "type": "http.request", "config": {**get, "url": f"{service.url}/text", "response": "blob"}}
        told = "{{ nodes.call.body.seen }} {{ nodes.large.body.seen }}"
        child = await api.workflow([{"key": "called", "type": "trigger.workflow", "config": {}}], [], name="Child")
        graph = [
            *({**hook("go"), "config": {"path": "go", "respond": "node"}}, call, large, file),
            {"key": "keep", "type": "list.dedupe", "config": {"items": ["{{ nodes.call.body.seen }}"], "against": "earlier"}},
            {"key": "tell", "type": "notify", "config": {"to_role": "owner", "title": "T", "message": told}},
            {"key": "sub", "type": "workflow.call", "config": {"workflow_id": child["id"], "input": told}},
            {"key": "ask", "type": "approval", "config": {"title": "May I?", "message": told, "recipients": ["owner"], "timeout_s": 0.1}},
            {"key": "say", "type": "webhook.respond", "config": {"body": told}},
        ]
        keys = [node["key"] for node in graph]
        ports = {"ask": "timeout"}
        workflow = await api.workflow(graph, [(a, ports.get(a, "main"), b) for a, b in itertools.pairwise(keys)])
        status, answered, _ = await api.raw("POST", "/webhooks/go", json={"echo": "hi"})
        assert (status, answered) == (200, "Bearer [redacted] Bearer [redacted]")
        (summary,) = (await api.call("GET", f"/workflows/{workflow['id']}/executions"))["items"]
        execution = await api.finished(summary["id"])
        assert execution["status"] == "succeeded", execution
        assert service.calls[0].headers["authorization"] == f"Bearer {secret}"
        steps = await api.steps(execution["id"])
        (stored,) = next(step for step in steps if step["node"] == "file")["refs"].values()
        _, text, _ = await api.raw("GET", stored["url"])
        assert "'seen': 'Bearer [redacted]'" in text

        seen = [
            await api.call("GET", f"/credentials/{credential['id']}"),
            await api.call("GET", "/credentials"),
            await api.call("GET", f"/workflows/{workflow['id']}/export"),
            execution,
            steps,
            await api.call("GET", "/notifications"),
        ]
        assert secret not in str(seen)
        assert secret not in "".join(stack.log(name) for name in ("backend", "executor"))
        connection = await asyncpg.connect(stack.database_url)
        try:
            for table in [
                row["tablename"] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            ]:
                hexed = secret.encode().hex()  # bytes are shown so
                query = f"select count(*) from {table} t where t::text like '%{secret}%' or t::text like '%{hexed}%'"
                assert not await connection.fetchval(query), table
            for table in ("blob_chunks", "resolutions", "webhook_answers", "notifications", "memories"):
                assert await connection.fetchval(f"select count(*) from {table}"), f"{table} is part of the search"
        finally:
            await connection.close()
        status, problem, _ = await api.raw("DELETE", f"/api/v1/credentials/{credential['id']}")
        assert status == 409, problem


async def test_the_inside_is_closed_unless_opened_and_own_servers_always(migrated_home: Home, tmp_path: Path) -> None:
    async with peer() as inside:
        for allowed in ("", "127.0.0.0/8"):
            folder = tmp_path / (allowed.replace("/", "-") or "closed")
            with running(migrated_home, folder, env={"TRESTLE_ALLOW_CIDRS": allowed}) as stack:
                async with Api(stack.backend_url) as api:
                    await api.sign_up()
                    for name, url in (("other", f"{inside.url}/in"), ("own", f"{stack.backend_url}/healthz")):
                        call = {"key": "call", "type": "http.request", "config": {"url": url}}
                        await api.workflow([hook(name), call], [("hook", "call")])
                        execution = await api.finished(await api.post_webhook(name, {}))
                        if allowed and name == "other":
                            assert execution["status"] == "succeeded", execution
                        else:
                            assert execution["status"] == "failed", execution
                            assert execution["error"]["node"] == "call"
                            assert execution["error"]["hint"]
    assert len(inside.calls) == 1
