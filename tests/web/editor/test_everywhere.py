"""What every page has: the list of commands, the keys, tables by arrows, and filters that an address keeps."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page, expect

from tests.acceptance.stack import Stack
from tests.web.editor.browser_modules import BrowserModules
from tests.web.editor.desk import at_desk
from web.app import app
from web.components.commands import PAGES


def test_every_page_is_in_the_list() -> None:
    assert app is not None
    static = {f"/{route}" for route in app._unevaluated_pages if "[" not in route}
    assert static - {"/sign-in", "/sign-up", "/404"} == {path for _, path in PAGES}


def test_entries_are_found_by_title_first(js: BrowserModules) -> None:
    entries = [{"title": "Webhooks"}, {"title": "Set fields", "about": "hook"}, {"title": "Hook", "words": "x"}, {"title": "A hook"}]
    found = js.call("../../components/commands/matching.js", "matching", entries, "hook")
    assert [entry["title"] for entry in found] == ["Hook", "Webhooks", "A hook", "Set fields"]


async def choose(page: Page, words: str, shows: str) -> None:
    """Open the list, type, and take what is first."""
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Find a workflow, a page, a command")).to_be_focused()
    await page.keyboard.type(words)
    await expect(page.get_by_test_id("commands").get_by_role("option").first).to_contain_text(shows)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("commands")).to_have_count(0)


async def test_anywhere_by_keyboard(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        page, url = desk.page, stack.web_url
        press = page.keyboard.press
        node = {"key": "start", "type": "trigger.manual"}
        long = "A workflow whose name says all that it does, to whom, by when, and why nobody has thought of a shorter one yet"
        await desk.api.call("POST", "/workflows", json={"name": long, "nodes": [node], "tags": ["striped"]})
        for name in ("Zebra crossing", "Zebra counting"):
            made = await desk.api.call("POST", "/workflows", json={"name": name, "nodes": [node]})
        for _ in range(3):
            await desk.api.call("POST", f"/workflows/{made['id']}/execute", json={})

        # To a page, to a workflow by its name, from that one to another, and back.
        await page.goto(f"{url}/dashboard")
        await page.get_by_test_id("find").wait_for()
        await choose(page, "api k", "API keys")
        await page.wait_for_url("**/api-keys")
        await page.get_by_role("button", name="Find anything").click()
        await press("Escape")
        await expect(page.get_by_role("button", name="Find anything")).to_be_focused()
        await choose(page, "zebra cr", "Zebra crossing")
        await expect(page.get_by_test_id("workflow-name")).to_have_value("Zebra crossing")
        await expect(page).to_have_title("Zebra crossing · Trestle")
        await choose(page, "zebra co", "Zebra counting")
        await expect(page.get_by_test_id("workflow-name")).to_have_value("Zebra counting")
        await choose(page, "executions", "Executions")
        await page.wait_for_url("**/executions")
        await expect(page).to_have_title("Executions · Trestle")

        # Rows by arrows, and Enter opens. A choice keeps its arrows, and what was chosen stays in the address.
        rows = page.locator("tbody .t-row-link")
        await expect(rows.nth(2)).to_be_visible()
        await press("ArrowDown")
        await expect(rows.first).to_be_focused()
        await press("ArrowDown")
        await press("End")
        await expect(rows.last).to_be_focused()
        await press("Home")
        await expect(rows.first).to_be_focused()
        await page.get_by_role("combobox", name="Workflow").focus()
        await press("ArrowDown")
        offered = page.get_by_role("listbox", name="Workflow").get_by_role("option")
        await expect(page.get_by_role("combobox", name="Search workflows")).to_be_focused()
        await expect(offered.nth(1)).to_have_text("Zebra counting")  # the newest, below all of them
        await page.keyboard.type("zebra co")
        await expect(offered).to_have_text(["Zebra counting"])
        await press("Enter")
        await expect(page.get_by_role("combobox", name="Workflow")).to_be_focused()
        await expect(rows).to_have_count(3)
        for label, option in (("Status", "Succeeded"), ("Trigger", "By hand"), ("Time", "Last hour")):
            await page.get_by_role("combobox", name=label).click()
            await page.get_by_role("option", name=option).click()
        kept = {"workflow": [made["id"]], "status": ["succeeded"], "trigger": ["manual"], "since": ["hour"]}
        await page.wait_for_url(lambda address: parse_qs(urlsplit(address).query) == kept)
        await page.reload()
        await expect(page.get_by_role("combobox", name="Workflow")).to_have_text("Zebra counting")
        await expect(page.get_by_role("combobox", name="Time")).to_have_text("Last hour")
        await expect(rows).to_have_count(3)
        await expect(page.locator("tbody time").first).to_have_attribute("title", re.compile(r"20\d\d.*\d:\d\d"))
        await page.get_by_role("combobox", name="Status").click()
        await page.get_by_role("option", name="Paused").click()
        await expect(page.get_by_text("Nothing found")).to_be_visible()
        await page.get_by_role("button", name="Show all executions").click()
        await expect(rows.nth(2)).to_be_visible()  # and those of other tests
        await expect(page.get_by_role("combobox", name="Workflow")).to_have_text("Any workflow")
        await page.wait_for_url(lambda address: not urlsplit(address).query)
        await page.locator("body").click(position={"x": 1430, "y": 890})
        await press("ArrowDown")
        await expect(rows.first).to_be_focused()
        await press("Enter")
        await expect(page.get_by_test_id("node-start")).to_have_attribute("data-status", "succeeded")
        await expect(page).to_have_title("Zebra counting · Execution · Trestle")

        # The keys of the editor there, those of pages elsewhere; / goes to the search, and on to the rows.
        await press("?")
        await expect(page.get_by_test_id("keys")).to_contain_text("Tidy up")
        await press("Escape")
        await expect(page.get_by_test_id("keys")).to_have_count(0)
        await choose(page, "workflows", "Workflows")
        await page.wait_for_url("**/workflows")
        await rows.first.wait_for()
        cut = rows.filter(has_text="A workflow whose name")
        await cut.hover()
        await expect(cut).to_have_attribute("title", long)
        await rows.filter(has_text="Zebra crossing").hover()
        await expect(rows.filter(has_text="Zebra crossing")).not_to_have_attribute("title", re.compile("."))
        await press("?")
        await expect(page.get_by_test_id("keys")).to_contain_text("From row to row")
        await press("Escape")
        await expect(page.get_by_test_id("keys")).to_have_count(0)
        await press("/")
        await expect(page.get_by_role("searchbox", name="Search workflows")).to_be_focused()
        await page.keyboard.type("zebra?")
        await expect(page.get_by_text("Nothing found")).to_be_visible()
        await press("Backspace")
        await expect(rows).to_have_count(2)
        await press("ArrowDown")
        await expect(rows.first).to_be_focused()

        # Where there is less room, names keep theirs.
        await page.set_viewport_size({"width": 1024, "height": 800})
        box = await rows.first.locator("xpath=ancestor::td").bounding_box()
        assert box is not None
        assert box["width"] > 250

        # A phone has no keys.
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.get_by_test_id("find").click()
        await expect(page.get_by_test_id("commands")).to_be_visible()
        await press("Escape")
        await page.set_viewport_size({"width": 1440, "height": 900})

        # What is done from anywhere.
        dark = await page.locator("html").evaluate("(root) => root.classList.contains('dark')")
        await choose(page, "dark or", "Dark or light")
        await expect(page.locator("html")).to_have_class(re.compile("light" if dark else "dark"))
        await choose(page, "new work", "New workflow")
        await expect(page.get_by_role("dialog", name="New workflow")).to_be_visible()
        await press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)  # it is closed by Python
        await choose(page, "sign out", "Sign out")
        await page.wait_for_url("**/sign-in*")
        await press("Control+k")
        await expect(page.get_by_test_id("commands")).to_have_count(0)
