"""`python -m trestle up` with everything real: the first start, a killed executor, and a second start on the same data."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from tests.acceptance.api import Api
from tests.launcher.launched import READY, launched, wait_until_gone
from trestle.cli import ports
from trestle.cli.services import PROJECT

SHOUT = [
    {"key": "start", "type": "trigger.webhook", "config": {"path": "shout"}},
    {"key": "shout", "type": "text.shout", "config": {"text": "{{ payload.word }}!"}},
]


async def test_from_nothing_to_a_second_start(tmp_path: Path) -> None:
    home, nodes = tmp_path / "home", tmp_path / "nodes"
    backend_port, web_port = ports.free_port(), ports.free_port()
    backend, web = f"http://127.0.0.1:{backend_port}", f"http://127.0.0.1:{web_port}"
    env = {"TRESTLE_NODES_DIR": str(nodes)}
    command = [sys.executable, "-m", "trestle", "node", "text.shout"]
    subprocess.run(command, env={**os.environ, **env}, cwd=PROJECT, check=True, capture_output=True)

    with launched(home, backend_port=backend_port, web_port=web_port, env=env) as launcher:
        launcher.wait_for("Making the database")
        launcher.wait_for(READY, timeout_s=120)
        async with Api(backend) as api:
            await api.sign_up()
            types = [entry["type"] for entry in (await api.call("GET", "/node-types"))["items"]]
            assert "text.shout" in types, "an own node is in the catalogue without another change"
            await api.workflow(SHOUT, [("start", "shout")], name="Shout")
            execution = await api.finished(await api.post_webhook("shout", {"word": "Hello"}))
            assert execution["output"] == {"text": "Hello!"}

            os.kill(launcher.children()["executor"], signal.SIGKILL)
            launcher.wait_for("executor was killed", timeout_s=10)
            execution = await api.finished(await api.post_webhook("shout", {"word": "Again"}), within_s=40)
            assert execution["output"] == {"text": "Again!"}
        assert await status(f"{web}/") == 200
        children = launcher.children()
        assert launcher.end(signal.SIGINT) == 0
        wait_until_gone(children, timeout_s=1)

    began = time.monotonic()
    with launched(home, backend_port=backend_port, web_port=web_port, env=env) as launcher:
        launcher.wait_for(READY)
        assert time.monotonic() - began < 10
        assert "Making the database" not in launcher.output
        async with Api(backend) as api:
            await api.log_in()
            assert [workflow["name"] for workflow in (await api.call("GET", "/workflows"))["items"]] == ["Shout"]
            execution = await api.finished(await api.post_webhook("shout", {"word": "Still here"}))
            assert execution["output"] == {"text": "Still here!"}
        assert launcher.end(signal.SIGTERM) == 0


async def status(url: str) -> int:
    """The status that a page answers with."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        await asyncio.wait_for(answer.read(), 10)
        return answer.status
