"""The first five minutes with a template, in real Chromium; then keeping order among workflows, export and import."""

import json
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.acceptance import browser
from tests.acceptance.api import Api
from tests.acceptance.stack import Stack

SCHEMES: tuple[Literal["light", "dark"], ...] = ("dark", "light")
FOREIGN = {
    "name": "From elsewhere",
    "nodes": [
        {"id": "1", "type": "start", "data": {}},
        {"id": "2", "type": "delay", "data": {"ms": 10}},
        {"id": "3", "type": "teleport", "data": {}},
    ],
    "edges": [{"id": "e", "source": "1", "target": "2"}, {"id": "f", "source": "2", "target": "3"}],
}


async def shot(page: Page, folder: Path, name: str) -> None:
    """The page as it is, light and dark, wide and on a phone."""
    for width, height in ((1440, 900), (390, 844)):
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            await page.wait_for_timeout(120)
            await page.screenshot(path=folder / f"gallery-{name}-{width}-{scheme}.png")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1440, "height": 900})


async def test_from_signing_up_to_a_webhook_call_with_a_template_then_order_among_workflows(house: Stack, tmp_path: Path) -> None:
    shots = browser.shots()
    async with browser.page(permissions=["clipboard-read", "clipboard-write"]) as page, Api(house.backend_url) as api:
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.goto(house.web_url)
        await page.fill("input[name=name]", "Ada Lovelace")
        await page.fill("input[name=email]", "ada@example.com")
        await page.fill("input[name=password]", "a long enough one")
        await page.get_by_role("button", name="Create account").click()
        await expect(page.get_by_text("Build your first workflow")).to_be_visible()
        await shot(page, shots, "first")
        await page.get_by_role("link", name="Choose a template").click()
        card = page.get_by_test_id("template-answer-a-web-request")
        await expect(card).to_contain_text("Nothing to fill in")
        await page.get_by_role("button", name="People", exact=True).click()
        await expect(page.locator(".t-template")).to_have_count(3)
        await page.get_by_role("button", name="All", exact=True).click()
        await page.get_by_label("Search templates").fill("github")
        await expect(page.locator(".t-template")).to_have_count(1)
        await page.get_by_role("button", name="Look at GitHub pushes").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Signing secret")
        await page.get_by_role("button", name="Close").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)  # until then the search lies below it
        await page.get_by_label("Search templates").fill("")
        await card.get_by_role("button", name="Use this template").click()

        # Run does at once what the card says: the template's example is its input.
        await page.get_by_test_id("canvas").wait_for()
        await page.get_by_test_id("run").click()
        await expect(page.get_by_test_id("node-answer")).to_have_attribute("data-status", "succeeded")
        await shot(page, shots, "editor")
        await page.get_by_test_id("enable").click()
        await expect(page.get_by_test_id("enable")).to_be_checked()
        url = (await page.get_by_test_id("webhook-url").inner_text()).removeprefix(house.backend_url)
        status, answer, _ = await api.raw("POST", url, json={"name": "Grace"})
        assert (status, answer["message"]) == (200, "Hello Grace!")

        # Export from the editor, to the clipboard and to a file.
        await page.get_by_test_id("export-open").click()
        await page.get_by_test_id("export-copy").click()
        await expect(page.get_by_test_id("notice")).to_contain_text("Copied")
        copied = json.loads(await browser.clipboard(page, "{"))
        assert [node["key"] for node in copied["nodes"]] == ["request", "greeting", "answer"]
        await page.get_by_test_id("export-open").click()
        async with page.expect_download() as downloading:
            await page.get_by_role("menuitem", name="Download as YAML").click()
        download = await downloading.value
        assert download.suggested_filename == "answer-a-web-request.yaml"
        file = tmp_path / "kept.yaml"
        await download.save_as(file)

        # The list: bars of what ran, folder and tags, which narrow it.
        await page.goto(f"{house.web_url}/workflows")
        await expect(page.locator(".t-bar[data-status=succeeded]")).to_have_count(2)
        await choose(page, "Answer a web request", "Folder and tags")
        await page.get_by_label("Folder", exact=True).last.fill("Trials")
        await page.get_by_label("Tags", exact=True).last.fill("web, first")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.locator(".t-tag")).to_have_text(["Trials", "web", "first"])
        await page.get_by_label("Folder", exact=True).click()
        await page.get_by_role("option", name="Trials").click()
        await expect(page.get_by_role("row")).to_have_count(2)
        enabled = page.get_by_role("switch", name="Enable Answer a web request")
        for now in ("false", "true"):
            await enabled.click()
            await expect(enabled).to_have_attribute("aria-checked", now)
        await api.log_in()
        assert [flow["enabled"] for flow in (await api.call("GET", "/workflows?folder=Trials"))["items"]] == [True]
        await page.locator(".t-spark a").first.hover()
        await expect(page.locator(".t-spark a").first).to_have_attribute("title", re.compile(r"^succeeded, "))
        await _overviews(page, house.web_url)
        await page.goto(f"{house.web_url}/workflows")
        await page.get_by_label("Folder", exact=True).click()
        await page.get_by_role("option", name="All folders").click()
        await choose(page, "Answer a web request", "Duplicate")
        await page.get_by_test_id("canvas").wait_for()
        await expect(page.get_by_test_id("workflow-name")).to_have_value("Answer a web request (copy)")

        # Import: a file that needs nothing opens at once; a foreign one says what found no place.
        await page.goto(f"{house.web_url}/workflows?new=import")
        await page.locator("input[type=file]").set_input_files(file)
        await expect(page.get_by_text("kept.yaml is ready")).to_be_visible()
        await page.get_by_role("button", name="Import", exact=True).click()
        await page.get_by_test_id("canvas").wait_for()
        await expect(page.get_by_test_id("node-greeting")).to_be_visible()
        await page.goto(f"{house.web_url}/workflows")
        await page.get_by_role("button", name="New workflow").click()
        await page.get_by_test_id("way-import").click()
        await page.get_by_label("Or paste it here").fill("{")
        await page.get_by_role("button", name="Import", exact=True).click()
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("The text is not valid JSON")
        await page.get_by_label("Or paste it here").fill(json.dumps(FOREIGN))
        await page.get_by_role("button", name="Import", exact=True).click()
        await expect(page.get_by_test_id("import-remarks")).to_contain_text("Node “3” There is no counterpart to “teleport”")
        await shot(page, shots, "remarks")
        await page.reload()  # what was told once doesn't come again
        await expect(page.get_by_role("row")).to_have_count(5)
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await shot(page, shots, "list")
        await choose(page, "From elsewhere", "Rename")
        await page.get_by_role("dialog").get_by_label("Name").fill("Elsewhere")
        await page.get_by_role("button", name="Rename").click()
        await choose(page, "Elsewhere", "Delete")
        await page.get_by_role("button", name="Delete workflow").click()
        await expect(page.get_by_text("“Elsewhere” is deleted")).to_be_visible()
        await expect(page.get_by_role("row")).to_have_count(4)
        await page.get_by_label("Tag", exact=True).click()
        await page.get_by_role("option", name="web").click()
        await expect(page.get_by_role("row")).to_have_count(3)  # the first and its copy: the file was kept before there were tags
        async with page.expect_download() as downloading:
            await choose(page, "Answer a web request (copy)", "Export as JSON")
        download = await downloading.value
        assert download.suggested_filename == "answer-a-web-request-copy.json"
        document: Any = json.loads(Path(await download.path()).read_text())
        assert document["tags"] == ["web", "first"]
        await choose(page, "Answer a web request (copy)", "Run")
        await page.wait_for_url("**/executions/*")

        # An empty canvas leads to the templates, too.
        await page.goto(f"{house.web_url}/workflows?new=blank")
        await page.get_by_label("Name").fill("Empty")
        await page.get_by_role("button", name="Create").click()
        await page.get_by_test_id("begin-template").wait_for()
        await shot(page, shots, "empty")
        await page.get_by_test_id("begin-template").click()
        await page.wait_for_url("**/templates")

        # One with something to fill in opens at the node where that is.
        await page.get_by_test_id("template-hot-leads-to-chat").get_by_role("button", name="Use this template").click()
        await expect(page.get_by_test_id("field-url")).to_contain_text("must not be empty")
        assert not urlsplit(page.url).query

        # Who edits in several projects says which one it is for.
        await api.log_in()
        sales = await api.call("POST", "/projects", json={"name": "Sales"})
        await page.goto(f"{house.web_url}/templates")
        await page.get_by_test_id("template-answer-a-web-request").get_by_role("button", name="Use this template …").click()
        await page.get_by_role("combobox", name="Project").click()
        await page.get_by_role("option", name="Sales").click()
        await shot(page, shots, "project")
        await page.get_by_role("dialog").get_by_role("button", name="Use this template").click()
        await page.get_by_test_id("canvas").wait_for()
        made = await api.call("GET", f"/workflows/{urlsplit(page.url).path.rsplit('/', 1)[1]}")
        assert made["project_id"] == sales["id"]
        assert wrong == []


async def _overviews(page: Page, url: str) -> None:
    """What has run, as the dashboard and the webhooks page tell it."""
    await page.goto(f"{url}/dashboard")
    await expect(page.get_by_role("img", name="Executions in the last 24 hours: 2 succeeded, 0 failed, 0 others.")).to_be_visible()
    await expect(page.get_by_role("img", name="Half of the executions took up to")).to_be_visible()
    await expect(page.locator(".recharts-bar-rectangle path").first).to_be_visible()
    await expect(page.get_by_role("table", name="Slowest nodes").get_by_role("row")).to_have_count(4)
    await page.get_by_role("radio", name="7 days").click()
    await expect(page.get_by_role("img", name="Executions in the last 7 days: 2 succeeded")).to_be_visible()
    await page.goto(f"{url}/webhooks")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("Open to all")
    await expect(page.get_by_role("row").nth(1).locator("time")).to_be_visible()
    await page.get_by_role("button", name="Copy the address of").click()
    await expect(page.get_by_text("It is copied")).to_be_visible()
    address = await browser.clipboard(page, "http")
    await choose(page, address[address.find("/webhooks/") :], "Copy a curl call")
    await browser.clipboard(page, f"curl -X POST '{address}'")


async def choose(page: Page, name: str, what: str) -> None:
    """An entry of a row's menu."""
    await page.get_by_label(f"More for {name}", exact=True).click()
    await page.get_by_role("menuitem", name=what, exact=True).click()
