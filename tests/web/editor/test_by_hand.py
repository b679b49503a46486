"""The canvas under a hand that is in a hurry: connections let go somewhere on a card, taken up by an end, led back."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import Desk, at_desk
from tests.web.editor.test_node_panel import drawn

CASES = [{"label": "high", "condition": "{{ true }}"}, {"label": "low", "condition": "{{ false }}"}]
NODES: list[dict[str, Any]] = [
    {"key": "start", "type": "trigger.manual", "position": {"x": 80, "y": 300}},
    {"key": "check", "type": "branch", "config": {"cases": CASES}, "position": {"x": 380, "y": 300}},
    {"key": "call", "type": "http.request", "config": {"url": "http://127.0.0.1:9/"}, "position": {"x": 680, "y": 210}},
    {"key": "put", "type": "set", "position": {"x": 680, "y": 390}},
]
FIRST = ("start", "main", "check")


async def beside(desk: Desk, key: str, port: str) -> tuple[float, float]:
    """Where the end of a connection is taken up: a little away from its port."""
    x, y = await desk.handle(key, port)
    return x + (-22 if port == "in" else 22), y + 1


async def test_connections_are_let_go_on_cards_and_taken_up_by_their_ends(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        press = desk.page.keyboard.press
        await drawn(desk, NODES, [{"source": "start", "target": "check"}])
        x, y = await desk.centre("node-call")
        await desk.drag(await desk.handle("check", "high"), (x + 70, y + 12))
        assert await desk.links() == {FIRST, ("check", "high", "call")}
        await desk.drag(await beside(desk, "call", "in"), await desk.centre("node-put"))
        assert await desk.links() == {FIRST, ("check", "high", "put")}
        await desk.drag(await beside(desk, "check", "high"), await desk.handle("check", "low"))
        assert await desk.links() == {FIRST, ("check", "low", "put")}
        # In the open nothing becomes of it; each leading elsewhere is one step back.
        x, y = await desk.handle("put", "in")
        await desk.drag((x - 22, y), (x - 120, y + 240))
        await expect(desk.at("quick-add")).to_have_count(0)
        assert await desk.links() == {FIRST, ("check", "low", "put")}
        await press("Control+z")
        await press("Control+z")
        assert await desk.links() == {FIRST, ("check", "high", "call")}
        await desk.drag(await desk.handle("check", "else"), await desk.centre("node-start"))
        await expect(desk.at("notice")).to_contain_text("Manual is a trigger")

        # Backwards, from an input: onto a card, and into the open, where what comes before is added.
        await desk.drag(await desk.handle("put", "in"), await desk.centre("node-call"))
        assert ("call", "main", "put") in await desk.links()
        x, y = await desk.handle("call", "in")
        await desk.drag((x, y), (x - 160, y - 140))
        await desk.page.keyboard.type("set fields")
        await press("Enter")
        assert ("set", "main", "call") in await desk.links()
        assert (await desk.handle("set", "main"))[0] < x - 140
