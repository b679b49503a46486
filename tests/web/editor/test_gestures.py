"""The editor in Chromium over real services: every gesture, and that what it did is stored."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, Route, WebSocket, expect

from tests.acceptance import browser
from tests.acceptance.api import Api, Refused
from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home
from web.build import DEFAULT_OUT, build

expect.set_options(timeout=15_000)  # two cores, and everything on them
EMAIL, PASSWORD = "ada@example.com", "a long enough one"


@pytest.fixture(scope="module")
def stack(migrated_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    build(DEFAULT_OUT)
    with running(
        migrated_home, tmp_path_factory.mktemp("editor") / "home", web=True, env={"TRESTLE_WEB_BUILD": str(DEFAULT_OUT)}
    ) as started:
        yield started


class Desk:
    """A person at the editor: a tab, and the API to see what was stored."""

    def __init__(self, page: Page, api: Api, workflow_id: str) -> None:
        self.page, self.api, self.workflow_id = page, api, workflow_id
        self.frames: list[str] = []

    def at(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    async def open(self, web_url: str) -> None:
        self.page.on("websocket", self._listen)
        await self.page.goto(f"{web_url}/workflows/{self.workflow_id}")
        await self.at("canvas").wait_for()

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._heard)
        socket.on("framereceived", self._heard)

    def _heard(self, frame: str | bytes) -> None:
        self.frames.append(str(frame))

    async def stored(self) -> dict[str, Any]:
        """The draft, once everything is saved."""
        await expect(self.at("save-state")).to_have_text("Saved")
        found: dict[str, Any] = await self.api.call("GET", f"/workflows/{self.workflow_id}")
        return found

    async def keys(self) -> list[str]:
        return sorted(node["key"] for node in (await self.stored())["nodes"])

    async def links(self) -> set[tuple[str, str, str]]:
        return {(link["source"], link["source_port"], link["target"]) for link in (await self.stored())["connections"]}

    async def drop(self, type: str, x: int, y: int) -> None:
        await self.page.drag_and_drop(f"[data-testid='palette-item-{type}']", ".react-flow__pane", target_position={"x": x, "y": y})

    async def handle(self, key: str, port: str) -> tuple[float, float]:
        box = await self.page.locator(f".react-flow__handle[data-nodeid='{key}'][data-handleid='{port}']").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    async def still(self) -> None:
        """Wait until the view has stopped moving."""
        view, before = self.page.locator(".react-flow__viewport"), None
        while (now := await view.get_attribute("style")) != before:
            before = now
            await self.page.wait_for_timeout(120)

    async def connect(self, source: str, port: str, target: str) -> None:
        mouse, (x, y) = self.page.mouse, await self.handle(target, "in")
        await mouse.move(*await self.handle(source, port))
        await mouse.down()
        await mouse.move(x - 30, y + 10, steps=6)
        await mouse.move(x, y, steps=3)
        await mouse.up()

    async def three_nodes(self) -> None:
        """A webhook, a filter and a call, connected in a row."""
        await self.drop("trigger.webhook", 160, 200)
        await self.drop("filter", 480, 200)
        await self.drop("http.request", 800, 200)
        await self.connect("webhook", "main", "filter")
        await self.connect("filter", "main", "http_request")
        await expect(self.page.locator(".react-flow__edge")).to_have_count(2)


@asynccontextmanager
async def at_desk(stack: Stack, *, width: int = 1440, height: int = 900, breaks: bool = False) -> AsyncIterator[Desk]:
    async with Api(stack.backend_url) as api:
        try:
            await api.log_in(EMAIL, PASSWORD)
        except Refused:  # the first test: nobody is there yet
            await api.sign_up(EMAIL, PASSWORD)
        workflow = await api.call("POST", "/workflows", json={"name": "Hot lead to chat"})
        permissions = ["clipboard-read", "clipboard-write"]
        async with browser.page(width=width, height=height, permissions=permissions) as page:
            wrong: list[str] = []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            await page.goto(f"{stack.web_url}/sign-in")
            await page.fill("input[name=email]", EMAIL)
            await page.fill("input[name=password]", PASSWORD)
            await page.get_by_role("button", name="Sign in").click()
            await page.wait_for_url("**/workflows")
            desk = Desk(page, api, workflow["id"])
            await desk.open(stack.web_url)
            yield desk
            assert breaks or wrong == []


async def test_nodes_are_drawn_connected_configured_and_kept(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.three_nodes()
        await desk.connect("webhook", "main", "filter")
        await expect(desk.at("notice")).to_contain_text("connected already")
        await desk.connect("http_request", "main", "filter")
        await expect(desk.at("notice")).to_contain_text("circle")
        assert await desk.links() == {("webhook", "main", "filter"), ("filter", "main", "http_request")}

        await desk.at("node-filter").click()
        await desk.at("field-condition").locator("textarea").fill("{{ payload.score >= 80 }}")
        await desk.at("node-http_request").click()
        await desk.at("field-query").get_by_role("button", name="Add").click()
        await desk.at("field-query").locator("input").first.fill("who")
        await desk.at("field-query").locator("input, textarea").nth(1).focus()
        await desk.at("data-tree").get_by_title("{{ nodes.webhook }}").click()
        await desk.at("field-method").locator("select").select_option("POST")
        await desk.at("field-url").locator("input").fill("https://chat.example/hook")
        await desk.at("field-body").locator("textarea").fill('{"content": "{{ payload.name }}", "n": 3}')
        await desk.at("field-key").locator("input").fill("tell")
        await desk.page.keyboard.press("Enter")
        await desk.at("node-name").fill("Tell the chat")
        await desk.at("tab-policies").click()
        await desk.at("field-max_attempts").locator("input").fill("3")
        await desk.at("field-on_error").locator("select").select_option("branch")
        stored = {node["key"]: node for node in (await desk.stored())["nodes"]}
        assert stored["filter"]["config"] == {"condition": "{{ payload.score >= 80 }}"}
        tell = stored["tell"]
        assert tell["config"]["query"] == {"who": "{{ nodes.webhook }}"}
        assert tell["config"]["body"] == {"content": "{{ payload.name }}", "n": 3}
        assert (tell["config"]["method"], tell["config"]["url"]) == ("POST", "https://chat.example/hook")
        assert (tell["name"], tell["retry"]["max_attempts"], tell["on_error"]) == ("Tell the chat", 3, "branch")
        assert ("filter", "main", "tell") in await desk.links()

        await desk.page.reload()
        await expect(desk.at("node-tell")).to_contain_text("POST chat.example/hook")
        await expect(desk.at("node-filter")).to_contain_text("payload.score >= 80")


async def test_recorded_data_is_at_hand_while_an_expression_is_typed(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("trigger.manual", 160, 200)
        await desk.drop("set", 480, 200)
        await desk.connect("manual", "main", "set")
        await desk.stored()
        body = {"input": {"name": "Ada", "orders": [{"id": 7}], "first name": "A"}}
        await desk.api.call("POST", f"/workflows/{desk.workflow_id}/execute", json=body)
        await desk.at("node-set").click()
        fields = desk.at("field-fields")
        await fields.get_by_role("button", name="Add").click()
        await fields.locator("input").first.fill("greeting")
        value = fields.locator("input, textarea").nth(1)
        await value.click()
        await expect(desk.at("data-tree")).to_contain_text("orders")

        # By keyboard: the field keeps the cursor all the way, though it becomes an expression meanwhile.
        await desk.page.keyboard.type("Dear {{ payload.na")
        await expect(desk.at("completion").get_by_role("option")).to_have_count(2)
        await desk.page.keyboard.press("Enter")
        await desk.page.keyboard.type(" }}, hello, this is a text of some length")
        await expect(value).to_have_value("Dear {{ payload.name }}, hello, this is a text of some length")
        await expect(desk.at("preview")).to_contain_text("Dear Ada, hello")

        # By pointer: a press on a value writes its path at the cursor.
        await value.fill("{{  }}")
        for _ in range(3):
            await desk.page.keyboard.press("ArrowLeft")
        await desk.at("data-tree").get_by_label("Open orders").first.click()
        await desk.at("data-tree").get_by_label("Open 0").first.click()
        await desk.at("data-tree").get_by_title("{{ payload.orders[0].id }}").click()
        await expect(value).to_have_value("{{ payload.orders[0].id }}")
        await expect(desk.at("preview")).to_contain_text("7")

        # What can't resolve says why, before anything runs.
        await value.fill("{{ payload.nam }}")
        await expect(desk.at("preview-error")).to_contain_text("Did you mean `name`?")
        stored = await desk.stored()
        assert next(node for node in stored["nodes"] if node["key"] == "set")["config"]["fields"] == {"greeting": "{{ payload.nam }}"}


async def test_versions_are_published_compared_and_restored(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("trigger.manual", 160, 200)
        await desk.drop("set", 480, 200)
        await desk.connect("manual", "main", "set")
        await desk.stored()
        await desk.at("versions-open").click()
        await desk.at("publish-note").fill("The first one")
        await desk.at("publish-with-note").click()
        await expect(desk.at("version-1")).to_contain_text("The first one")
        await expect(desk.at("version-1")).to_contain_text("Live")

        # The draft goes on; what it has changed is told in the panel, and marked on the canvas.
        await desk.at("node-set").click()
        await desk.at("field-keep_input").get_by_role("switch").click()
        await desk.drop("filter", 480, 420)
        await desk.stored()
        await desk.at("versions-open").click()
        await desk.page.get_by_label("Compare the draft with version 1").click()
        await expect(desk.at("comparison")).to_contain_text("keep_input")
        await expect(desk.at("node-set")).to_have_class(re.compile("is-marked-changed"))
        await expect(desk.at("node-filter")).to_have_class(re.compile("is-marked-added"))

        await desk.page.get_by_label("Restore version 1").click()
        await desk.at("restore").click()
        await expect(desk.at("node-filter")).to_have_count(0)
        stored = await desk.stored()
        assert [node["key"] for node in stored["nodes"]] == ["manual", "set"]
        assert "keep_input" not in stored["nodes"][1]["config"]


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


async def test_everything_can_be_undone_and_done_again(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.three_nodes()
        await desk.at("node-filter").click()
        await desk.at("field-condition").locator("textarea").fill("{{ true }}")
        await desk.page.keyboard.press("Escape")
        await desk.page.locator(".react-flow__pane").click(position={"x": 500, "y": 700})
        whole = await desk.stored()
        for _ in range(6):
            await desk.at("undo").click()
        assert await desk.keys() == []
        await expect(desk.at("empty")).to_be_visible()
        for _ in range(6):
            await desk.page.keyboard.press("Control+Shift+z")
        again = await desk.stored()
        assert [node["config"] for node in again["nodes"]] == [node["config"] for node in whole["nodes"]]
        assert len(again["connections"]) == 2


async def test_nodes_are_copied_moved_tidied_and_removed(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.three_nodes()
        await desk.stored()
        before = len(desk.frames)
        box = await desk.at("node-filter").bounding_box()
        assert box is not None
        await desk.page.mouse.move(box["x"] + 90, box["y"] + 30)
        await desk.page.mouse.down()
        await desk.page.mouse.move(box["x"] + 150, box["y"] + 190, steps=60)
        await desk.page.mouse.up()
        moved = {node["key"]: node["position"] for node in (await desk.stored())["nodes"]}
        assert moved["filter"]["y"] - moved["webhook"]["y"] == pytest.approx(160, abs=20)
        assert len(desk.frames) - before <= 5, "a drag is one operation, whatever its length"

        await desk.page.keyboard.press("Control+a")
        await desk.page.keyboard.press("Control+c")
        await desk.page.keyboard.press("Control+v")
        assert await desk.keys() == ["filter", "filter_2", "http_request", "http_request_2", "webhook", "webhook_2"]
        assert len(await desk.links()) == 4
        await desk.page.keyboard.press("t")
        tidy = [node["position"] for node in (await desk.stored())["nodes"]]
        assert len({(position["x"], position["y"]) for position in tidy}) == 6
        await desk.page.keyboard.press("Delete")
        assert await desk.keys() == ["filter", "http_request", "webhook"]
        await desk.still()
        (left, top), (right, bottom) = await desk.handle("webhook", "main"), await desk.handle("filter", "in")
        await desk.page.mouse.click((left + right) / 2, (top + bottom) / 2)
        await desk.page.keyboard.press("Delete")
        assert len(await desk.links()) == 1
        await desk.page.keyboard.press("/")
        await desk.page.keyboard.type("branch")
        await desk.page.keyboard.press("Enter")
        await desk.at("palette-item-set").focus()
        await desk.page.keyboard.press("Enter")
        assert await desk.keys() == ["branch", "filter", "http_request", "set", "webhook"]


async def test_a_run_is_seen_live_and_its_values_on_a_click(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("trigger.webhook", 160, 200)
        await desk.drop("filter", 480, 200)
        await desk.drop("set", 800, 200)
        await desk.connect("webhook", "main", "filter")
        await desk.connect("filter", "main", "set")
        await desk.at("publish").click()
        await expect(desk.at("problems")).to_be_visible()
        await expect(desk.at("problem-filter")).to_be_visible()
        await desk.at("node-webhook").click()
        await desk.at("field-path").locator("input").fill("leads")
        await desk.at("node-filter").click()
        await desk.at("field-condition").locator("textarea").fill("{{ payload.score >= 80 }}")
        await desk.at("node-set").click()
        await desk.at("field-fields").get_by_role("button", name="Add").click()
        await desk.at("field-fields").locator("input").fill("text")
        await desk.at("field-fields").locator("textarea").fill("{{ payload.name }} scored {{ payload.score }}")
        await desk.at("publish").click()
        await expect(desk.at("publish")).to_have_text("Published")
        await desk.at("enable").click()
        await expect(desk.at("webhook-url")).to_have_text(f"{stack.backend_url}/webhooks/leads")
        await expect(desk.at("enable")).to_be_checked()
        await desk.page.keyboard.press("Escape")

        await desk.api.post_webhook("leads", {"name": "Ada", "score": 91})
        for key in ("webhook", "filter", "set"):
            await expect(desk.at(f"node-{key}")).to_have_attribute("data-status", "succeeded")
        await desk.at("node-set").click()
        await expect(desk.at("step-output")).to_contain_text("Ada scored 91")
        await desk.at("step-tab-input").click()
        await expect(desk.at("step-input")).to_contain_text("91")

        await desk.api.post_webhook("leads", {"name": "Bob", "score": 3})
        await expect(desk.at("node-set")).to_have_attribute("data-status", "skipped")
        await desk.api.post_webhook("leads", {"name": "Eve"})
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "failed")
        await desk.at("node-filter").click()
        await expect(desk.at("step-error")).to_contain_text("score")

        await desk.at("runs-open").click()
        await expect(desk.at("runs")).to_contain_text("Failed")
        await desk.at("node-set").click()
        await expect(desk.at("tab-policies")).to_be_visible()
        await desk.at("runs-open").click()
        await desk.at("runs").locator(".ed-run-row").first.click()
        await expect(desk.at("execution-status")).to_contain_text("Failed")
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "failed")
        await desk.at("node-webhook").click()
        await expect(desk.at("step-output")).to_contain_text("Eve")
        await expect(desk.at("step-input")).to_be_visible()


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


async def test_a_phone_has_it_all_too(stack: Stack) -> None:
    async with at_desk(stack, width=390, height=844) as desk:
        await desk.at("palette-open").click()
        await desk.at("palette-item-trigger.webhook").click()
        await desk.at("node-webhook").click()
        panel = await desk.at("panel").bounding_box()
        assert panel is not None
        assert (panel["x"], panel["width"]) == (0, 390)
        await desk.at("field-path").locator("input").fill("from-a-phone")
        stored = await desk.stored()
        assert stored["nodes"][0]["config"]["path"] == "from-a-phone"
        width = await desk.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, "nothing sticks out"
