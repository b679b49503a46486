"""The newcomer's five minutes, in real Chromium: from signing up to the first lead in the history."""

import asyncio

from aiohttp import web
from playwright.async_api import expect

from tests.acceptance import browser
from tests.acceptance.api import Api
from tests.acceptance.drawing import connect, drop, press
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack


class Chat(Peer):
    """Answers once it is let."""

    lets = False

    async def answer(self, request: web.Request) -> web.Response:
        while not self.lets:
            await asyncio.sleep(0.05)
        return await super().answer(request)


async def test_from_signing_up_to_the_first_lead_in_the_history(house: Stack) -> None:
    shots = browser.shots()
    async with peer(chat := Chat()), browser.page() as page:
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))

        home = house.web_url.replace("localhost", browser.NAME)
        async with browser.slow_line(page):
            await page.goto(home, wait_until="commit")
            await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        await page.fill("input[name=name]", "Ada Lovelace")
        await page.fill("input[name=email]", "ada@example.com")
        await page.fill("input[name=password]", "a long enough one")
        await page.screenshot(path=shots / "tour-1-sign-up.png")
        await page.get_by_role("button", name="Create account").click()
        await page.get_by_role("button", name="New workflow").first.wait_for()
        for place, empty in (
            ("executions", "Nothing has run yet"),
            ("credentials", "Keep your secrets here"),
            ("workflows", "Build your first"),
        ):
            await page.goto(f"{home}/{place}")
            await expect(page.get_by_text(empty)).to_be_visible()
            await page.screenshot(path=shots / f"tour-2-{place}-empty.png")
        await page.get_by_role("button", name="New workflow").first.click()
        dialog = page.get_by_role("dialog")
        await dialog.wait_for()
        await dialog.get_by_role("textbox").first.fill("Hot lead to chat")
        await dialog.get_by_role("button", name="Create").click()
        await page.wait_for_url("**/workflows/*")
        await page.get_by_test_id("canvas").wait_for()
        await page.screenshot(path=shots / "tour-3-empty-canvas.png")

        await drop(page, "trigger.webhook", 160, 220)
        await drop(page, "filter", 480, 220)
        await drop(page, "http.request", 800, 220)
        await connect(page, "webhook", "main", "filter")
        await connect(page, "filter", "main", "http_request")
        await expect(page.locator(".react-flow__edge")).to_have_count(2)

        await press(page, "webhook")
        await page.get_by_test_id("field-path").locator("input").fill("leads")
        await press(page, "filter")
        await page.get_by_test_id("field-condition").locator("textarea").fill("{{ payload.score >= 80 }}")
        await press(page, "http_request")
        await page.get_by_test_id("field-method").locator("select").select_option("POST")
        await page.get_by_test_id("field-url").locator("input").fill(f"{chat.url}/hook")
        body = '{"content": "{{ payload.name }} scored {{ payload.score }}"}'
        await page.get_by_test_id("field-body").locator("textarea").fill(body)
        await expect(page.get_by_test_id("save-state")).to_have_text("Saved")
        await page.screenshot(path=shots / "tour-4-configured.png")

        await page.get_by_test_id("publish").click()
        await expect(page.get_by_test_id("enable")).to_be_enabled()
        await page.get_by_test_id("enable").click()
        await expect(page.get_by_test_id("enable")).to_be_checked()
        url = await page.get_by_test_id("webhook-url").inner_text()
        assert url == f"{house.backend_url}/webhooks/leads"
        await page.screenshot(path=shots / "tour-5-live.png")

        async with Api(house.backend_url) as stranger:
            execution_id = await stranger.post_webhook("leads", {"name": "Ada", "score": 91})
        await expect(page.get_by_test_id("node-http_request")).to_have_attribute("data-status", "running")
        await expect(page.get_by_test_id("node-filter")).to_have_attribute("data-status", "succeeded")
        await page.screenshot(path=shots / "tour-6-running.png")
        chat.lets = True
        await expect(page.get_by_test_id("node-http_request")).to_have_attribute("data-status", "succeeded")
        assert [(call.method, call.path, call.body) for call in chat.calls] == [("POST", "/hook", {"content": "Ada scored 91"})]

        await press(page, "http_request")
        await expect(page.get_by_test_id("step-output")).to_contain_text("200")
        await page.screenshot(path=shots / "tour-7-output.png")

        await page.goto(f"{home}/webhooks")
        await page.get_by_role("button", name="Copy the address of /webhooks/leads").click()
        await expect(page.get_by_text("It is copied")).to_be_visible()
        await page.get_by_role("searchbox").focus()
        await page.keyboard.press("Control+v")
        await expect(page.get_by_role("searchbox")).to_have_value(url)
        await page.goto(f"{home}/executions")
        await expect(page.get_by_text("Hot lead to chat").first).to_be_visible()
        await expect(page.get_by_text("Succeeded").first).to_be_visible()
        await page.screenshot(path=shots / "tour-8-history.png")
        await page.goto(f"{home}/executions/{execution_id}")
        await expect(page.get_by_test_id("node-filter")).to_have_attribute("data-status", "succeeded")
        await press(page, "filter")
        await expect(page.get_by_test_id("step-output")).to_contain_text("91")
        await page.screenshot(path=shots / "tour-9-execution.png")
        await asyncio.sleep(0.1)
        assert wrong == []
