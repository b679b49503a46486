"""The canvas in Chromium: how nodes get there and between others, how many are handled at once, and what is seen of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.backend.importing.test_n8n import fragment
from tests.web.editor.desk import Desk, at_desk
from tests.web.editor.test_keyboard import command

ROW = 25


async def zoom(desk: Desk) -> float:
    scale: float = await desk.page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform).a")
    return scale


async def chosen(desk: Desk, *keys: str) -> None:
    """Wait until exactly these nodes are marked as chosen."""
    await expect(desk.page.locator(".react-flow__node.selected")).to_have_count(len(keys))
    for key in keys:
        await expect(desk.page.locator(f".react-flow__node[data-id={key}]")).to_contain_class("selected")


async def offered(desk: Desk) -> list[str]:
    """What the small palette offers."""
    await expect(desk.at("quick-add")).to_be_visible()
    items = desk.at("quick-add").locator(".ed-item")
    return [str(await item.get_attribute("data-testid")).removeprefix("quick-item-") for item in await items.all()]


async def test_nodes_are_found_and_put_where_they_fit(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        page, press, mouse = desk.page, desk.page.keyboard.press, desk.page.mouse
        # The palette: in groups, searched by title, group and description.
        palette = desk.at("palette")
        groups = await palette.locator("h3").all_inner_texts()
        assert groups[:4] == ["Triggers", "Flow", "Data", "Network"]
        assert groups[-1] == "Notes"
        await palette.get_by_label("Search nodes").fill("status body")
        await expect(palette.locator(".ed-item-title")).to_have_text("HTTP request")
        await palette.get_by_label("Search nodes").fill("no such thing")
        await expect(palette).to_contain_text("Nothing by that name.")
        await palette.get_by_label("Search nodes").fill("")
        canvas = await desk.at("canvas").bounding_box()
        assert canvas is not None

        # Dropped where it is let go; after a port's "+", and from a port into the open, only what takes an input is offered.
        await desk.drop("trigger.webhook", 200, 200)
        x, y = await desk.centre("node-webhook")
        assert (x - canvas["x"], y - canvas["y"]) == pytest.approx((200, 200), abs=8)
        await desk.at("node-webhook").hover()
        await page.get_by_label("Add a node after webhook, port main").click()
        types = await offered(desk)
        assert {"set", "filter", "http.request"} <= set(types)
        assert not [one for one in types if one.startswith("trigger.") or one == "note"]
        await page.keyboard.type("branch")
        await press("ArrowDown")
        await press("ArrowUp")
        await press("Enter")
        assert await desk.links() == {("webhook", "main", "branch")}
        await desk.drag(await desk.handle("branch", "else"), (x + 420, y + 260))
        assert "trigger.manual" not in await offered(desk)
        await page.keyboard.type("delay")
        await press("Enter")
        assert ("branch", "else", "delay") in await desk.links()
        left, _ = await desk.handle("delay", "in")
        assert left == pytest.approx(x + 420, abs=10)

        # By a double click, at that place; by a key; by Tab after a click on the canvas, and by Tab elsewhere not.
        await page.locator(".react-flow__pane").dblclick(position={"x": 240, "y": 520})
        assert "trigger.manual" in await offered(desk)
        await page.keyboard.type("set fields")
        await press("Enter")
        assert (await desk.handle("set", "in"))[0] - canvas["x"] == pytest.approx(240, abs=10)
        for key in ("/", "n"):
            await press(key)
            await expect(desk.at("quick-add")).to_be_visible()
            await press("Escape")
        await page.locator(".react-flow__pane").click(position={"x": 600, "y": 640})
        await press("Tab")
        await expect(desk.at("quick-add")).to_be_visible()
        await press("Escape")
        await press("Tab")
        await expect(desk.at("quick-add")).to_have_count(0)

        # Into a connection: by its "+", dropped from the palette, and one that is there already, moved onto it.
        await press("f")
        await desk.still()
        before = (await desk.nodes())["branch"]["position"]["x"]
        (left, top), (right, bottom) = await desk.handle("webhook", "main"), await desk.handle("branch", "in")
        await mouse.move((left + right) / 2, (top + bottom) / 2, steps=4)
        await page.get_by_label("Insert a node here").click()
        assert not [one for one in await offered(desk) if one.startswith("trigger.")]
        await page.keyboard.type("filter")
        await press("Enter")
        assert {("webhook", "main", "filter"), ("filter", "main", "branch")} <= await desk.links()
        nodes = await desk.nodes()
        assert nodes["branch"]["position"]["x"] - before >= 200, "what follows made room"
        assert nodes["webhook"]["position"]["x"] + 224 < nodes["filter"]["position"]["x"] < nodes["branch"]["position"]["x"] - 224
        await press("Escape")
        await press("f")
        await desk.still()
        (left, top), (right, bottom) = await desk.handle("filter", "main"), await desk.handle("branch", "in")
        canvas = await desk.at("canvas").bounding_box()
        assert canvas is not None
        await desk.drop("http.request", int((left + right) / 2 - canvas["x"]), int((top + bottom) / 2 - canvas["y"]))
        assert {("filter", "main", "http_request"), ("http_request", "main", "branch")} <= await desk.links()
        await press("f")
        await desk.still()
        start = await desk.centre("node-set")
        (left, top), (right, bottom) = await desk.handle("webhook", "main"), await desk.handle("filter", "in")
        await desk.drag(start, ((left + right) / 2, (top + bottom) / 2))
        links = await desk.links()
        assert {("webhook", "main", "set"), ("set", "main", "filter")} <= links
        assert ("webhook", "main", "filter") not in links
        await press("Control+z")
        assert ("webhook", "main", "filter") in await desk.links()

        # F2 is at the name at once.
        await desk.press("delay")
        await press("Escape")
        await press("F2")
        await page.keyboard.type("Wait a day")
        await expect(desk.at("node-delay")).to_contain_text("Wait a day")


async def test_many_are_chosen_moved_copied_and_switched_at_once(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        page, press, mouse = desk.page, desk.page.keyboard.press, desk.page.mouse
        await desk.three_nodes()
        first = await desk.nodes()
        # A box around two of them; they move together, and stand in line with the third when they come near.
        x, y = await desk.centre("node-webhook")
        await page.keyboard.down("Shift")
        await expect(page.locator(".react-flow__pane.selection")).to_be_attached()
        await desk.drag((x - 118, y - 120), (x + 500, y + 120))
        await page.keyboard.up("Shift")
        await chosen(desk, "filter", "webhook")
        await mouse.move(x, y)
        await mouse.down()
        await mouse.move(x + 4, y + 4)
        await mouse.move(x + 30, y + 200, steps=8)
        await mouse.move(x + 30, y + 3, steps=8)
        await expect(desk.at("guide-y")).to_be_visible()
        await mouse.up()
        await expect(desk.at("guide-y")).to_have_count(0)
        nodes = await desk.nodes()
        gone = {key: (nodes[key]["position"]["x"] - first[key]["position"]["x"], nodes[key]["position"]["y"]) for key in nodes}
        assert gone["http_request"] == (0, first["http_request"]["position"]["y"])
        assert gone["webhook"] == gone["filter"] == (pytest.approx(30, abs=10), gone["http_request"][1])
        await press("Control+z")
        assert {key: node["position"] for key, node in (await desk.nodes()).items()} == {k: n["position"] for k, n in first.items()}

        # A key switches both off and on, a click with Shift chooses one more.
        await press("d")
        assert [node["disabled"] for node in (await desk.nodes()).values()] == [True, True, False]
        await expect(desk.at("node-filter")).to_contain_text("Off")
        await press("d")
        await desk.page.keyboard.down("Shift")
        await desk.press("http_request")
        await desk.page.keyboard.up("Shift")
        await chosen(desk, "filter", "http_request", "webhook")

        # Duplicates are what is chosen then. Cut, they come back where the pointer is.
        await press("Control+d")
        await chosen(desk, "filter_2", "http_request_2", "webhook_2")
        assert len(await desk.links()) == 4
        await press("Control+x")
        await expect(desk.at("notice")).to_contain_text("3 nodes cut")
        assert await desk.keys() == ["filter", "http_request", "webhook"]
        canvas = await desk.at("canvas").bounding_box()
        assert canvas is not None
        spot = (canvas["x"] + 140, canvas["y"] + 480)
        await mouse.move(*spot)
        await press("Control+v")
        await expect(desk.at("node-webhook_2")).to_be_visible()
        box = await desk.at("node-webhook_2").bounding_box()
        assert box is not None
        assert (box["x"], box["y"]) == pytest.approx(spot, abs=8)
        assert len(await desk.links()) == 4
        await press("Control+z")
        assert await desk.keys() == ["filter", "http_request", "webhook"]
        await press("Control+Shift+z")
        assert len(await desk.keys()) == 6

        # The clipboard's text is JSON; another tab, with another workflow, takes it.
        await press("Control+a")
        await press("Control+c")
        assert '"kind": "trestle/nodes"' in await page.evaluate("navigator.clipboard.readText()")
        other = await desk.api.call("POST", "/workflows", json={"name": "Another"})
        tab = await page.context.new_page()
        there = Desk(tab, desk.api, other["id"])
        await there.open(stack.web_url)
        await expect(there.at("empty")).to_be_visible()
        await tab.keyboard.press("Control+v")
        assert len(await there.keys()) == 6
        assert len(await there.links()) == 4
        mine, theirs = await desk.nodes(), await there.nodes()
        assert mine["webhook"]["config"]["path"] != theirs["webhook"]["config"]["path"], "two can't listen at one address"
        await tab.evaluate("navigator.clipboard.writeText('a shopping list')")
        await tab.keyboard.press("Control+v")
        await expect(there.at("notice")).to_contain_text("no nodes")

        # What was copied in n8n is converted, goes under the pointer and says what could not be taken over: one step of the history.
        await tab.evaluate("text => navigator.clipboard.writeText(text)", json.dumps(fragment()))
        x, y = await there.centre("canvas")
        await tab.mouse.move(x, y + 100)
        await tab.keyboard.press("Control+v")
        remarks = there.at("paste-remarks")
        await expect(remarks).to_contain_text(
            "Node “Tell the chat” › jsonBody › text The expression “$json.body.name.padEnd(9)” can't be taken over"
        )
        await expect(remarks).to_contain_text("Node “Code” There is no counterpart")
        await there.at("paste-remarks-close").click()
        await expect(remarks).to_have_count(0)
        nodes = await there.nodes()
        assert nodes["is_it_hot"]["config"]["cases"][0]["condition"].startswith("{{ (payload.score >= 80)")
        assert {("webhook_3", "main", "is_it_hot"), ("is_it_hot", "true", "tell_the_chat")} <= await there.links()
        card = await there.at("node-webhook_3").bounding_box()
        assert card is not None
        assert (card["x"], card["y"]) == pytest.approx((x, y + 180), abs=60), "the corner of all of it lies there"
        await tab.keyboard.press("Control+z")
        assert len(await there.keys()) == 6
        await tab.evaluate('navigator.clipboard.writeText(\'{"nodes": [3], "connections": 4}\')')
        await tab.keyboard.press("Control+v")
        await expect(there.at("notice")).to_contain_text("Nothing was pasted.")
        await tab.close()

        # Deleted, the keys go on where they were; a copy from the panel is what the panel shows.
        await page.bring_to_front()
        await press("Delete")
        assert await desk.keys() == []
        await press("Control+z")
        assert len(await desk.keys()) == 6
        await desk.press("filter")
        await desk.at("panel").get_by_label("Duplicate").click()
        await expect(desk.at("field-key").locator("input")).to_have_value("filter_3")


async def test_what_is_seen_of_a_graph(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        page, press, mouse = desk.page, desk.page.keyboard.press, desk.page.mouse
        await desk.three_nodes()
        # Ports have names where there are several; what publish would refuse is marked, with the reason.
        await expect(desk.at("node-filter").locator(".ed-port-label")).to_have_text(["main", "rejected"])
        await expect(desk.at("node-webhook").locator(".ed-port-label")).to_have_count(0)
        await desk.stored()
        await desk.at("problem-filter").hover()
        await expect(page.get_by_role("tooltip")).to_contain_text("Condition")
        await expect(desk.at("problem-filter")).to_have_class("ed-card-wrong is-calm")  # nobody has got anything wrong yet
        await expect(desk.at("problem-webhook")).to_have_count(0)

        # Two fingers, or the wheel, move the view; with Ctrl (and by a pinch) they zoom at the pointer: what is under it stays there.
        x, y = await desk.centre("node-filter")
        await mouse.move(x, y)
        await mouse.wheel(40, 60)
        await desk.lies("node-filter", (x - 40, y - 60), within=2)
        await mouse.wheel(-40, -60)
        await desk.lies("node-filter", (x, y), within=2)
        await page.keyboard.down("Control")
        for _ in range(3):
            await mouse.wheel(0, -120)
            await page.wait_for_timeout(60)
        await page.keyboard.up("Control")
        await desk.still()
        assert await zoom(desk) > 1.2
        await desk.lies("node-filter", (x, y), within=4)
        await desk.drag((x, y + 220), (x - 200, y + 120))
        await desk.lies("node-filter", (x - 200, y - 100), within=6)
        assert {node["position"]["y"] for node in (await desk.nodes()).values()} == {(await desk.nodes())["filter"]["position"]["y"]}
        map_ = await page.locator(".react-flow__minimap svg").bounding_box()
        assert map_ is not None
        before = await desk.centre("node-filter")
        middle = (map_["x"] + map_["width"] / 2, map_["y"] + map_["height"] / 2)
        await desk.drag(middle, (middle[0] + 20, middle[1]))
        await desk.still()
        assert (await desk.centre("node-filter"))[0] < before[0] - 20
        await desk.at("fit").click()
        await desk.still()
        boxes = [await desk.at(f"node-{key}").bounding_box() for key in ("webhook", "filter", "http_request")]
        canvas = await desk.at("canvas").bounding_box()
        assert canvas is not None
        assert all(box and canvas["x"] <= box["x"] and box["x"] + box["width"] <= canvas["x"] + canvas["width"] for box in boxes)

        # The panel doesn't cover the card that it is about, and leaves the view as it found it. The keys are on a sheet.
        found = await desk.centre("node-http_request")
        await desk.press("http_request")
        await desk.still()
        card, panel = await desk.at("node-http_request").bounding_box(), await desk.at("panel").bounding_box()
        assert card is not None
        assert panel is not None
        assert card["x"] + card["width"] <= panel["x"]
        await press("Escape")
        await expect(desk.at("panel")).to_have_count(0)
        await desk.lies("node-http_request", found, within=2)
        await press("?")
        sheet = page.get_by_role("dialog")
        for words in (
            "Add a node",
            "Add a note",
            "Undo",
            "Duplicate",
            "Tidy up",
            "Rename",
            "Choose with a box",
            "Fit into view",
            "note smaller or larger",
        ):
            await expect(sheet).to_contain_text(words)
        await press("Escape")

        # Dark as the page is.
        await expect(page.locator(".react-flow")).to_have_class("react-flow light")
        await page.evaluate("document.documentElement.classList.replace('light', 'dark') || document.documentElement.classList.add('dark')")
        await expect(page.locator(".react-flow")).to_have_class("react-flow dark")


async def test_five_hundred_nodes_are_handled(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        page, press = desk.page, desk.page.keyboard.press
        nodes: list[dict[str, Any]] = [
            {"key": f"n{i}", "type": "set" if i else "trigger.manual", "position": {"x": i % ROW * 280, "y": i // ROW * 120}}
            for i in range(499)
        ]
        nodes.append({"key": "about", "type": "note", "config": {"text": "All of it", "width": 2000}, "position": {"x": 0, "y": -200}})
        links = [{"source": f"n{i}", "target": f"n{i + 1}"} for i in range(498) if (i + 1) % ROW]
        large = await desk.api.call("POST", "/workflows", json={"name": "Large", "nodes": nodes, "connections": links})
        desk.workflow_id = large["id"]
        await desk.open(stack.web_url)
        cards = page.locator(".react-flow__node")
        await expect(cards).to_have_count(500)
        scale = await zoom(desk)
        assert scale < 0.22
        line = await desk.at("node-n260").evaluate("card => parseFloat(getComputedStyle(card).outlineWidth)")
        assert line * scale > 0.7, "cards have an outline that can be seen, from afar too"
        await command(desk, "n260")
        await expect(desk.at("field-key").locator("input")).to_have_value("n260")
        await desk.still()
        assert await cards.count() < 120, "what is out of sight isn't drawn"
        x, y = await desk.centre("node-n260")
        before = len(desk.frames)
        await desk.drag((x, y), (x + 40, y + 50), steps=40)
        moved = (await desk.nodes())["n260"]["position"]
        assert moved != nodes[260]["position"]
        # What is said every now and then anyway, that somebody is here, is no part of the drag.
        assert len([frame for frame in desk.frames[before:] if frame not in ("2", "3") and ".watch" not in frame]) <= 5
        await press("Escape")
        await press("Control+a")
        await expect(page.locator(".react-flow__node.selected").first).to_be_visible()
        await press("ArrowDown")
        assert (await desk.nodes())["about"]["position"]["y"] == -190
        await press("Control+z")
        await press("Control+z")
        again = await desk.nodes()
        assert {key: node["position"] for key, node in again.items()} == {node["key"]: node["position"] for node in nodes}
