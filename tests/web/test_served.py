"""The built front end, served as it is in production, in a real browser, over a made-up backend."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web as server

from tests.acceptance.browser import page
from tests.web.conftest import ADA, KEY, answering, tokens
from trestle.cli.ports import free_port
from web.build import DEFAULT_OUT, build


@pytest.fixture(scope="module")
def built() -> Path:
    build(DEFAULT_OUT)
    return DEFAULT_OUT


class Fresh:
    """A backend for one account, without workflows."""

    def __init__(self) -> None:
        self.empty = True

    def __call__(self, request: server.Request) -> server.Response:
        path = request.path.removeprefix("/api/v1")
        if path == "/users/registration":
            return server.json_response({"first": self.empty, "open": self.empty})
        if path == "/users/register":
            self.empty = False
            return server.json_response(ADA.model_dump(mode="json"), status=201)
        if path == "/users/me":
            return server.json_response(ADA.model_dump(mode="json"))
        if path == "/users/login":
            return server.json_response(tokens().model_dump())
        if request.path.endswith("/workflows/labels"):
            return server.json_response({"tags": [], "folders": []})
        return server.json_response({"items": [], "next_cursor": None, "unread": 0})


@asynccontextmanager
async def serving(built: Path, backend_url: str) -> AsyncIterator[str]:
    """`python -m web`, as an address."""
    port = free_port()
    env = {"TRESTLE_WEB_KEY": KEY, "TRESTLE_WEB_PORT": str(port), "TRESTLE_BACKEND_URL": backend_url, "TRESTLE_WEB_BUILD": str(built)}
    process = subprocess.Popen([sys.executable, "-m", "web"], env={**os.environ, **env}, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as client:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    async with client.get(f"{url}/ping"):
                        break
                except aiohttp.ClientError:
                    assert process.poll() is None, process.stderr and process.stderr.read()
                    time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert process.returncode in (0, -15)
    assert "Traceback" not in said, said


async def test_a_newcomer_signs_up_and_out_in_a_browser(built: Path) -> None:
    async with answering(Fresh()) as backend_url, serving(built, backend_url) as url, page() as tab:
        wrong: list[str] = []
        tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        await tab.goto(url)
        await tab.get_by_text("The first account owns this installation.").wait_for()
        await tab.fill("input[name=name]", "Ada")
        await tab.fill("input[name=email]", "ada@example.org")
        await tab.fill("input[name=password]", "correct horse")
        await tab.get_by_role("button", name="Create account").click()
        await tab.get_by_role("button", name="New workflow").wait_for()
        await tab.get_by_text("Build your first workflow").wait_for()
        for name in ("Executions", "Credentials"):
            await tab.get_by_role("link", name=name).click()
            await tab.get_by_role("heading", name=name, level=1).wait_for()
        # No script of the page can read the session.
        assert await tab.evaluate("document.cookie") == ""
        await tab.get_by_role("button", name="Account").click()
        await tab.get_by_role("menuitem", name="Sign out").click()
        await tab.get_by_text("You are signed out.").wait_for()
        # The page's policy forbids whatever was not built: it must not have been in the page's own way.
        assert wrong == []


async def test_a_stranger_on_the_event_socket_gets_nowhere(built: Path) -> None:
    async with answering(Fresh()) as backend_url, serving(built, backend_url) as url, aiohttp.ClientSession() as client:
        socket = url.replace("http", "ws") + "/_event/?token=t&EIO=4&transport=websocket"
        for headers in ({}, {"Origin": "http://evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await client.ws_connect(socket, headers=headers)
            assert caught.value.status == 403
        async with client.get(f"{url}/workflows", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/workflows")
        async with client.get(f"{url}/sign-in") as answer:
            inline = re.findall(r"<script(?![^>]*src=)[^>]*>", await answer.text())
            assert answer.headers["Content-Security-Policy"].count("'sha256-") > 0 < len(inline)


async def test_a_start_without_a_build_or_a_key_says_what_to_do(built: Path, tmp_path: Path) -> None:
    def said(**env: str) -> str:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("TRESTLE_")}
        done = subprocess.run([sys.executable, "-m", "web"], env=bare | env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        return done.stderr

    assert "TRESTLE_WEB_KEY" in said()
    assert "at least 32 bytes" in said(TRESTLE_WEB_KEY="short")
    assert "python -m web.build" in said(TRESTLE_WEB_KEY=KEY, TRESTLE_WEB_BUILD=str(tmp_path))
