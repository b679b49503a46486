"""The bell and what it leads to, in Chromium over real services: told, read, answered; a session that ends; a backend that is away."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.acceptance import browser
from tests.acceptance.api import Api
from tests.acceptance.stack import Stack
from tests.web.editor.desk import EMAIL, PASSWORD, at_desk

ZONE = "Asia/Kolkata"  # half past: no clock that is off by whole hours looks like it


async def sign_in(page: Page) -> None:
    """Through the door that the page shows."""
    await page.fill("input[name=email]", EMAIL)
    await page.fill("input[name=password]", PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def tell(api: Api) -> None:
    """A workflow tells the owner of two leads; another asks for a decision."""
    config: dict[str, Any] = {"to_role": "owner", "title": "A lead", "message": "{{ payload.name }}"}
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "trigger.manual"}, {"key": "tell", "type": "notify", "config": config}]
    workflow = await api.workflow(nodes, [("start", "tell")], name="Tells", live=False)
    for name in ("Grace", "Alan"):
        started = await api.call("POST", f"/workflows/{workflow['id']}/execute", json={"input": {"name": name}})
        await api.finished(started["execution_id"])
    config = {"title": "Refund order 7?", "recipients": ["owner"]}
    nodes = [{"key": "start", "type": "trigger.manual"}, {"key": "ask", "type": "approval", "config": config}]
    workflow = await api.workflow(nodes, [("start", "ask")], name="Asks", live=False)
    await api.call("POST", f"/workflows/{workflow['id']}/execute", json={})


async def test_what_workflows_tell_is_counted_read_and_answered(stack: Stack) -> None:
    async with at_desk(stack) as desk, browser.page(timezone_id=ZONE) as page:
        url = stack.web_url
        await desk.api.call("POST", "/notifications/read", json={"all": True})
        await page.goto(f"{url}/notifications")
        await sign_in(page)
        await page.get_by_role("heading", name="Notifications").wait_for()
        await expect(page.get_by_role("button", name="Mark all as read")).to_have_count(0)
        await tell(desk.api)
        # Both ask again by themselves; coming back into sight is what doesn't take twenty seconds.
        await expect(notes(page).filter(has_text="Refund order 7?")).to_be_visible()
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(page.get_by_test_id("unread")).to_have_text("3")
        alan = notes(page).filter(has_text="Alan")
        await expect(alan.locator("time")).to_have_attribute("title", re.compile(r"GMT\+5:30"))
        await alan.get_by_role("button", name="Mark as read").click()
        await expect(page.get_by_test_id("unread")).to_have_text("2")
        await page.get_by_role("radio", name="Unread").click()
        await expect(alan).to_have_count(0)
        await expect(notes(page)).to_have_count(2)
        await notes(page).filter(has_text="Grace").get_by_role("link", name="Show the execution").click()
        await page.wait_for_url("**/executions/*")
        await expect(page.get_by_test_id("unread")).to_have_text("1")
        await page.goto(f"{url}/notifications")
        await notes(page).filter(has_text="Refund").get_by_role("link", name="Open").click()
        await page.get_by_role("button", name="Reject").wait_for()
        await expect(page.locator("time")).to_have_attribute("title", re.compile(r"GMT\+5:30"))
        assert "UTC" not in await page.locator("main").inner_text()
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_role("button", name="Reject").click()
        await expect(page.get_by_text("This was rejected by Ada")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("button")).to_have_count(0)
        await tell(desk.api)
        await page.goto(f"{url}/notifications")
        await expect(page.get_by_test_id("unread")).to_have_text("3")
        await page.get_by_role("button", name="Mark all as read").click()
        await expect(page.get_by_test_id("unread")).to_have_count(0)
        # What was read stays in sight until somebody asks again.
        await page.get_by_role("radio", name="All").click()
        await expect(page.get_by_role("radio", name="All")).to_be_checked()
        await expect(notes(page).filter(has_text="Refund").filter(has_text="Rejected by Ada")).to_have_count(1)
        await expect(notes(page).filter(has_text="Refund")).to_have_count(2)  # the new one is open
        await page.get_by_role("radio", name="Unread").click()
        await expect(page.get_by_text("You have read everything")).to_be_visible()
        await _ended(page, url)
        await _away(page, stack)


def notes(page: Page) -> Locator:
    """What the list shows."""
    return page.get_by_role("list", name="Notifications").get_by_role("listitem")


async def _ended(page: Page, url: str) -> None:
    """Whose session has ended is told so at the door, and comes back to where they were."""
    await page.goto(f"{url}/api-keys")
    await page.get_by_role("button", name="New API key").wait_for()
    # As another tab would; then this one is looked at again, and asks for something.
    # Nobody waits for it in the page, which goes elsewhere meanwhile.
    seen = "document.dispatchEvent(new Event('visibilitychange'))"
    await page.evaluate(f"() => {{ fetch('/auth/leave', {{ method: 'POST' }}).then(() => {seen}); }}")
    await expect(page.get_by_role("status").filter(has_text="Sign in to go on where you were")).to_be_visible()
    await sign_in(page)
    await page.wait_for_url("**/api-keys")


async def _away(page: Page, stack: Stack) -> None:
    """While the backend is away a page says so, and can be asked again: no skeleton for ever, and no page that takes no press."""
    os.kill(stack.pid("backend"), signal.SIGSTOP)
    try:
        await page.goto(f"{stack.web_url}/workflows")
        await page.get_by_test_id("account").click()
        await expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    finally:
        os.kill(stack.pid("backend"), signal.SIGCONT)
    await page.goto(f"{stack.web_url}/executions")
    await page.get_by_role("table", name="Executions").wait_for()
    stack.kill("backend")
    try:
        await page.get_by_role("combobox", name="Status").click()
        await page.get_by_role("option", name="Paused").click()
        await expect(page.get_by_role("alert")).to_contain_text("does not answer")
        await expect(page.get_by_text("Nothing")).to_have_count(0)  # nobody knows that
        await page.goto(f"{stack.web_url}/members")
        await expect(page.get_by_role("alert")).to_contain_text("does not answer")
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
        await page.screenshot(path=browser.shots() / "members-away.png")
    finally:
        stack.start("backend")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("table", name="Everybody").get_by_role("row").filter(has_text=EMAIL)).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)
