"""The canvas under a hand that is in a hurry: connections let go somewhere on a card, taken up by an end, led back; the menu."""

from __future__ import annotations

from typing import Any

import pytest
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
        # So is a short one, whose tools lie in between.
        x, y = await desk.handle("start", "main")
        await desk.page.mouse.move(x + 38, y + 1)
        await expect(desk.page.get_by_label("Insert a node here")).to_be_visible()
        await desk.drag(await beside(desk, "start", "main"), await desk.centre("node-call"))
        assert await desk.links() == {("call", "main", "check"), ("check", "low", "put")}
        await press("Control+z")
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

        # A case gets another label, letter by letter: its connection goes with it, and comes back in one step. Removed, it takes it along.
        await desk.press("check")
        label = desk.at("field-cases").get_by_label("Label").first
        await label.press("End")
        await desk.page.keyboard.type("est")
        await expect(desk.page.locator(".react-flow__edge")).to_have_count(2)
        assert ("check", "highest", "call") in await desk.links()
        await desk.at("undo").click()
        await expect(label).to_have_value("high")
        assert await desk.links() == {FIRST, ("check", "high", "call")}
        await desk.at("field-cases").get_by_label("Remove entry 1").click()
        assert await desk.links() == {FIRST}
        await desk.at("undo").click()
        assert await desk.links() == {FIRST, ("check", "high", "call")}
        await press("Escape")
        await press("Escape")
        await expect(desk.at("panel")).to_have_count(0)
        await desk.still()

        # Backwards, from an input: onto a card, and into the open, where what comes before is added.
        await desk.drag(await desk.handle("put", "in"), await desk.centre("node-call"))
        assert ("call", "main", "put") in await desk.links()
        x, y = await desk.handle("call", "in")
        await desk.drag((x, y), (x - 160, y - 140))
        await expect(desk.at("quick-add").locator("input")).to_be_focused()
        await desk.page.keyboard.type("set fields")
        await press("Enter")
        assert ("set", "main", "call") in await desk.links()
        assert (await desk.handle("set", "main"))[0] < x - 140


async def test_a_right_click_offers_what_can_be_done(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        page, press, mouse = desk.page, desk.page.keyboard.press, desk.page.mouse
        menu = desk.at("canvas-menu")

        async def pick(name: str) -> None:
            await menu.get_by_role("menuitem", name=name).click()
            await expect(menu).to_have_count(0)

        await drawn(desk, NODES, [{"source": "start", "target": "check"}])
        await mouse.click(*await desk.centre("node-put"), button="right")
        await expect(page.locator(".react-flow__node.selected")).to_have_attribute("data-id", "put")
        await pick("Rename")
        await expect(desk.at("node-name")).to_be_focused()
        await page.keyboard.type("Put it")
        await expect(desk.at("node-put")).to_contain_text("Put it")
        await press("Escape")
        await press("Escape")
        # By keyboard; letters go to the menu then, not to the canvas. What is chosen together is meant together.
        await page.locator(".react-flow__node[data-id=call]").focus()
        await press("Shift+F10")
        await expect(menu).to_contain_text("Run up to here")
        await press("d")
        await press("Escape")
        await expect(menu).to_have_count(0)  # while it fades away, its end takes the focus from one that opens
        await press("Control+a")
        await mouse.click(*await desk.centre("node-check"), button="right")
        await expect(menu).to_contain_text("Delete 4 nodes")
        await expect(menu).not_to_contain_text("Rename")
        await pick("Copy")
        await expect(desk.at("notice")).to_contain_text("4 nodes copied")
        x, y = await desk.centre("node-check")
        for count in (8, 12):
            await mouse.click(x, y + 260, button="right")
            await pick("Paste")
            await expect(page.locator(".react-flow__node")).to_have_count(count)  # browsers hand over what they hold in their own time
            assert len(await desk.keys()) == count
        places = [(node["position"]["x"], node["position"]["y"]) for node in (await desk.nodes()).values()]
        assert len(set(places)) == 12, "none hides another"
        await press("Control+z")
        await press("Control+z")
        nodes = await desk.nodes()
        assert len(nodes) == 4
        assert not any(node["disabled"] for node in nodes.values())
        # A connection; the canvas, where a node is put.
        (left, top), (right, bottom) = await desk.handle("start", "main"), await desk.handle("check", "in")
        await mouse.click((left + right) / 2, (top + bottom) / 2, button="right")
        await pick("Remove this connection")
        assert await desk.links() == set()
        await mouse.click(x, y + 160, button="right")
        await pick("Add a node")
        await expect(desk.at("quick-add").locator("input")).to_be_focused()
        await page.keyboard.type("delay")
        await press("Enter")
        assert await desk.handle("delay", "in") == pytest.approx((x, y + 160), abs=10)
        await mouse.click(*await desk.centre("node-delay"), button="right")
        await pick("Cut")
        await expect(desk.at("node-delay")).to_have_count(0)
        assert await desk.keys() == ["call", "check", "put", "start"]
