"""A workflow without a pointer: commands, the outline, keys; and how wide the panel is."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import Desk, at_desk

STOP = "() => document.activeElement.closest('.react-flow__node, .react-flow__edge')?.dataset.id"
"""The key of the card, or the ends of the connection, that has the focus."""


async def command(desk: Desk, words: str) -> None:
    """Find a command by typing and do it."""
    await desk.page.keyboard.press("Control+k")
    await expect(desk.at("commands").get_by_role("combobox")).to_be_focused()
    await desk.page.keyboard.type(words)
    await desk.page.keyboard.press("Enter")
    await expect(desk.at("commands")).to_have_count(0)


async def test_a_workflow_is_made_by_keyboard_alone(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        press = desk.page.keyboard.press
        await desk.at("palette-item-set").wait_for()
        await command(desk, "webhook")
        await command(desk, "set fields")
        await command(desk, "filter")
        assert await desk.keys() == ["filter", "set", "webhook"]

        # From the outline: the webhook leads to the fields, these to the filter.
        await command(desk, "outline")
        await expect(desk.at("outline-webhook").locator(".ed-outline-open")).to_be_focused()
        for source, target in (("webhook", "set"), ("set", "filter")):
            connect = desk.at(f"outline-{source}").get_by_role("button", name=re.compile("^Connect"))
            await connect.focus()
            await press("Enter")
            await expect(desk.at(f"connect-{source}")).to_be_focused()
            await desk.at(f"connect-{source}").select_option(f"main\n{target}")
            await expect(connect).to_be_focused()  # again, a moment later
        assert await desk.links() == {("webhook", "main", "set"), ("set", "main", "filter")}
        rows = desk.at("outline").locator(".ed-outline-row")
        assert [await row.get_attribute("data-testid") for row in await rows.all()] == ["outline-webhook", "outline-set", "outline-filter"]
        await expect(desk.at("outline-webhook")).to_contain_text("→ Set fields")

        # Enter opens a node. Its new key is followed by what names it.
        await desk.at("outline-filter").locator(".ed-outline-open").focus()
        await press("Enter")
        await desk.at("field-condition").locator("textarea").fill("{{ nodes.set.ok and 'nodes.set' }}")
        await command(desk, "set fields")
        await desk.at("field-key").locator("input").fill("lead")
        await press("Enter")
        stored = {node["key"]: node for node in (await desk.stored())["nodes"]}
        assert stored["filter"]["config"] == {"condition": "{{ nodes.lead.ok and 'nodes.set' }}"}

        # The arrows move what is chosen, wherever the focus is; the panel is as wide as it was left.
        await press("Escape")
        before = stored["lead"]["position"]
        for _ in range(3):
            await press("ArrowDown")
        after = {node["key"]: node for node in (await desk.stored())["nodes"]}["lead"]["position"]
        assert (after["x"], after["y"]) == (before["x"], before["y"] + 30)
        await command(desk, "outline")
        width = desk.at("panel-width")
        await width.focus()
        await press("ArrowLeft")
        await desk.page.reload()
        await desk.press("lead")
        await expect(width).to_have_attribute("aria-valuenow", "416")

        # What is added by key follows the chosen card. The arrows lead through the palette, which is one stop for Tab.
        await press("/")
        await expect(desk.at("quick-add").locator("input")).to_have_attribute("placeholder", "Add a node after Set fields …")
        await desk.page.keyboard.type("delay")
        await press("Enter")
        assert ("lead", "main", "delay") in await desk.links()
        await expect(desk.at("field-key").locator("input")).to_have_value("delay")  # the panel goes on to it

        # Ctrl and an arrow go from node to node, and the panel with them; Tab and Enter then go on from there.
        for arrow, key in (("Left", "lead"), ("Left", "webhook"), ("Right", "lead"), ("Right", "filter")):
            await press(f"Control+Arrow{arrow}")
            await expect(desk.at("field-key").locator("input")).to_have_value(key)
            await expect(desk.page.locator(":focus")).to_have_attribute("data-id", key)

        # Tab goes through the cards as data does, then through the connections.
        await desk.page.locator(".react-flow__node[data-id=webhook]").focus()
        stops: list[str] = []
        while len([stop for stop in stops if "/" in stop]) < 3 and len(stops) < 40:
            stops.append(await desk.page.evaluate(STOP) or "elsewhere")
            await press("Tab")
        passed = list(dict.fromkeys(stops))
        assert passed[:2] == ["webhook", "lead"]
        assert set(passed[2:4]) == {"delay", "filter"}
        assert set(passed[4:]) == {"webhook/main/lead", "lead/main/filter", "lead/main/delay"}
        await desk.page.get_by_label("Search nodes").focus()
        await press("ArrowDown")
        await press("ArrowDown")
        await expect(desk.at("palette-item-trigger.webhook")).to_be_focused()
        await press("Enter")
        assert "webhook_2" in await desk.keys()
        await press("Tab")
        await expect(desk.at("palette").locator(":focus")).to_have_count(0)
        await press("Control+k")
        await desk.page.keyboard.type("dashboard")
        await press("Enter")
        await desk.page.wait_for_url("**/dashboard")
