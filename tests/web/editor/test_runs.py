"""Runs at the desk: values in three views, items, pins, one node or up to one, two runs compared, one copied, conflicts."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import Desk, at_desk

NODES: list[dict[str, Any]] = [
    {"key": "start", "type": "trigger.manual", "position": {"x": 0, "y": 0}},
    {"key": "each", "type": "set", "config": {"fields": {"double": "{{ 2 * item.n }}"}}, "position": {"x": 300, "y": 0}},
    {"key": "last", "type": "set", "config": {"fields": {"count": "{{ nodes.each|length }}"}}, "position": {"x": 600, "y": 0}},
]
NODES[1]["for_each"] = {"items": "{{ payload }}", "concurrency": 4}
NODES[1]["on_error"] = "continue"
LINKS = [{"source": "start", "target": "each"}, {"source": "each", "target": "last"}]
LOSING = """() => {
  window.lost = [];
  window.send = WebSocket.prototype.send;
  WebSocket.prototype.send = (text) => { window.lost.push(String(text)); };
  window.later = window.setTimeout;
  window.setTimeout = (work, ms, ...rest) => window.later(work, ms > 10000 ? 2500 : ms, ...rest);
}"""
"""What the page sends is lost, and it gives up waiting for an answer (12 s) sooner."""


async def drawn(desk: Desk, stack: Stack) -> None:
    """The workflow of these tests, open."""
    draft = await desk.stored()
    graph = {"nodes": NODES, "connections": LINKS}
    await desk.api.call("PUT", f"/workflows/{desk.workflow_id}/graph", json=graph, headers={"If-Match": str(draft["revision"])})
    await expect(desk.at("node-last")).to_be_visible()  # rung at once, loaded again by itself


async def run(desk: Desk, value: Any) -> str:
    started = await desk.api.call("POST", f"/workflows/{desk.workflow_id}/execute", json={"input": value})
    execution = await desk.api.finished(started["execution_id"])
    return str(execution["id"])


async def test_values_are_seen_as_table_json_and_schema_and_pinned(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await drawn(desk, stack)
        rows = [{"n": n, "text": "x" * 300} for n in range(2500)]
        await run(desk, rows)
        await expect(desk.at("node-last")).to_have_attribute("data-status", "succeeded")
        await desk.press("start")
        await expect(desk.at("step-output")).to_contain_text("2,500 items")
        await desk.at("output-as-schema").click()
        await expect(desk.at("schema-view")).to_contain_text("integer")
        await desk.at("output-as-table").click()
        await expect(desk.at("step-output").locator("tbody tr")).to_have_count(100)
        await desk.at("table-more").click()
        await expect(desk.at("step-output").locator("tbody tr")).to_have_count(200)
        await desk.at("pin-output").click()
        await expect(desk.at("notice")).to_contain_text("too large")

        await run(desk, [{"n": 1}, {"n": 2}])
        await desk.press("each")
        await expect(desk.at("step-output").locator("tbody tr")).to_have_count(2)  # the view is remembered
        await desk.at("pin-output").click()
        await expect(desk.at("pinned-each")).to_be_visible()
        await desk.at("pin-edit").click()
        await desk.at("pin-text").fill("[1, 2, 3]")
        await desk.at("pin-save").click()
        await expect(desk.at("save-state")).to_have_text("Saved")
        assert [node["pinned"] for node in (await desk.stored())["nodes"]] == [None, [1, 2, 3], None]
        await desk.press("last")
        await desk.at("run-only").click()
        await expect(desk.at("step-output")).to_contain_text("3")
        await expect(desk.at("node-start")).to_have_attribute("data-status", "idle")
        await desk.press("each")
        await desk.at("unpin").click()
        await expect(desk.at("pinned-each")).to_have_count(0)
        await desk.at("run-until").click()
        await expect(desk.at("node-start")).to_have_attribute("data-status", "succeeded")
        await expect(desk.at("node-last")).to_have_attribute("data-status", "idle")


async def test_two_runs_are_compared_and_one_is_copied_into_the_draft(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await drawn(desk, stack)
        first = await run(desk, [{"n": 1}])
        second = await run(desk, [{"n": 1}, {"n": 5}])
        page = desk.page
        await page.goto(f"{stack.web_url}/executions/{second}")
        await desk.at("compare").click()
        await desk.at("compare-previous").click()
        await expect(desk.at("compared")).to_contain_text("3 differ")
        await desk.press("last")
        await expect(desk.at("differences")).to_contain_text("count")
        await expect(desk.at("differences").locator("ins")).to_have_text("2")
        await page.goto(f"{stack.web_url}/executions/{first}")
        await expect(desk.at("node-last")).to_be_visible()
        await expect(desk.at("compared")).to_have_count(0)  # what was compared on the page before is over
        await page.goto(f"{stack.web_url}/executions/{second}")
        await desk.at("compare").click()
        await desk.at("compare-previous").click()
        await desk.at("compare-stop").click()
        await expect(desk.at("compared")).to_have_count(0)

        await desk.at("copy-to-editor").click()
        await expect(desk.at("notice")).to_contain_text("2 outputs of that run are pinned")
        await expect(desk.at("pinned-last")).to_be_visible()
        pins = {node["key"]: node["pinned"] for node in (await desk.stored())["nodes"]}
        assert pins == {"start": None, "each": [{"double": 2}, {"double": 10}], "last": {"count": 2}}
        await page.keyboard.press("Control+z")
        await expect(desk.at("pinned-last")).to_have_count(0)
        assert {node["pinned"] for node in (await desk.stored())["nodes"]} == {None}

        # Where something else is pinned already, it is asked.
        async def copied_over(answer: str) -> list[Any]:
            await desk.press("last")
            await desk.at("pin-write").click()
            await desk.at("pin-text").fill('"mine"')
            await desk.at("pin-save").click()
            await desk.stored()
            await page.goto(f"{stack.web_url}/workflows/{desk.workflow_id}?pins={second}")
            await page.get_by_role("alertdialog").wait_for()
            await expect(page.get_by_role("alertdialog")).to_contain_text("last has a pin already")
            for key in ("Control+a", "Delete"):  # they are not for the draft behind the question
                await page.keyboard.press(key)
            await desk.at(answer).click()
            await expect(desk.at("pinned-each")).to_be_visible()
            return [node["pinned"] for node in (await desk.stored())["nodes"]]

        assert await copied_over("pins-keep") == [None, [{"double": 2}, {"double": 10}], "mine"]
        assert await copied_over("pins-replace") == [None, [{"double": 2}, {"double": 10}], {"count": 2}]

        await page.goto(f"{stack.web_url}/executions?since=day&workflow={desk.workflow_id}")
        rows = page.get_by_role("table", name="Executions").locator("tbody tr")
        await expect(rows).to_have_count(2)
        await rows.first.get_by_role("button").click()
        await page.get_by_role("menuitem", name="Delete …").click()
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(rows).to_have_count(1)


async def test_a_conflict_is_a_choice(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await drawn(desk, stack)
        await desk.press("last")

        async def both(mine: str, theirs: str) -> None:
            """Two people give a node a name at the same time."""
            now = await desk.api.call("GET", f"/workflows/{desk.workflow_id}")
            await desk.page.evaluate(LOSING)
            await desk.at("node-name").fill(mine)
            await desk.page.wait_for_function("name => lost.some((text) => text.includes(name))", arg=f'"{mine}"')
            body = {"id": str(uuid4()), "op": "configure_node", "key": "last", "fields": {"name": theirs}}
            operations = {"base_revision": now["revision"], "operations": [body]}
            await desk.api.call("POST", f"/workflows/{desk.workflow_id}/operations", json=operations)
            await desk.page.evaluate("() => { WebSocket.prototype.send = window.send; window.setTimeout = window.later; }")

        await both("Mine", "Theirs")
        await expect(desk.at("conflict")).to_be_visible()
        await expect(desk.at("conflict")).to_be_focused()
        await expect(desk.at("conflict")).to_contain_text("not stored yet: the name of “Mine”.")
        await desk.page.keyboard.type("typed on ")  # neither goes on behind the dialog nor decides
        await expect(desk.at("conflict")).to_be_visible()
        await expect(desk.at("node-last")).not_to_contain_text("typed on")
        await desk.at("keep-mine").click()
        await expect(desk.at("notice")).to_contain_text("on top of")
        await expect(desk.at("node-last")).to_contain_text("Mine")
        assert (await desk.stored())["nodes"][2]["name"] == "Mine"
        await both("Mine again", "Theirs again")
        await desk.at("take-theirs").click()
        await expect(desk.at("node-last")).to_contain_text("Theirs again")

        # Typed while the other's change is on its way here: whoever comes second is asked, and both see the same in the end.
        now = await desk.stored()
        await desk.at("node-name").fill("Typed")
        body = {"id": str(uuid4()), "op": "configure_node", "key": "last", "fields": {"name": "Came first"}}
        operations = {"base_revision": now["revision"], "operations": [body]}
        answer = await desk.api.call("POST", f"/workflows/{desk.workflow_id}/operations", json=operations)
        if not answer["conflicts"]:
            await desk.at("take-theirs").click()
        name = "Typed" if answer["conflicts"] else "Came first"
        await expect(desk.at("node-last")).to_contain_text(name)
        assert (await desk.stored())["nodes"][2]["name"] == name
