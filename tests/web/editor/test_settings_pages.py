"""The pages under Settings in Chromium over real services: variables, API keys, projects and their members, people, the audit."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.acceptance import browser
from tests.acceptance.api import Api, Refused
from tests.acceptance.drawing import press
from tests.acceptance.stack import Stack
from tests.web.editor.desk import EMAIL, PASSWORD, at_desk


async def dialog(page: Page, button: str | Locator) -> Locator:
    """The dialog that a button opens."""
    await (page.get_by_role("button", name=button, exact=True).first if isinstance(button, str) else button).click()
    found = page.get_by_role("dialog").or_(page.get_by_role("alertdialog"))
    await found.wait_for()
    return found


async def pick(page: Page, label: str | Locator, option: str) -> None:
    """Choose from a select."""
    await (page.get_by_role("combobox", name=label) if isinstance(label, str) else label).click()
    await page.get_by_role("option", name=re.compile(option)).click()


async def row_action(page: Page, name: str, action: str) -> None:
    """One item of a row's menu."""
    await page.get_by_role("button", name=f"More for {name}").first.click()
    await page.get_by_role("menuitem", name=action, exact=True).click()


async def test_variables_keys_members_people_and_the_audit(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        page, url = desk.page, stack.web_url
        await _variables(page, url)
        await _completion(desk.page, desk.api, url)
        await _keys(page, stack)
        await _searched(page, desk.api, url)
        await _members(page, stack)
        await page.goto(f"{url}/audit")
        await expect(page.get_by_role("row").filter(has_text="eve@example.com").first).to_be_visible()
        await pick(page, "What", "API keys")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("Deleted the API key “Nightly”")
        await expect(rows.first).to_contain_text(EMAIL)
        await expect(rows.first).to_contain_text("127.0.0.1")
        await pick(page, "Who", "eve@example.com")
        await expect(page.get_by_text("Nothing like that was done")).to_be_visible()
        await desk.api.call("POST", "/api-keys", json={"name": "Nightly export", "scopes": ["workflows:read", "executions:run"]})
        await pick(page, "Who", "Everybody")
        await pick(page, "What", "Everything")
        await expect(rows.nth(12)).to_be_visible()
        for n in range(50):
            await desk.api.call("POST", "/variables", json={"name": f"MANY_{n}", "value": n})
        await page.reload()
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="Show more").click()
        await expect(page.get_by_role("row").filter(has_text="Deleted the API key “Nightly”")).to_be_visible()
        await _signed_out_elsewhere(page, url)
        with pytest.raises(Refused, match="ended"):
            await desk.api.call("GET", "/variables")  # a program that had signed in as the same person


async def _signed_out_elsewhere(page: Page, url: str) -> None:
    """Another browser may do nothing more; this one goes on."""
    async with browser.page() as other:
        await other.goto(f"{url}/sign-in?next=/settings")
        await other.get_by_label("Email").fill(EMAIL)
        await other.get_by_label("Password").fill(PASSWORD)
        await other.get_by_role("button", name="Sign in").click()
        await expect(other.get_by_role("heading", name="Two-factor sign-in")).to_be_visible()
        await expect(other.get_by_label("Email")).to_have_value(EMAIL)
        await page.goto(f"{url}/settings")
        await page.get_by_role("button", name="Sign out everywhere else").click()
        await expect(page.get_by_text("You are signed out everywhere else")).to_be_visible()
        await other.get_by_role("button", name="Save profile").click()
        await expect(other).to_have_url(re.compile(r"/sign-in\?reason=expired"))
        await other.goto(f"{url}/workflows")
        await expect(other).to_have_url(re.compile("/sign-in"))
        await expect(other.get_by_label("Password")).to_be_visible()
    await page.get_by_role("button", name="Save profile").click()
    await expect(page.get_by_text("Your profile is saved")).to_be_visible()


async def _variables(page: Page, url: str) -> None:
    await page.goto(f"{url}/variables")
    form = await dialog(page, "Add a variable")
    await form.get_by_label("Name").fill("REGION")
    await form.get_by_label("Value").fill("eu-central")
    await form.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("row").filter(has_text="{{ vars.REGION }}")).to_contain_text("eu-central")
    form = await dialog(page, "New variable")
    await form.get_by_label("Name").fill("REGION")
    await pick(page, form.get_by_role("combobox"), "JSON")
    await form.get_by_label("Value").fill("{no json")
    await form.get_by_role("button", name="Create").click()
    await expect(form.get_by_role("alert")).to_contain_text("This is no JSON")
    await form.get_by_label("Value").fill('{"warm": 40, "hot": [80, 90]}')
    await form.get_by_role("button", name="Create").click()
    await expect(form.get_by_role("alert")).to_contain_text("has a variable “REGION” already")
    await form.get_by_label("Name").fill("limits")
    await form.get_by_role("button", name="Create").click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.get_by_role("button", name="limits", exact=True).click()
    await expect(page.get_by_role("dialog").get_by_label("Value")).to_have_value(re.compile(r'"hot": \['))
    await page.get_by_role("button", name="Cancel").click()
    await row_action(page, "limits", "Delete")
    await page.get_by_role("button", name="Delete variable").click()
    await expect(page.locator("tbody tr")).to_have_count(1)


async def _completion(page: Page, api: Api, url: str) -> None:
    node = {"key": "name", "type": "set", "config": {"fields": {"to": "x"}}}
    flow = await api.call("POST", "/workflows", json={"name": "Uses variables", "nodes": [node]})
    await page.goto(f"{url}/workflows/{flow['id']}")
    await press(page, "name")
    await page.get_by_test_id("data-tree").get_by_text("vars", exact=True).wait_for()
    value = page.get_by_test_id("field-fields").locator("textarea")
    await value.fill("")
    await value.press_sequentially("{{ vars.RE")
    await expect(page.get_by_test_id("completion")).to_contain_text("REGION")
    await page.keyboard.press("Enter")
    await expect(value).to_have_value(re.compile(r"\{\{ vars\.REGION"))
    await page.keyboard.type(" }}")
    await expect(page.get_by_test_id("preview")).to_have_text("= eu-central")


async def _keys(page: Page, stack: Stack) -> None:
    await page.goto(f"{stack.web_url}/api-keys")
    form = await dialog(page, "Make an API key")
    await form.get_by_label("Name").fill("Nightly")
    await form.get_by_role("button", name="Create").click()
    await expect(form.get_by_role("alert")).to_contain_text("Choose at least one")
    await form.get_by_role("checkbox", name="workflows:read").click()
    await form.get_by_role("button", name="Create").dblclick()
    key = (await page.get_by_test_id("shown-once").text_content() or "").strip()
    assert key.startswith("trk_")
    async with Api(stack.backend_url) as program:
        program.token = key
        assert (await program.call("GET", "/workflows"))["items"]
        status, refused, _ = await program.raw("POST", "/api/v1/workflows", json={"name": "No"})
        assert (status, "workflows:write" in refused["detail"]) == (403, True)
    await page.reload()
    await page.get_by_role("table", name="API keys").wait_for()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_text(key)).to_have_count(0)
    await expect(page.locator("tbody tr")).to_have_count(1)  # a double click makes one
    await row_action(page, "Nightly", "Delete")
    await page.get_by_role("button", name="Delete key").click()
    await expect(page.get_by_text("Let programs call Trestle")).to_be_visible()


async def _searched(page: Page, api: Api, url: str) -> None:
    """Webhooks and schedules by what their rows say, among those of other tests."""
    for name, path, cron in (("Quotes", "quotes-in", "0 9 * * 1-5"), ("Parcels", "parcels-in", "*/15 * * * *")):
        hook = {"key": "hook", "type": "trigger.webhook", "config": {"path": path}}
        clock = {"key": "clock", "type": "trigger.schedule", "config": {"cron": cron, "timezone": "Europe/Berlin"}}
        flow = await api.call("POST", "/workflows", json={"name": name, "nodes": [hook, clock]})
        await api.call("POST", f"/workflows/{flow['id']}/publish")
    for kind, wanted in (("webhooks", "/PARCELS-in post"), ("schedules", "every 15 min")):
        await page.goto(f"{url}/{kind}")
        rows = page.get_by_role("table").locator("tbody tr")
        await expect(rows.filter(has_text="Quotes")).to_be_visible()
        box = page.get_by_role("searchbox", name=f"Search {kind}")
        await box.fill(wanted)
        await expect(rows.filter(has_text="Quotes")).to_have_count(0)
        await expect(rows.filter(has_text="Parcels")).to_be_visible()
        await box.fill("no such words")
        await expect(page.get_by_text("has these words")).to_be_visible()
        await box.fill("")
        await expect(rows.filter(has_text="Quotes")).to_be_visible()


async def _members(page: Page, stack: Stack) -> None:
    await page.goto(f"{stack.web_url}/members")
    form = await dialog(page, "New project")
    await form.get_by_label("Name").fill("Sales")
    await form.get_by_role("button", name="Create").dblclick()  # makes one: _operator looks
    form = await dialog(page, "Add a member")
    await form.get_by_label("Email").fill("eve@example.com")
    await form.get_by_role("button", name="Add").click()
    await expect(form.get_by_role("alert")).to_contain_text("Nobody here has this address")
    await form.get_by_role("button", name="Cancel").click()
    form = await dialog(page, "Invite somebody")
    await form.get_by_label("Email").fill("eve@example.com")
    await form.get_by_role("button", name="Make a link").click()
    link = (await page.get_by_test_id("shown-once").text_content() or "").strip()
    assert link.startswith(f"{stack.web_url}/sign-up?invitation=")
    await page.get_by_role("button", name="Done").click()
    async with browser.page() as other:
        await other.goto(f"{stack.web_url}/sign-up")
        await expect(other.get_by_text("New accounts are by invitation here")).to_be_visible()
        await expect(other.get_by_label("Password")).to_be_hidden()
        await other.goto(link)
        await other.get_by_label("Name").fill("Eve")
        await expect(other.get_by_label("Email")).to_have_value("eve@example.com")
        await other.get_by_label("Password").fill(PASSWORD)
        await other.get_by_role("button", name="Create account").click()
        await expect(other).to_have_url(f"{stack.web_url}/workflows")
        await other.goto(f"{stack.web_url}/audit")
        await expect(other.get_by_role("alert")).to_contain_text("for owners and admins")
        await expect(other.get_by_role("navigation", name="Settings").get_by_role("link")).to_have_count(4)
        form = await dialog(page, "Add a member")
        await form.get_by_label("Email").fill("Eve@example.com")
        await pick(page, form.get_by_role("combobox"), "Viewer")
        await form.get_by_label("Labels").fill("on call, nights")
        await form.get_by_role("button", name="Add").click()
        eve = page.get_by_role("table", name="Members").get_by_role("row").filter(has_text="eve@example.com")
        await expect(eve).to_contain_text("Viewer")
        await expect(eve).to_contain_text("on call, nights")
        await row_action(page, "eve@example.com", "Role and labels")
        await pick(page, page.get_by_role("dialog").get_by_role("combobox"), "Operator")
        await page.get_by_role("button", name="Save").click()
        await expect(eve).to_contain_text("Operator")
        await _operator(other, stack)
    await page.goto(f"{stack.web_url}/workflows")
    form = await dialog(page, "New workflow")
    await form.get_by_label("Name").fill("Shared with Sales")
    await pick(page, form.get_by_role("combobox"), "Sales")
    await form.get_by_role("button", name="Create").click()
    await page.wait_for_url("**/workflows/*")
    await page.goto(f"{stack.web_url}/workflows")
    await expect(page.get_by_role("row").filter(has_text="Shared with Sales").get_by_text("Sales", exact=True)).to_be_visible()
    await page.goto(f"{stack.web_url}/members")
    everybody = page.get_by_role("table", name="Everybody").get_by_role("row").filter(has_text="eve@example.com")
    await everybody.get_by_role("button", name="More for").click()
    await page.get_by_role("menuitem", name="Switch off").click()
    await page.get_by_role("button", name="Switch off").click()
    await expect(everybody).to_contain_text("Switched off")
    async with Api(stack.backend_url) as api:
        with pytest.raises(Refused, match="401"):
            await api.log_in("eve@example.com", PASSWORD)


async def _operator(page: Page, stack: Stack) -> None:
    """Who may run but not change sees what there is, and nothing to change it with."""
    url = stack.web_url
    async with Api(stack.backend_url) as owner:
        await owner.log_in(EMAIL, PASSWORD)
        (sales,) = [one["id"] for one in (await owner.call("GET", "/projects"))["items"] if one["name"] == "Sales"]
        await owner.call("POST", "/workflows", json={"name": "Of Sales", "project_id": sales})
    await page.goto(f"{url}/workflows")
    await expect(page.get_by_role("switch", name="Enable Of Sales")).to_be_disabled()
    await page.get_by_role("button", name="More for Of Sales").click()
    await expect(page.get_by_role("menuitem")).to_have_text(["Run", "Executions", "Export as JSON", "Export as YAML"])
    await page.goto(f"{url}/members")
    await expect(page.get_by_role("table", name="Members").get_by_role("row").filter(has_text="(you)")).to_contain_text("Operator")
    for button in ("Add a member", "Rename", "Delete", "Invite somebody"):
        await expect(page.get_by_role("button", name=button, exact=True)).to_have_count(0)
    await page.goto(f"{url}/variables")
    await pick(page, "Project", "Sales")
    await expect(page.get_by_text("No variables here")).to_be_visible()
    await expect(page.get_by_role("button", name="New variable")).to_have_count(0)
    await page.goto(f"{url}/api-keys")
    form = await dialog(page, "Make an API key")
    await expect(form.get_by_role("checkbox", name="admin")).to_be_visible()  # in one's own project
    await pick(page, "Project", "Sales")
    await expect(form.get_by_role("checkbox", name="admin")).to_have_count(0)
