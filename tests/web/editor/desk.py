"""A person at the editor in Chromium, over real services."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, Page, WebSocket, expect

from tests.acceptance import browser, drawing
from tests.acceptance.api import Api, Refused
from tests.acceptance.stack import Stack

EMAIL, PASSWORD = "ada@example.com", "a long enough one"


class Desk:
    """A person at the editor: a tab, and the API to see what was stored."""

    def __init__(self, page: Page, api: Api, workflow_id: str) -> None:
        self.page, self.api, self.workflow_id = page, api, workflow_id
        self.frames: list[str] = []

    def at(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    async def open(self, web_url: str) -> None:
        self.page.on("websocket", self._listen)
        await self.page.goto(f"{web_url}/workflows/{self.workflow_id}")
        await self.at("canvas").wait_for()

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._heard)
        socket.on("framereceived", self._heard)

    def _heard(self, frame: str | bytes) -> None:
        self.frames.append(str(frame))

    async def stored(self) -> dict[str, Any]:
        """The draft, once everything is saved."""
        await expect(self.at("save-state")).to_have_text("Saved")
        found: dict[str, Any] = await self.api.call("GET", f"/workflows/{self.workflow_id}")
        return found

    async def keys(self) -> list[str]:
        return sorted(node["key"] for node in (await self.stored())["nodes"])

    async def links(self) -> set[tuple[str, str, str]]:
        return {(link["source"], link["source_port"], link["target"]) for link in (await self.stored())["connections"]}

    async def drop(self, type: str, x: int, y: int) -> None:
        await drawing.drop(self.page, type, x, y)

    async def handle(self, key: str, port: str) -> tuple[float, float]:
        return await drawing.handle(self.page, key, port)

    async def press(self, key: str, *, clicks: int = 1, slip: int = 0) -> None:
        """Click a card where it can be seen."""
        await drawing.press(self.page, key, clicks=clicks, slip=slip)

    async def centre(self, testid: str) -> tuple[float, float]:
        """The middle of an element, on the screen."""
        box = await self.at(testid).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    async def lies(self, testid: str, place: tuple[float, float], *, within: float) -> None:
        """Wait until the middle of an element is near a place on the screen."""
        until = time.monotonic() + 30
        while (now := await self.centre(testid)) != pytest.approx(place, abs=within) and time.monotonic() < until:
            await self.page.wait_for_timeout(50)
        assert now == pytest.approx(place, abs=within)

    async def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 12) -> None:
        """Press, move, let go."""
        await self.page.mouse.move(*start)
        await self.page.mouse.down()
        await self.page.mouse.move(start[0] + 4, start[1] + 4)  # how far it goes before it counts as a movement is lost
        await self.page.mouse.move(*end, steps=steps)
        await self.page.mouse.up()

    async def touch(self, moments: list[list[tuple[float, float]]]) -> None:
        """Fingers on the screen: where each is, moment by moment."""
        session = await self.page.context.new_cdp_session(self.page)
        for kind, points in [("touchStart", moments[0]), *(("touchMove", moment) for moment in moments[1:]), ("touchEnd", [])]:
            fingers = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
            await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
        await session.detach()
        await self.still()

    async def nodes(self) -> dict[str, dict[str, Any]]:
        """The stored draft's nodes by key."""
        return {node["key"]: node for node in (await self.stored())["nodes"]}

    async def still(self) -> None:
        """Wait until the view has stopped moving."""
        await drawing.still(self.page)

    async def connect(self, source: str, port: str, target: str) -> None:
        await drawing.connect(self.page, source, port, target)

    async def three_nodes(self) -> None:
        """A webhook, a filter and a call, connected in a row."""
        await self.drop("trigger.webhook", 160, 200)
        await self.drop("filter", 480, 200)
        await self.drop("http.request", 800, 200)
        await self.connect("webhook", "main", "filter")
        await self.connect("filter", "main", "http_request")
        await expect(self.page.locator(".react-flow__edge")).to_have_count(2)


@asynccontextmanager
async def at_desk(stack: Stack, *, width: int = 1440, height: int = 900, breaks: bool = False, touch: bool = False) -> AsyncIterator[Desk]:
    async with Api(stack.backend_url) as api:
        try:
            await api.log_in(EMAIL, PASSWORD)
        except Refused:  # the first test: nobody is there yet
            await api.sign_up(EMAIL, PASSWORD)
        workflow = await api.call("POST", "/workflows", json={"name": "Hot lead to chat"})
        permissions = ["clipboard-read", "clipboard-write"]
        async with browser.page(width=width, height=height, permissions=permissions, has_touch=touch) as page:
            wrong: list[str] = []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            await page.goto(f"{stack.web_url}/sign-in")
            await page.fill("input[name=email]", EMAIL)
            await page.fill("input[name=password]", PASSWORD)
            await page.get_by_role("button", name="Sign in").click()
            await page.wait_for_url("**/workflows")
            desk = Desk(page, api, workflow["id"])
            await desk.open(stack.web_url)
            yield desk
            assert breaks or wrong == []
