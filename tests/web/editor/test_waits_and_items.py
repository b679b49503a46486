"""A run in the browser whose nodes wait, retry, and go through lists; steered by its buttons; and ten megabytes, looked at."""

from __future__ import annotations

import os
import re
from typing import Any

from aiohttp import web
from playwright.async_api import expect

from tests.acceptance.browser import clipboard
from tests.acceptance.peer import Peer, peer
from tests.acceptance.stack import Stack
from tests.web.editor.desk import at_desk
from tests.web.editor.test_node_panel import drawn

TEN_MB = "[{'id': n, 'text': 'x' * 1000} for n in range(10000)]"
FREEZES_MS = 500
"""A person notices; on a quiet machine the longest task is a fifth of it. With more to do than there are cores, everything takes longer."""
LONGEST = """() => {
  window.longest = 0;
  const note = (task) => { window.longest = Math.max(window.longest, task.duration); };
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ entryTypes: ["longtask"] });
}"""


class Busy(Peer):
    """Asks for an hour's patience at /busy."""

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/busy":
            return web.json_response({}, status=429, headers={"Retry-After": "3600"})
        return await super().answer(request)


def call(key: str, url: str, y: int, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "http.request", "config": {"url": url}, "position": {"x": 300, "y": y}, **more}


async def test_waits_attempts_and_items_are_told_where_they_are(stack: Stack) -> None:
    """On the card: what a node waits for and until when. In the panel: every attempt, and each item of a list, or those that failed."""
    async with peer(Busy()) as it, at_desk(stack) as desk:
        it.statuses = {"/flaky": [503], "/item/2": [404], "/item/5": [404]}
        retry = {"max_attempts": 3, "delay_s": 0.1}
        nodes = [
            {"key": "start", "type": "trigger.manual", "position": {"x": 0, "y": 0}},
            call("flaky", f"{it.url}/flaky", 0, retry=retry),
            call("each", f"{it.url}/item/{{{{ item }}}}", 120, for_each={"items": "{{ payload }}", "concurrency": 2}, on_error="continue"),
            call("busy", f"{it.url}/busy".replace("127.0.0.1", "localhost"), 240, retry=retry),  # another host than the others
            {"key": "later", "type": "delay", "config": {"duration_s": 7200}, "position": {"x": 300, "y": 360}},
            {"key": "ask", "type": "approval", "config": {"title": "Refund?"}, "position": {"x": 300, "y": 480}},
            {"key": "called", "type": "wait.webhook", "config": {"timeout_s": 7200}, "position": {"x": 300, "y": 800}},
            {"key": "pure", "type": "set", "config": {"fields": {"n": "{{ 1 / item }}"}}, "position": {"x": 300, "y": 640}},
        ]
        nodes[-1] |= {"for_each": {"items": "{{ payload }}"}, "on_error": "continue"}
        child = {"name": "Refund one", "nodes": [{"key": "called", "type": "trigger.workflow"}, call("work", f"{it.url}/child", 0)]}
        child["connections"] = [{"source": "called", "target": "work"}]
        callee = (await desk.api.call("POST", "/workflows", json=child))["id"]
        await desk.api.call("POST", f"/workflows/{callee}/publish", json={})
        say = "print('begun')\nprint(len(payload))\nfor n in range(448):\n    print('line', n)\n{'ok': True}"
        nodes += [
            {"key": "sub", "type": "workflow.call", "config": {"workflow_id": callee}, "position": {"x": 300, "y": 960}},
            {"key": "say", "type": "code.python", "config": {"code": say}, "position": {"x": 300, "y": 1120}},
        ]
        links = [{"source": "start", "target": node["key"]} for node in nodes[1:]]
        nodes.append(
            {"key": "after", "type": "set", "config": {"fields": {"said": "{{ input.body.score }}"}}, "position": {"x": 600, "y": 800}}
        )
        await drawn(desk, nodes, [*links, {"source": "called", "target": "after"}])
        started = await desk.api.call("POST", f"/workflows/{desk.workflow_id}/execute", json={"input": list(range(8))})
        await expect(desk.at("node-later")).to_contain_text(re.compile(r"Waits until .*\d\d:\d\d"))
        await expect(desk.at("node-ask")).to_contain_text(re.compile(r"Waits for a decision until .*\d\d:\d\d"))
        await expect(desk.at("node-busy")).to_contain_text(re.compile(r"Rate limited until .*\d\d:\d\d"))
        await expect(desk.at("node-each")).to_contain_text("8 items 2 failed")

        page = desk.page
        await page.goto(f"{stack.web_url}/executions/{started['execution_id']}")
        await expect(desk.at("node-busy")).to_contain_text("Rate limited until")
        await expect(desk.at("node-each")).to_contain_text("8 items 2 failed")
        await desk.press("after")
        await expect(desk.at("panel")).to_contain_text("This node has not run yet")
        await desk.press("flaky")
        await expect(desk.at("attempts").locator("option")).to_have_text(["Attempt 1 · failed", "Attempt 2 · succeeded"])
        await desk.at("attempts").select_option(index=0)
        await expect(desk.at("step-error")).to_contain_text("503")
        await expect(desk.at("step-error").locator(".ed-failure-hint")).not_to_be_empty()
        await desk.at("attempts").select_option(index=1)
        await expect(desk.at("step-output")).to_contain_text("/flaky")

        await desk.press("each")
        await expect(desk.at("items").locator("summary")).to_have_text("8 items · 2 failed")
        await expect(desk.at("items").locator("li")).to_have_count(8)
        await desk.at("items-failed").click()
        await expect(desk.at("items").locator("li")).to_have_count(2)
        await desk.at("item-5").click()
        await expect(desk.at("step-error")).to_contain_text("404")
        await expect(desk.at("step-input")).to_contain_text("5")
        await desk.at("items-back").click()
        await desk.at("items").get_by_role("tab", name="All").click()
        await desk.at("item-3").click()
        await expect(desk.at("step-output")).to_contain_text("/item/3")

        # Items that have no steps of their own, as their node has no effects: what became of them is in the output.
        await desk.press("pure")
        await desk.at("items-failed").click()
        await expect(desk.at("items").locator("li")).to_have_count(1)
        await desk.at("item-0").click()
        await expect(desk.at("step-error")).to_contain_text("zero")

        # A wait for a call says until when, and what to call; the call is passed on, and the page sees it.
        await expect(desk.at("node-called")).to_contain_text(re.compile(r"Waits for a call until .*\d\d:\d\d"))
        await desk.press("called")
        await expect(desk.at("step-waiting")).to_contain_text(re.compile(r"Waits for a call until .*\d\d:\d\d"))
        address = await desk.at("step-resume-url").text_content() or ""
        assert address.startswith(f"{stack.backend_url}/resume/")
        await desk.at("step-waiting").get_by_role("button", name="Copy the address").click()
        assert await clipboard(page, address) == address
        assert (await page.request.post(address, data={"score": 91})).ok
        await expect(desk.at("node-called")).to_have_attribute("data-status", "succeeded")
        await expect(desk.at("step-waiting")).to_have_count(0)
        await expect(desk.at("step-output")).to_contain_text("91")
        await expect(desk.at("node-after")).to_have_attribute("data-status", "succeeded")
        assert (await page.request.post(address, data={"score": 92})).status == 409  # once

        # What it printed, what it was set to, and the way to it in the draft.
        # Over which failures it went on: the nodes that they happened at, one after the other.
        await expect(desk.at("failures")).to_contain_text("2 nodes")
        for key in ("each", "pure", "each"):
            await desk.at("failures").click()
            await expect(desk.at("field-key").locator("input")).to_have_value(key)
        await desk.press("say")
        lines = desk.at("step-log").locator("li span")
        await expect(lines).to_have_count(200)
        assert (await lines.all_text_contents())[:3] == ["begun", "8", "line 0"]
        await desk.at("log-more").click()
        await expect(lines).to_have_count(450)
        await expect(lines.last).to_have_text("line 447")
        await expect(desk.at("log-more")).to_have_count(0)
        await desk.at("log-newest").click()
        await expect(lines.first).to_have_text("line 447")
        await desk.at("log-more").click()
        await expect(lines).to_have_count(450)
        await expect(lines.last).to_have_text("begun")
        await expect(desk.at("ran-with")).to_contain_text("print(len(payload))")
        await expect(desk.at("edit-node")).to_have_attribute("href", f"/workflows/{desk.workflow_id}?node=say")

        # Into the execution that it started, and back.
        await expect(desk.at("node-sub")).to_contain_text("Refund one")
        await desk.press("sub")
        await desk.at("input-search").click()
        await page.keyboard.type("7")
        await expect(desk.at("matches").locator("li")).to_have_text(["[7]7"])
        await desk.at("step-calls").get_by_role("link").click()
        await expect(desk.at("node-work")).to_have_attribute("data-status", "succeeded")
        await expect(desk.at("origin")).to_have_attribute("href", f"/executions/{started['execution_id']}")
        await page.go_back()
        await expect(desk.at("node-flaky")).to_be_visible()

        # Held, let go on, ended, and begun again.
        for verb, status in (("pause", "Paused"), ("resume", "Waiting"), ("cancel", "Cancelled")):
            await desk.at(f"steer-{verb}").click()
            await expect(desk.at("execution-status")).to_contain_text(status)
        await desk.at("steer-replay").click()
        await page.wait_for_url(lambda url: "/executions/" in url and started["execution_id"] not in url)
        await expect(desk.at("origin")).to_have_text("Replay of an earlier run")
        await expect(desk.at("origin")).to_have_attribute("href", f"/executions/{started['execution_id']}")
        await expect(desk.at("execution-status")).to_contain_text("Waiting")
        await desk.at("steer-cancel").click()
        await expect(desk.at("steer-retry")).to_be_visible()
        replayed = page.url
        await desk.at("steer-retry").click()
        await page.wait_for_url(lambda url: "/executions/" in url and url != replayed)
        await expect(desk.at("origin")).to_have_text("Retry of an earlier run")
        await expect(desk.at("origin")).to_have_attribute("href", replayed.removeprefix(stack.web_url))
        retried = page.url.removeprefix(stack.web_url)
        await expect(desk.at("node-flaky")).to_have_attribute("data-status", "succeeded")
        await desk.api.call("POST", f"/executions/{page.url.rsplit('/', 1)[1]}/cancel")
        await desk.at("origin").click()  # and from what was run again, on to the newest
        await expect(desk.at("rerun")).to_have_text("Retried")
        await expect(desk.at("rerun")).to_have_attribute("href", retried)


async def test_ten_megabytes_are_looked_at_without_freezing(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        nodes = [
            {"key": "start", "type": "trigger.manual", "position": {"x": 0, "y": 0}},
            {"key": "make", "type": "code.python", "config": {"code": TEN_MB, "memory_mb": 512}, "position": {"x": 300, "y": 0}},
        ]
        await drawn(desk, nodes, [{"source": "start", "target": "make"}])
        started = await desk.api.call("POST", f"/workflows/{desk.workflow_id}/execute", json={})
        execution = await desk.api.finished(started["execution_id"], within_s=60)
        assert execution["status"] == "succeeded", execution
        await desk.page.goto(f"{stack.web_url}/executions/{execution['id']}")
        await expect(desk.at("node-make")).to_have_attribute("data-status", "succeeded")
        await desk.still()
        await desk.page.evaluate(LONGEST)
        await desk.press("make")
        await expect(desk.at("step-output")).to_contain_text("beginnings of 10")
        await desk.at("output-as-table").click()
        rows = desk.at("step-output").locator("tbody tr")
        for count in (100, 200, 300):
            await expect(rows).to_have_count(count)
            if count < 300:
                await desk.at("table-more").click()
        await expect(rows.last).to_contain_text("299")
        await desk.at("output-as-schema").click()
        await expect(desk.at("schema-view")).to_contain_text("integer")
        longest = await desk.page.evaluate("window.longest")
        crowd = min(3.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
        assert longest < FREEZES_MS * crowd, f"the page stood still for {longest:.0f} ms"
        async with desk.page.expect_download() as coming:
            await desk.at("step-file").first.click()
        path = await (await coming.value).path()
        assert path.stat().st_size > 10_000_000
