"""Every page and its main states, wide and on a phone, light and dark: nothing clipped, nothing beside the page, nothing that shuts
somebody out; pictures to look at."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

from tests.acceptance import browser
from tests.acceptance.accessibility import barriers
from tests.acceptance.api import Api
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack
from tests.acceptance.test_first_flow import hot_lead

SHAPES = [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]

PAGES = {"webhooks": "leads", "schedules": "Schedules", "notifications": "Notifications", "dashboard": "Slowest nodes"}
"""Pages beside those below, and what they show."""

# Text that its own box cuts off without saying so by an ellipsis, and boxes that reach past the window's right edge.
_CLIPPED = """() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  const scrolls = (at) => at && (/auto|scroll|hidden/.test(getComputedStyle(at).overflowX) || scrolls(at.parentElement));
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('.react-flow__viewport, .react-flow__minimap, [aria-hidden=true], svg, textarea')) continue;
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim()).join('');
    if (!text || box.width <= 1 || box.height <= 1 || style.visibility === 'hidden') continue;
    const cut = element.scrollWidth > element.clientWidth + 1 && style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis';
    if (cut || (box.right > innerWidth + 1 && !scrolls(element.parentElement))) found.push(`${element.tagName}: ${text.slice(0, 60)}`);
  }
  return found;
}"""


@dataclass
class Furnished:
    """A Trestle in which things have happened."""

    stack: Stack
    api: Api
    chat: Peer
    workflow_id: str
    succeeded: str
    failed: str
    unfinished: str


@pytest.fixture
async def furnished(house: Stack) -> AsyncIterator[Furnished]:
    """Three workflows, a credential, executions that succeeded and one that failed."""
    async with peer() as chat, Api(house.backend_url) as api:
        await api.sign_up(name="Ada Lovelace")
        nodes, connections = hot_lead(chat.url)
        nodes[2]["retry"] = None
        workflow = await api.workflow(nodes, connections, name="Hot lead to chat")
        long = "A rather long name of a workflow that somebody gave it, once"
        nodes = [
            {"key": "start", "type": "trigger.manual"},
            {"key": "call", "type": "http.request", "config": {"url": ""}, "position": {"x": 300, "y": 0}},
            {"key": "odd", "type": "no.such_type", "position": {"x": 600, "y": 0}},
        ]
        unfinished = await api.workflow(nodes, [("start", "call"), ("call", "odd")], name=long, live=False)
        await api.workflow([{"key": "start", "type": "trigger.manual"}], [], name="By hand", live=False)
        await api.call("POST", "/credentials", json={"name": "Team chat", "type": "bearer", "data": {"token": "a-secret-of-the-team"}})
        succeeded = (await api.finished(await api.post_webhook("leads", {"name": "Ada", "score": 91})))["id"]
        chat.statuses["/hook"] = [500]
        failed = (await api.finished(await api.post_webhook("leads", {"name": "Grace", "score": 99})))["id"]
        yield Furnished(house, api, chat, workflow["id"], succeeded, failed, unfinished["id"])


async def look(page: Page, name: str) -> None:
    """Keep a picture, and complain of what is cut off; of barriers as well, once for each scheme."""
    await page.wait_for_timeout(600)
    await page.screenshot(path=browser.shots() / f"{name}.png")
    assert await page.evaluate(_CLIPPED) == [], name
    if name.endswith("1440"):
        assert await barriers(page) == [], name


async def test_every_page_fits_wide_and_narrow_light_and_dark(furnished: Furnished) -> None:
    url = furnished.stack.web_url
    for width, height, scheme in SHAPES:
        shape = f"{scheme}-{width}"
        async with browser.page(width=width, height=height, color_scheme=scheme) as page:
            await page.goto(f"{url}/sign-in")
            await page.fill("input[name=email]", "ada@example.com")
            await page.fill("input[name=password]", "not her password")
            await page.get_by_role("button", name="Sign in").click()
            await page.get_by_role("alert").first.wait_for()
            await look(page, f"sign-in-wrong-{shape}")
            await page.fill("input[name=password]", "a long enough one")
            await page.get_by_role("button", name="Sign in").click()
            await expect(page.get_by_text("Hot lead to chat").first).to_be_visible()
            await look(page, f"workflows-{shape}")
            await page.goto(f"{url}/executions")
            await expect(page.get_by_text("Failed").first).to_be_visible()
            await look(page, f"executions-{shape}")
            await page.goto(f"{url}/credentials")
            await expect(page.get_by_text("Team chat").first).to_be_visible()
            await look(page, f"credentials-{shape}")
            await page.goto(f"{url}/settings")
            await expect(page.get_by_label("Email")).to_have_value("ada@example.com")
            await look(page, f"settings-{shape}")
            for path, words in PAGES.items():
                await page.goto(f"{url}/{path}")
                await expect(page.get_by_text(words).locator("visible=true").first).to_be_visible()
                await look(page, f"{path}-{shape}")
            await page.goto(f"{url}/workflows/{furnished.workflow_id}")
            await page.get_by_test_id("node-hook").wait_for()
            await look(page, f"editor-{shape}")
            await page.get_by_test_id("node-tell").click()
            await look(page, f"editor-panel-{shape}")
            await page.get_by_test_id("tab-policies").click()
            await look(page, f"editor-policies-{shape}")
            await page.keyboard.press("Escape")
            await page.keyboard.press("o")
            await expect(page.get_by_test_id("outline-hook")).to_be_visible()
            await look(page, f"editor-outline-{shape}")
            await page.keyboard.press("Control+k")
            await page.get_by_test_id("commands").wait_for()
            await look(page, f"editor-commands-{shape}")
            await page.goto(f"{url}/workflows/{furnished.unfinished}")
            await page.get_by_test_id("node-call").wait_for()
            await page.get_by_test_id("publish").click()
            await expect(page.get_by_test_id("problem-call")).to_be_visible()
            await look(page, f"editor-refused-{shape}")
            await page.goto(f"{url}/workflows")
            await page.get_by_role("button", name="New workflow").click()
            await page.get_by_role("dialog").wait_for()
            await look(page, f"workflow-new-{shape}")
            await page.goto(f"{url}/credentials")
            await page.get_by_role("button", name="New credential").click()
            await page.get_by_role("dialog").wait_for()
            await look(page, f"credential-new-{shape}")
            await page.goto(f"{url}/executions/{furnished.failed}")
            await expect(page.get_by_test_id("node-tell")).to_have_attribute("data-status", "failed")
            await look(page, f"execution-failed-{shape}")
            await page.get_by_test_id("node-tell").click()
            await expect(page.get_by_test_id("step-error")).to_contain_text("500")
            await look(page, f"execution-step-{shape}")
            await page.goto(f"{url}/nowhere")
            await look(page, f"not-found-{shape}")
