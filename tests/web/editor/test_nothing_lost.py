"""What could go wrong around an editor: others who edit, a backend that is away, a page that breaks."""

from __future__ import annotations

import re
from uuid import uuid4

from playwright.async_api import Route, expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import at_desk


async def test_what_others_change_is_seen(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("filter", 480, 200)
        draft = await desk.stored()
        node = {"key": "theirs", "type": "set", "name": "By another", "position": {"x": 0, "y": 0}}
        added = {"id": str(uuid4()), "op": "add_node", "node": node}
        await desk.api.call(
            "POST", f"/workflows/{desk.workflow_id}/operations", json={"base_revision": draft["revision"], "operations": [added]}
        )
        await expect(desk.at("node-theirs")).to_contain_text("By another")
        await expect(desk.at("notice")).to_contain_text("Somebody else")

        await desk.at("node-filter").click()
        await desk.at("field-condition").locator("textarea").fill("{{ true }}")
        assert await desk.keys() == ["filter", "theirs"]
        await desk.api.call("PATCH", f"/nodes/{draft['nodes'][0]['id']}", json={"name": "By a script"})
        await expect(desk.at("node-filter")).to_contain_text("By a script")
        await expect(desk.at("node-filter")).to_contain_text("true")


async def test_nothing_is_lost_while_the_backend_is_away(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("trigger.webhook", 160, 200)
        assert await desk.keys() == ["webhook"]
        stack.kill("backend")
        await desk.drop("filter", 480, 200)
        await expect(desk.at("save-state")).to_contain_text("Not saved", timeout=15_000)
        await desk.drop("set", 800, 200)
        stack.start("backend", wait=False)
        await expect(desk.at("save-state")).to_have_text("Saved", timeout=30_000)
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
