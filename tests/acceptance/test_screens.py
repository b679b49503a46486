"""Every page and its main states, wide and on a phone, light and dark: nothing clipped, nothing beside the page, nothing that shuts
somebody out; pictures to look at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.acceptance import browser
from tests.acceptance.accessibility import barriers
from tests.acceptance.api import Api
from tests.acceptance.drawing import press, still
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack
from tests.acceptance.test_first_flow import hot_lead

WIDE, TABLET, PHONE = (1440, 900), (820, 1180), (390, 844)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

PAGES = {
    "workflows": "Hot lead to chat",
    "templates": "Answer a web request",
    "executions": "Failed",
    "credentials": "Team chat",
    "webhooks": "leads",
    "schedules": "Figures of the northern region",
    "dashboard": "Slowest nodes",
    "notifications": "Notifications",
    "settings": "Profile",
    "members": "Everybody on this installation",
    "variables": "REGION_OF_EVERYTHING",
    "api-keys": "Nightly export",
    "audit": "Created the workflow",
    "nowhere": "There is nothing at this address",
}
"""Pages as they are when they have loaded: address, and words that are seen by then. What it takes more to come to is in `STATES`."""

# Tables whose cells don't stand below the heads that name them.
_SHIFTED = """() => [...document.querySelectorAll('main table')].filter((table) => {
  const seen = (row) => [...row.children].map((cell) => cell.getBoundingClientRect()).filter((box) => box.width);
  const edges = (row) => seen(row).map((box) => Math.round(box.left)).join();
  const body = table.querySelector('tbody > tr');
  return body && edges(table.querySelector('thead > tr')) !== edges(body);
}).map((table) => table.ariaLabel)"""

# Text that its own box cuts off without saying so by an ellipsis, and boxes that reach past the window's right edge.
_CLIPPED = """() => {
  const found = [];
  for (const page of [document.documentElement, ...document.querySelectorAll('main')])
    if (page.scrollWidth > page.clientWidth) found.push(`${page.tagName} is ${page.scrollWidth} px wide in ${page.clientWidth}`);
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

# A link in a button or the other way round: Tab stops there twice.
_NESTED = "() => [...document.querySelectorAll(':is(a, button) :is(a, button)')].map((inner) => inner.textContent)"

# Icons that don't stand in the middle of their line.
_ASKEW = """() => [...document.querySelectorAll('[role=menuitem] > svg')].filter((icon) => {
  const line = icon.parentElement.getBoundingClientRect(), box = icon.getBoundingClientRect();
  return Math.abs((line.top + line.bottom - box.top - box.bottom) / 2) > 3;
}).map((icon) => icon.parentElement.textContent)"""

# Drawn as it stays: the fonts are there, the scheme is the one asked for, and what moves by itself (but never ends) is left alone.
_AT_REST = """(scheme) => {
  const ends = (motion) => motion.playState === 'running' && motion.effect?.getComputedTiming().endTime !== Infinity;
  const root = document.documentElement; // the page of an approval has no classes: it follows the browser
  return document.fonts.status === 'loaded' && (!root.className || root.classList.contains(scheme))
    && !document.querySelector('[aria-busy=true]') && !document.getAnimations().some(ends);
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
    approval: str


@pytest.fixture
async def furnished(house: Stack) -> AsyncIterator[Furnished]:
    """Four workflows, a credential, executions that succeeded and one that failed."""
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
        clock = {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}
        await api.workflow([{"key": "clock", "type": "trigger.schedule", "config": clock}], [], name="Figures of the northern region")
        await _administered(api)
        yield Furnished(house, api, chat, workflow["id"], succeeded, failed, unfinished["id"], await _asked(api))


async def _administered(api: Api) -> None:
    """A shared project, a variable and an API key, with names that are longer than there is room for."""
    await api.call("POST", "/projects", json={"name": "Sales of the northern region and of all that belongs to it"})
    name = "REGION_OF_EVERYTHING_THAT_SOMEBODY_SELLS_SOMEWHERE"
    await api.call("POST", "/variables", json={"name": name, "value": {"north": ["Bergen", "Tromsø"] * 20}})
    scopes = ["workflows:read", "executions:read", "executions:run", "events:write"]
    await api.call("POST", "/api-keys", json={"name": "Nightly export of what the accountants ask for", "scopes": scopes})


async def _asked(api: Api) -> str:
    """The address of an approval that waits, which Ada was told of."""
    config = {"title": "Refund order 4711?", "message": "Grace wants 120 € back.", "recipients": ["owner"]}
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "trigger.manual"}, {"key": "ask", "type": "approval", "config": config}]
    workflow = await api.workflow(nodes, [("start", "ask")], name="Refunds", live=False)
    await api.call("POST", f"/workflows/{workflow['id']}/execute", json={})
    async with asyncio.timeout(20):
        while not (told := (await api.call("GET", "/notifications"))["items"]):
            await asyncio.sleep(0.1)
    return str(told[0]["link"])


async def look(page: Page, name: str) -> None:
    """Keep a picture of either scheme, and complain of what is cut off; on a wide screen of barriers as well."""
    wide = page.viewport_size is not None and page.viewport_size["width"] == WIDE[0]
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await page.wait_for_function(_AT_REST, arg=scheme)
        await page.screenshot(path=browser.shots() / f"{name}-{scheme}-{WIDE[0] if wide else PHONE[0]}.png")
        if scheme == SCHEMES[0]:
            for check in (_CLIPPED, _NESTED, _ASKEW):
                assert await page.evaluate(check) == [], name
        if wide:  # the second scheme differs in its colours only
            assert await barriers(page, rules=None if scheme == SCHEMES[0] else ["color-contrast"]) == [], (name, scheme)


async def look_between(page: Page, name: str) -> None:
    """The page of a wide window in one between desk and phone: nothing cut off, and tables leave out the same columns in head and rows."""
    await page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
    await page.wait_for_function(_AT_REST, arg=SCHEMES[-1])
    await page.screenshot(path=browser.shots() / f"{name}-{SCHEMES[-1]}-{TABLET[0]}.png")
    for check in (_CLIPPED, _SHIFTED):
        assert await page.evaluate(check) == [], (name, TABLET)
    await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


async def _editor(page: Page, url: str, there: Furnished) -> None:
    await page.goto(f"{url}/workflows/{there.workflow_id}")
    await page.get_by_test_id("node-hook").wait_for()
    await look(page, "editor")
    await press(page, "tell")
    await page.get_by_test_id("tab-policies").wait_for()
    await look(page, "editor-panel")
    if page.viewport_size == {"width": WIDE[0], "height": WIDE[1]}:
        await page.set_viewport_size({"width": 1024, "height": 768})  # room for a panel and a canvas, and no more
        await expect(page.get_by_test_id("palette")).to_be_hidden()
        await expect(page.locator(".react-flow__minimap")).to_have_count(0)
        await page.get_by_test_id("palette-open").click()
        await expect(page.get_by_test_id("palette")).to_be_visible()
        await page.get_by_test_id("palette-open").click()
        await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    await page.get_by_test_id("tab-policies").click()
    await look(page, "editor-policies")
    await page.keyboard.press("Escape")
    await page.keyboard.press("o")
    await expect(page.get_by_test_id("outline-hook")).to_be_visible()
    await look(page, "editor-outline")
    await page.keyboard.press("Control+k")
    await page.get_by_test_id("commands").wait_for()
    await look(page, "editor-commands")


async def _refused(page: Page, url: str, there: Furnished) -> None:
    await page.goto(f"{url}/workflows/{there.unfinished}")
    await page.get_by_test_id("node-call").wait_for()
    await page.get_by_test_id("publish").click()
    await expect(page.get_by_test_id("problem-call")).to_be_visible()
    await look(page, "editor-refused")


async def _executions(page: Page, url: str, there: Furnished) -> None:
    """One that failed, its step, one that succeeded, and both compared."""
    await page.goto(f"{url}/executions/{there.failed}")
    await expect(page.get_by_test_id("node-tell")).to_have_attribute("data-status", "failed")
    await expect(page.get_by_test_id("node-tell")).to_be_in_viewport(ratio=0.99)  # also where there is no room for all of them
    await look(page, "execution-failed")
    await page.get_by_test_id("compare").click()
    await page.get_by_test_id("compare-previous").click()
    await page.get_by_test_id("compared").wait_for()
    await look(page, "execution-compared")
    await page.get_by_test_id("execution-error").click()
    await expect(page.get_by_test_id("panel")).to_contain_text("answered 500")  # in the step's own place, or beside the other run's
    card, panel = [page.get_by_test_id(name) for name in ("node-tell", "panel")]
    await still(page)
    if await page.evaluate("innerWidth <= 860"):  # the sheet leaves no room for the same error once more
        await expect(page.get_by_test_id("execution-error")).to_be_hidden()
    over, under = await card.bounding_box(), await panel.bounding_box()
    assert over is not None
    assert under is not None
    assert over["x"] + over["width"] <= under["x"] or over["y"] + over["height"] <= under["y"], "the sheet lies over its own card"
    await look(page, "execution-step")
    await page.goto(f"{url}/executions/{there.succeeded}")
    await expect(page.get_by_test_id("node-tell")).to_have_attribute("data-status", "succeeded")
    await look(page, "execution-succeeded")


async def _times(page: Page, url: str, there: Furnished) -> None:
    """When a schedule fires next, and the nine times after that."""
    await page.goto(f"{url}/schedules")
    line = page.get_by_role("row").filter(has_text="Figures of the northern region")
    await expect(line).to_contain_text("Europe/Berlin")
    await line.get_by_role("button").first.click()
    await expect(page.get_by_text("After that")).to_be_visible()
    await expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(9)
    await look(page, "schedule-times")


async def _dialogs(page: Page, url: str, there: Furnished) -> None:
    await page.goto(f"{url}/workflows")
    await page.get_by_role("button", name="New workflow").click()
    await page.get_by_role("dialog").wait_for()
    await look(page, "workflow-new")
    await page.get_by_test_id("way-import").click()
    await page.get_by_label("Or paste it here").wait_for()
    await look(page, "workflow-import")
    await page.goto(f"{url}/templates")
    await page.get_by_role("button", name="Look at GitHub pushes").click()
    await page.get_by_role("dialog").wait_for()
    await look(page, "template")
    await page.goto(f"{url}/executions?status=paused")
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    await look(page, "executions-none")
    if page.viewport_size == {"width": PHONE[0], "height": PHONE[1]}:  # its menu has more there
        await page.get_by_test_id("account").click()
        await page.get_by_role("menuitem", name="Sign out").wait_for()
        await look(page, "account")
    await page.goto(f"{url}/credentials")
    await page.get_by_role("button", name="New credential").click()
    await page.get_by_role("dialog").wait_for()
    await look(page, "credential-new")


async def _approval(page: Page, url: str, there: Furnished) -> None:
    """Asked; and answered, on the phone, which comes last."""
    await page.goto(there.approval)
    await page.get_by_role("button", name="Reject").wait_for()
    await look(page, "approval")
    if page.viewport_size == {"width": PHONE[0], "height": PHONE[1]}:
        await page.get_by_label("Comment").fill("She is right.")
        await page.get_by_role("button", name="Approve").click()
        await expect(page.get_by_text("This was approved on")).to_be_visible()
        await look(page, "approval-decided")
        await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        await look(page, "approval-decided")


STATES: list[Callable[[Page, str, Furnished], Awaitable[None]]] = [_editor, _refused, _executions, _times, _dialogs, _approval]
"""What somebody comes to from a page. Each begins by going somewhere."""


async def test_every_page_fits_wide_and_narrow_light_and_dark(furnished: Furnished) -> None:
    for width, height in (WIDE, PHONE):
        await _tour(furnished, width, height)


async def _tour(furnished: Furnished, width: int, height: int) -> None:
    """Everything in one window, by one sign-in."""
    url = furnished.stack.web_url
    async with browser.page(width=width, height=height) as page:
        await page.goto(f"{url}/sign-in")
        await page.fill("input[name=email]", "ada@example.com")
        await page.fill("input[name=password]", "not her password")
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("alert").first.wait_for()
        await look(page, "sign-in-wrong")
        await page.fill("input[name=password]", "a long enough one")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/workflows")
        for path, words in PAGES.items():
            await page.goto(f"{url}/{path}")
            await expect(page.get_by_text(words).locator("visible=true").first).to_be_visible()
            await look(page, path)
            if width == WIDE[0]:
                await look_between(page, path)
        for state in STATES:
            await state(page, url, furnished)
