"""The credentials page in Chromium over real services: typed forms, a test before and after saving, where one is used, roles."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.acceptance import browser
from tests.acceptance.accessibility import barriers
from tests.acceptance.api import Api
from tests.acceptance.peer import peer
from tests.acceptance.stack import Stack
from tests.web.editor.desk import PASSWORD, at_desk
from tests.web.editor.test_settings_pages import dialog, pick, row_action


async def test_a_credential_from_its_form_to_the_node_that_uses_it(stack: Stack) -> None:
    async with at_desk(stack) as desk, peer() as service:
        page, url = desk.page, stack.web_url
        host = service.url.partition("//")[2].partition(":")[0]
        await page.goto(f"{url}/credentials")
        form = await dialog(page, "New credential")
        await form.get_by_label("Name", exact=True).fill("Chat")
        await form.get_by_label("Token").fill("a-wrong-token")
        await form.get_by_label("Address for the test").fill(f"{service.url}/me")
        await form.get_by_label("Allowed hosts").fill("https://chat.example.com")
        await form.get_by_role("button", name="Create").click()
        await expect(form.get_by_role("alert")).to_contain_text("is not a host name")
        await form.get_by_label("Allowed hosts").fill("elsewhere.example.com")
        await form.get_by_role("button", name="Test").click()
        await expect(form.get_by_role("status")).to_contain_text("may not be sent to")
        await form.get_by_label("Allowed hosts").fill(host)
        service.statuses["/me"] = [401]
        await form.get_by_role("button", name="Test").click()
        await expect(form.get_by_role("status")).to_contain_text("does not take it: 401")
        assert await barriers(page) == []
        names = [one["name"] for one in (await desk.api.call("GET", "/credentials"))["items"]]
        assert "Chat" not in names, "a test keeps nothing"
        service.statuses["/me"] = [200]
        await form.get_by_label("Token").fill("a-right-token")
        await form.get_by_role("button", name="Test").click()
        await expect(form.get_by_role("status")).to_contain_text("takes it: 200 OK")
        assert service.calls[-1].headers["authorization"] == "Bearer a-right-token"
        await page.screenshot(path=browser.shots() / "credential-tested.png")
        await form.get_by_label("Token").press("Enter")
        await expect(form).to_have_count(0)
        await row_action(page, "Chat", "Test")
        await expect(page.get_by_text("takes it: 200 OK")).to_be_visible()

        # What is set is never shown; a test of the form's changes uses what is kept for the rest.
        await page.get_by_role("button", name="Chat", exact=True).click()
        form = page.get_by_role("dialog")
        await expect(form.get_by_label("Token")).to_have_value("")
        await expect(form.get_by_label("Token")).to_have_attribute("placeholder", re.compile("^Set"))
        await form.get_by_label("Address for the test").fill(f"{service.url}/other")
        await form.get_by_role("button", name="Test").click()
        await expect(form.get_by_role("status")).to_contain_text("takes it")
        assert (service.calls[-1].path, service.calls[-1].headers["authorization"]) == ("/other", "Bearer a-right-token")
        assert "a-right-token" not in await page.content()
        await form.get_by_role("button", name="Cancel").click()
        await _web_token(page, desk.api)
        await _used(page, desk.api, url)


async def _web_token(page: Page, api: Api) -> None:
    """The editor leads to a form of the type that its node takes; another algorithm asks for another key."""
    await page.goto(page.url.partition("?")[0] + "?type=jwt")
    form = page.get_by_role("dialog")
    await form.get_by_label("Name", exact=True).fill("Callers")
    await form.get_by_label("Secret").fill("a secret of thirty-two bytes at least")
    await form.get_by_role("button", name="Create").click()
    await expect(form).to_have_count(0)
    await page.get_by_role("button", name="Callers", exact=True).click()
    await expect(form.get_by_label("Secret")).to_have_attribute("placeholder", re.compile("^Set"))
    await pick(page, "Algorithm", "RS256")
    await expect(form.get_by_label("Secret")).to_have_count(0)
    await form.get_by_label("Public key").fill("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_have_count(0)
    kept = next(one for one in (await api.call("GET", "/credentials"))["items"] if one["name"] == "Callers")
    assert kept["set_fields"] == ["algorithm", "public_key"]
    assert kept["fields"]["public_key"].splitlines()[1] == "MIIB"


async def _used(page: Page, api: Api, url: str) -> None:
    """Where it is used leads to the node; who may only look sees no more than that; deleting one in use says so first."""
    chat = next(one for one in (await api.call("GET", "/credentials"))["items"] if one["name"] == "Chat")
    project = await api.call("POST", "/projects", json={"name": "Team"})
    shared = await api.call(
        "POST", "/credentials", json={"name": "Shared", "type": "bearer", "data": {"token": "t-o-k-e-n"}, "project_id": project["id"]}
    )
    node = {"key": "tell", "type": "http.request", "name": "Tell them", "config": {"url": "https://chat.example.com"}}
    for name, whose, credential in (("Tells", None, chat), ("Tells the team", project["id"], shared)):
        nodes = [{**node, "config": {**node["config"], "credential": credential["id"]}}]  # type: ignore[dict-item]
        await api.call("POST", "/workflows", json={"name": name, "nodes": nodes, "project_id": whose})
    invited = await api.call("POST", "/users/invitations", json={"email": "vera@example.com", "role": "member"})
    body = {"email": "vera@example.com", "password": PASSWORD, "name": "Vera", "invitation_token": invited["token"]}
    vera = await api.call("POST", "/users/register", json=body)
    await api.call("PUT", f"/projects/{project['id']}/members/{vera['id']}", json={"role": "viewer"})
    async with browser.page(width=390) as other:
        await other.goto(f"{url}/sign-in?next=/credentials")
        await other.fill("input[name=email]", "vera@example.com")
        await other.fill("input[name=password]", PASSWORD)
        await other.get_by_role("button", name="Sign in").click()
        await other.get_by_role("button", name="More for Shared").click()
        await expect(other.get_by_role("menuitem")).to_have_text(["Where it is used"])
        await other.keyboard.press("Escape")
        await other.get_by_role("button", name="New credential").click()
        await expect(other.get_by_role("dialog").get_by_role("combobox", name="Project")).to_have_count(0)
    await page.reload()
    await page.get_by_label("Search credentials").fill("team bearer")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_label("Search credentials").fill("chat")
    await row_action(page, "Chat", "Delete")
    asked = page.get_by_role("alertdialog")
    await expect(asked).to_contain_text("They will fail until they are given another one")
    await asked.get_by_role("button", name="Cancel").click()
    await row_action(page, "Chat", "Where it is used")
    await page.get_by_role("link", name="Tells · tell").click()
    await expect(page.get_by_test_id("panel").get_by_role("textbox").first).to_have_value("Tell them")
    await expect(page.get_by_test_id("panel").locator("option:checked", has_text="Chat · bearer")).to_have_count(1)
    await expect(page.get_by_test_id("panel").locator("option", has_text="Shared")).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/workflows/[0-9a-f-]{36}$"))
    await page.goto(f"{url}/credentials")
    await row_action(page, "Chat", "Delete")
    await page.get_by_role("button", name="Delete credential").click()
    await expect(page.get_by_role("button", name="Chat", exact=True)).to_have_count(0)
