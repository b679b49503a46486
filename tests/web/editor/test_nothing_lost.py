"""What could go wrong around an editor: others who edit, a backend that is away, a page that breaks."""

from __future__ import annotations

import asyncio
import json
import re
from uuid import uuid4

import aiohttp
from playwright.async_api import Route, expect

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack
from tests.web.editor.desk import PASSWORD, Desk, at_desk


async def seen_beside(desk: Desk, stack: Stack) -> None:
    """Somebody else who opens the draft is seen beside the saved state; one's own other tabs are not."""
    email = f"{uuid4().hex}@example.com"
    invitation = await desk.api.call("POST", "/users/invitations", json={"email": email})
    person = {"email": email, "password": PASSWORD, "name": "Grace Hopper", "invitation_token": invitation["token"]}
    async with Api(stack.backend_url) as grace, aiohttp.ClientSession() as browser:
        member = await grace.call("POST", "/users/register", json=person)
        await grace.log_in(email, PASSWORD)
        project = (await desk.api.call("POST", "/projects", json={"name": "Two of us"}))["id"]
        desk.workflow_id = (await desk.api.call("POST", "/workflows", json={"name": "Ours", "project_id": project}))["id"]
        await desk.open(stack.web_url)
        await desk.api.call("PUT", f"/projects/{project}/members/{member['id']}", json={"role": "editor"})
        url = f"{stack.backend_url}/api/v1/workflows/{desk.workflow_id}/events?present=true"
        async with browser.get(url, headers={"Authorization": f"Bearer {grace.token}"}):
            await expect(desk.at("people")).to_have_text("GH")
            await expect(desk.at("people")).to_have_attribute("title", "Also here: Grace Hopper")
        node = {"id": str(uuid4()), "op": "add_node", "node": {"key": "hers", "type": "set"}}
        await grace.call("POST", f"/workflows/{desk.workflow_id}/operations", json={"base_revision": 1, "operations": [node]})
        await expect(desk.at("notice")).to_contain_text("Somebody else")  # it goes by itself
        await expect(desk.at("node-hers")).to_be_visible()


async def keeps(desk: Desk, days: int) -> None:
    """Wait until the workflow's executions are kept for so many days."""
    async with asyncio.timeout(30):
        while (await desk.api.call("GET", f"/workflows/{desk.workflow_id}"))["settings"]["keep_days"] != days:
            await asyncio.sleep(0.1)


async def settings_in_a_hurry(desk: Desk) -> None:
    """Settings that are typed while others are on their way, or just before the page is left, are stored; those of others stay."""
    path = f"/workflows/{desk.workflow_id}"
    await desk.drop("set", 480, 500)
    await desk.at("settings-open").click()
    settings = (await desk.stored())["settings"]
    await desk.api.call("PATCH", path, json={"settings": {**settings, "keep_bytes": 4096}})
    await expect(desk.at("field-keep_bytes").locator("input")).to_have_value("4096")
    for name, value in (("keep_days", "5"), ("timeout_s", "60"), ("keep_count", "7"), ("keep_failed_days", "11")):
        await desk.at(f"field-{name}").locator("input").fill(value)
        await desk.page.wait_for_timeout(640)  # what was typed is gathered for 600 ms: each falls into the call of the one before
    wanted = {"keep_days": 5, "timeout_s": 60, "keep_count": 7, "keep_failed_days": 11, "keep_bytes": 4096}
    settings = (await desk.stored())["settings"]
    assert {name: settings[name] for name in wanted} == wanted
    await expect(desk.at("field-timeout_s").locator("input")).to_have_value("60")
    await desk.at("undo").click()  # what was drawn before can still be taken back
    await expect(desk.at("node-set")).to_have_count(0)
    assert "set" not in await desk.keys()
    await desk.at("redo").click()
    await expect(desk.at("node-set")).to_be_visible()
    await desk.at("field-keep_days").locator("input").fill("6")
    address = desk.page.url
    await desk.page.get_by_role("link", name="Executions").first.click()
    await keeps(desk, 6)
    await desk.page.goto(address)
    await desk.at("settings-open").click()
    await desk.at("field-keep_days").locator("input").fill("8")
    desk.page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))  # “Leave the page?”
    await desk.page.reload()
    await keeps(desk, 8)


async def test_what_others_change_is_seen(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("filter", 480, 200)
        draft = await desk.stored()
        node = {"key": "theirs", "type": "set", "name": "By another", "position": {"x": 0, "y": 0}}
        added = {"id": str(uuid4()), "op": "add_node", "node": node}
        await desk.api.call(
            "POST", f"/workflows/{desk.workflow_id}/operations", json={"base_revision": draft["revision"], "operations": [added]}
        )
        await expect(desk.at("notice")).to_contain_text("You have changed this workflow just now, in another tab")  # it goes by itself
        await expect(desk.at("node-theirs")).to_contain_text("By another")

        await desk.press("filter")
        await desk.at("field-condition").locator("textarea").fill("{{ true }}")
        assert await desk.keys() == ["filter", "theirs"]
        await desk.api.call("PATCH", f"/nodes/{draft['nodes'][0]['id']}", json={"name": "By a script"})
        await expect(desk.at("node-filter")).to_contain_text("By a script")
        await expect(desk.at("node-filter")).to_contain_text("true")

        # The whole draft is replaced: what is as it was here can still be taken back.
        stored = await desk.stored()
        graph = {part: [{name: one[name] for name in one if name != "id"} for one in stored[part]] for part in ("nodes", "connections")}
        graph["nodes"][1]["name"] = "Put"
        path = f"/workflows/{desk.workflow_id}/graph"
        await desk.api.call("PUT", path, json=graph, headers={"If-Match": str(stored["revision"])})
        await expect(desk.at("node-theirs")).to_contain_text("Put")
        await desk.at("undo").click()
        await expect(desk.at("node-filter")).not_to_contain_text("true")
        assert "condition" not in (await desk.nodes())["filter"]["config"]
        await desk.at("undo").click()
        await expect(desk.at("notice")).to_contain_text("other changes to “By a script”: that step is left out")
        await settings_in_a_hurry(desk)
        await seen_beside(desk, stack)


async def test_a_megabyte_of_nodes_is_pasted_and_stored(stack: Stack) -> None:
    """The event socket takes no message of that size: it travels in parts."""
    config = {"fields": {"text": "x" * 1900}}
    places = [{"x": 300 * (n % 25), "y": 120 * (n // 25)} for n in range(500)]
    nodes = [{"key": f"n{n}", "type": "set", "config": config, "position": place} for n, place in enumerate(places)]
    links = [{"source": f"n{n}", "source_port": "main", "target": f"n{n + 1}"} for n in range(499)]
    text = json.dumps({"nodes": nodes, "connections": links})
    assert len(text) > 1_000_000
    async with at_desk(stack) as desk:
        await desk.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        await desk.page.locator(".react-flow__pane").click(position={"x": 600, "y": 700})
        await desk.page.keyboard.press("Control+v")
        await expect(desk.page.locator(".react-flow__node").first).to_be_visible()
        await expect(desk.at("save-state")).to_have_text("Saved", timeout=60_000)
        assert len(await desk.keys()) == 500
        assert len(await desk.links()) == 499
        await desk.page.keyboard.press("Control+z")
        await expect(desk.at("empty")).to_be_visible()
        assert await desk.keys() == []


async def test_nothing_is_lost_while_the_backend_is_away(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("trigger.webhook", 160, 200)
        assert await desk.keys() == ["webhook"]
        await desk.page.context.set_offline(True)
        await expect(desk.at("save-state")).to_have_text("Offline – changes are kept here")
        await desk.drop("branch", 480, 400)
        await desk.page.context.set_offline(False)
        assert await desk.keys() == ["branch", "webhook"]
        stack.kill("backend")
        await desk.drop("filter", 480, 200)
        await expect(desk.at("save-state")).to_contain_text("Not saved")
        await desk.drop("set", 800, 200)
        stack.start("backend", wait=False)
        await expect(desk.at("save-state")).to_have_text("Saved", timeout=60_000)  # it asks again every 15 s at last
        assert await desk.keys() == ["branch", "filter", "set", "webhook"]


async def test_nothing_is_lost_while_the_server_of_the_page_is_away(stack: Stack) -> None:
    """The page says so, is drawn on all the same, and hands over what was drawn once it is back: nobody signs in again."""
    async with at_desk(stack) as desk:
        await desk.drop("trigger.webhook", 160, 200)
        assert await desk.keys() == ["webhook"]
        stack.kill("web")
        await expect(desk.page.get_by_text("The connection to Trestle is lost")).to_be_visible()
        await desk.drop("filter", 480, 200)
        await desk.drop("set", 800, 200)
        stack.start("web")
        await expect(desk.page.get_by_text("The connection to Trestle is lost")).to_have_count(0)
        await expect(desk.at("save-state")).to_have_text("Saved", timeout=60_000)
        assert await desk.keys() == ["filter", "set", "webhook"]


async def test_a_page_that_breaks_down_says_so_in_plain_words(stack: Stack) -> None:
    async def break_it(route: Route) -> None:
        answer = await route.fetch()
        thrown = '(()=>{throw new Error("broken on purpose")})()'
        await route.fulfill(response=answer, body=re.sub(r"([\"'`])How does it begin\?\1", thrown, await answer.text()))

    async with at_desk(stack, breaks=True) as desk:
        await desk.page.route("**/assets/*.js", break_it)
        await desk.page.reload()
        await expect(desk.at("broken")).to_contain_text("What was saved is safe")
        assert "broken on purpose" not in await desk.page.inner_text("body")
        await desk.page.unroute_all(behavior="ignoreErrors")  # some may still be under way
