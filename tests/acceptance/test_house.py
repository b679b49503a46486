"""What operators and node authors rely on: own nodes, secrets that stay secret, addresses that stay closed."""

from pathlib import Path
from typing import Any

import asyncpg

from tests.acceptance.api import Api
from tests.acceptance.peer import peer
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


async def test_a_secret_reaches_the_service_it_is_for_and_nothing_else(stack: Stack) -> None:
    secret = "canary-3b1f5d7a9c"
    async with peer() as service, Api(stack.backend_url) as api:
        await api.sign_up()
        body = {"name": "Chat", "type": "bearer", "data": {"token": secret}, "allowed_hosts": ["127.0.0.1"]}
        credential = await api.call("POST", "/credentials", json=body)
        assert secret not in str(credential)
        config = {"method": "POST", "url": f"{service.url}/in", "credential": credential["id"], "body": {"echo": "{{ payload.echo }}"}}
        call = {"key": "call", "type": "http.request", "config": config}
        workflow = await api.workflow([hook("go"), call], [("hook", "call")])
        execution = await api.finished(await api.post_webhook("go", {"echo": "hi"}))
        assert execution["status"] == "succeeded", execution
        assert service.calls[0].headers["authorization"] == f"Bearer {secret}"

        seen = [
            await api.call("GET", f"/credentials/{credential['id']}"),
            await api.call("GET", "/credentials"),
            await api.call("GET", f"/workflows/{workflow['id']}/export"),
            execution,
            await api.steps(execution["id"]),
        ]
        assert secret not in str(seen)
        assert secret not in "".join(stack.log(name) for name in ("backend", "executor"))
        connection = await asyncpg.connect(stack.database_url)
        try:
            for table in [
                row["tablename"] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            ]:
                assert not await connection.fetchval(f"select count(*) from {table} t where t::text like '%{secret}%'"), table
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
