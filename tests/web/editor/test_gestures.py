"""The editor in Chromium over real services: every gesture, and that what it did is stored."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import at_desk


async def test_nodes_are_drawn_connected_configured_and_kept(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.three_nodes()
        await desk.connect("webhook", "main", "filter")
        await expect(desk.at("notice")).to_contain_text("connected already")
        await desk.connect("http_request", "main", "filter")
        await expect(desk.at("notice")).to_contain_text("circle")
        assert await desk.links() == {("webhook", "main", "filter"), ("filter", "main", "http_request")}

        await desk.press("filter", slip=2)  # a hand is never quite still: that is a click all the same
        await desk.at("field-condition").locator("textarea").fill("{{ payload.score >= 80 }}")
        await desk.press("http_request", slip=3)
        await desk.at("field-query").get_by_role("button", name="Add").click()
        await desk.at("field-query").locator("input").first.fill("who")
        await desk.at("field-query").locator("input, textarea").nth(1).focus()
        await expect(desk.at("data-none")).to_contain_text("Run the workflow once")
        await expect(desk.at("data-tree")).not_to_contain_text("null")
        await desk.at("data-tree").get_by_title("{{ nodes.webhook }}").click()
        await desk.at("field-method").locator("select").select_option("POST")
        await desk.at("field-url").locator("input").fill("https://chat.example/hook")
        await desk.at("field-body").locator("textarea").fill('{"content": "{{ payload.name }}", "n": 3}')
        await desk.at("field-key").locator("input").fill("tell")
        await desk.page.keyboard.press("Enter")
        await desk.at("node-name").fill("Tell the chat")
        await desk.at("tab-policies").click()
        await desk.at("field-max_attempts").locator("input").fill("3")
        await desk.at("field-on_error").locator("select").select_option("branch")
        stored = {node["key"]: node for node in (await desk.stored())["nodes"]}
        assert stored["filter"]["config"] == {"condition": "{{ payload.score >= 80 }}"}
        tell = stored["tell"]
        assert tell["config"]["query"] == {"who": "{{ nodes.webhook }}"}
        assert tell["config"]["body"] == {"content": "{{ payload.name }}", "n": 3}
        assert (tell["config"]["method"], tell["config"]["url"]) == ("POST", "https://chat.example/hook")
        assert (tell["name"], tell["retry"]["max_attempts"], tell["on_error"]) == ("Tell the chat", 3, "branch")
        assert ("filter", "main", "tell") in await desk.links()

        await desk.page.reload()
        await expect(desk.at("node-tell")).to_contain_text("POST chat.example/hook")
        await expect(desk.at("node-filter")).to_contain_text("payload.score >= 80")


async def test_everything_can_be_undone_and_done_again(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.three_nodes()
        await desk.press("filter")
        await desk.at("field-condition").locator("textarea").fill("{{ true }}")
        await desk.page.keyboard.press("Escape")
        await desk.page.locator(".react-flow__pane").click(position={"x": 500, "y": 700})
        whole = await desk.stored()
        for _ in range(6):
            await desk.at("undo").click()
        assert await desk.keys() == []
        await expect(desk.at("empty")).to_be_visible()
        for _ in range(6):
            await desk.page.keyboard.press("Control+Shift+z")
        again = await desk.stored()
        assert [node["config"] for node in again["nodes"]] == [node["config"] for node in whole["nodes"]]
        assert len(again["connections"]) == 2


# At its middle there are its tools, once the pointer is on it.
A_QUARTER_IN = """path => {
    const { x, y } = path.getPointAtLength(path.getTotalLength() / 4).matrixTransform(path.getScreenCTM());
    return [x, y];
}"""


async def test_nodes_are_copied_moved_tidied_and_removed(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.three_nodes()
        await desk.stored()
        before = len(desk.frames)
        box = await desk.at("node-filter").bounding_box()
        assert box is not None
        await desk.page.mouse.move(box["x"] + 90, box["y"] + 30)
        await desk.page.mouse.down()
        await desk.page.mouse.move(box["x"] + 150, box["y"] + 190, steps=60)
        await desk.page.mouse.up()
        moved = {node["key"]: node["position"] for node in (await desk.stored())["nodes"]}
        assert moved["filter"]["y"] - moved["webhook"]["y"] == pytest.approx(160, abs=20)
        assert len(desk.frames) - before <= 5, "a drag is one operation, whatever its length"

        await desk.page.keyboard.press("Control+a")
        await desk.page.keyboard.press("Control+c")
        await desk.page.keyboard.press("Control+v")
        assert await desk.keys() == ["filter", "filter_2", "http_request", "http_request_2", "webhook", "webhook_2"]
        assert len(await desk.links()) == 4
        await desk.page.keyboard.press("t")
        tidy = [node["position"] for node in (await desk.stored())["nodes"]]
        assert len({(position["x"], position["y"]) for position in tidy}) == 6
        await desk.page.keyboard.press("Delete")
        assert await desk.keys() == ["filter", "http_request", "webhook"]
        await desk.still()
        connection = desk.page.get_by_label("Edge from webhook to filter").locator(".react-flow__edge-path")
        await desk.page.mouse.click(*await connection.evaluate(A_QUARTER_IN))
        await desk.page.keyboard.press("Delete")
        assert len(await desk.links()) == 1
        await desk.page.keyboard.press("/")
        await desk.page.keyboard.type("branch")
        await desk.page.keyboard.press("Enter")
        await desk.at("palette-item-set").focus()
        await desk.page.keyboard.press("Enter")
        assert await desk.keys() == ["branch", "filter", "http_request", "set", "webhook"]


async def test_a_phone_has_it_all_too(stack: Stack) -> None:
    async with at_desk(stack, width=390, height=844, touch=True) as desk:
        await desk.at("palette-open").click()
        await desk.at("palette-item-trigger.webhook").click()
        # Two fingers zoom; one pans, from a card as well: nothing is moved by accident.
        place = (await desk.nodes())["webhook"]["position"]
        box = await desk.at("node-webhook").bounding_box()
        assert box is not None
        x, y = box["x"] + 30, box["y"] + 20
        await desk.touch([[(x, y)], *([(x + 10 * i, y + 12 * i)] for i in range(1, 8))])
        panned = await desk.at("node-webhook").bounding_box()
        assert panned is not None
        assert (panned["x"] - box["x"], panned["y"] - box["y"]) == pytest.approx((70, 84), abs=12)
        await desk.touch([[(150 - 8 * i, 650), (240 + 8 * i, 650)] for i in range(8)])
        zoomed = await desk.at("node-webhook").bounding_box()
        assert zoomed is not None
        assert zoomed["width"] > 1.4 * panned["width"]
        assert (await desk.nodes())["webhook"]["position"] == place
        await desk.at("fit").tap()
        await desk.still()
        # A finger that lies still for a moment opens the menu; lifted, it opens nothing else.
        x, y = await desk.centre("node-webhook")
        finger = await desk.page.context.new_cdp_session(desk.page)
        await finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        await expect(desk.at("canvas-menu")).to_be_visible()
        await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        await desk.page.get_by_role("menuitem", name="Switch off").tap()
        await expect(desk.at("canvas-menu")).to_have_count(0)
        await expect(desk.at("panel")).to_have_count(0)
        assert (await desk.nodes())["webhook"]["disabled"]
        await desk.at("undo").tap()
        await desk.at("node-webhook").tap()
        panel = await desk.at("panel").bounding_box()
        assert panel is not None
        assert (panel["x"], panel["width"]) == (0, 390)
        await desk.at("field-path").locator("input").fill("from-a-phone")
        stored = await desk.stored()
        assert stored["nodes"][0]["config"]["path"] == "from-a-phone"
        width = await desk.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, "nothing sticks out"
