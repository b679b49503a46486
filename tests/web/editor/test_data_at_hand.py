"""Recorded data while one configures, and the runs themselves, in the editor."""

from __future__ import annotations

import asyncio

from playwright.async_api import Locator, expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import Desk, at_desk


async def test_recorded_data_is_at_hand_while_an_expression_is_typed(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("trigger.manual", 160, 200)
        await desk.drop("set", 480, 200)
        await desk.connect("manual", "main", "set")
        await desk.stored()
        body = {"input": {"name": "Ada", "orders": [{"id": 7}] * 30, "first name": "A", "letter": "x" * 300_000}}
        await desk.api.call("POST", f"/workflows/{desk.workflow_id}/execute", json=body)
        await desk.press("set")
        await expect(desk.at("step-output")).to_be_visible()
        await expect(desk.at("data-tree")).to_contain_text("payload, input")  # folded, so that the form has the room
        await desk.at("data-fold").click()
        fields = desk.at("field-fields")
        await fields.get_by_role("button", name="Add").click()
        await fields.locator("input").first.fill("greeting")
        value = fields.locator("input, textarea").nth(1)
        await value.click()
        # Not all of them are here, and what is large is stored apart: it is told all the same.
        await expect(desk.at("data-tree")).to_contain_text("orders30 items")

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

        # By name or value: what is found is written like that, too.
        await value.select_text()
        await desk.at("data-search").click()
        await expect(desk.at("data-find")).to_be_focused()
        await desk.page.keyboard.type("ada")
        await expect(desk.at("matches").locator("li").first).to_contain_text("payload.nameAda")
        await expect(desk.at("matches")).to_contain_text("In the part that is shown")
        await desk.at("matches").get_by_title("{{ payload.name }}").click()
        await expect(value).to_have_value("{{ payload.name }}")
        await desk.at("data-find").press("Escape")
        await expect(desk.at("data-tree").get_by_label("Close orders")).to_be_visible()  # as it was left

        # After a bar, what can be made of it; the filter's argument is typed over.
        await value.fill("")
        await desk.page.keyboard.type("{{ payload.name | up")
        await expect(desk.at("completion")).to_contain_text("in capitals")
        await desk.page.keyboard.press("Tab")
        await desk.page.keyboard.type(" | repl")
        await desk.page.keyboard.press("Enter")
        await desk.page.keyboard.type("DA")
        await expect(value).to_have_value("{{ payload.name | upper | replace('DA', 'new')}}")
        await expect(desk.at("preview")).to_contain_text("Anew")

        # What can't resolve says why, before anything runs.
        await value.fill("{{ payload.nam }}")
        await expect(desk.at("preview-error")).to_contain_text("Did you mean name?")
        stored = await desk.stored()
        assert next(node for node in stored["nodes"] if node["key"] == "set")["config"]["fields"] == {"greeting": "{{ payload.nam }}"}

        # Brackets close themselves, and are written over; an empty pair goes as one.
        press = desk.page.keyboard.press
        await value.fill("")
        await desk.page.keyboard.type("{{")
        await expect(value).to_have_value("{{}}")
        await press("Backspace")
        await expect(value).to_have_value("")
        await desk.page.keyboard.type("{{ payload.name }}!")
        await expect(value).to_have_value("{{ payload.name }}!")

        # Rows change places, by their grips and by the arrow keys on them; their order is kept.
        await expect(desk.at("preview").first).to_contain_text("Ada!")  # then no row moves any more by itself
        for name in ("second", "third"):
            await fields.get_by_role("button", name="Add").click()
            await desk.page.keyboard.type(name)
        names = fields.get_by_label("Name", exact=True)
        await fields.locator(".ed-row").nth(2).hover()
        grip, first = (
            await fields.get_by_label("Move entry 3", exact=True).bounding_box(),
            await fields.locator(".ed-row").first.bounding_box(),
        )
        assert grip is not None
        assert first is not None
        await desk.drag((grip["x"] + 6, grip["y"] + 12), (first["x"] + 20, first["y"] + 3))
        await expect(names.first).to_have_value("third")
        await press("ArrowDown")
        await expect(names.nth(1)).to_have_value("third")
        node = next(node for node in (await desk.stored())["nodes"] if node["key"] == "set")
        assert list(node["config"]["fields"]) == ["greeting", "third", "second"]

        # Ctrl Enter runs the draft, from a field too: on the input that is kept, and what is shown is of that run.
        await expect(desk.at("preview").first).to_contain_text("Ada!")
        await desk.api.call("POST", f"/workflows/{desk.workflow_id}/inputs", json={"name": "Eve", "input": {"name": "Eve"}})
        desk.frames.clear()
        await desk.page.reload()
        await desk.press("set")
        await expect(desk.at("preview").first).to_contain_text("Ada!")
        async with asyncio.timeout(30):
            while not any("Eve" in frame for frame in desk.frames):  # the kept inputs have come: nothing on the page says so
                await asyncio.sleep(0.05)
        await names.first.press("Control+Enter")
        await expect(desk.at("preview").first).to_contain_text("Eve!")
        await _the_form_keeps_its_room(desk)


async def _the_form_keeps_its_room(desk: Desk) -> None:
    """What a run showed and what fields can use fold to their headings, and stay as they were left: on a phone apart from elsewhere."""
    tree, output = desk.at("data-tree"), desk.at("step-output")
    value = desk.at("field-fields").locator(".ed-nested-value").first
    await expect(output).to_contain_text("Eve")
    assert await _width(value) > 280, "beside the name it would have half of that"
    await expect(desk.at("data-fold")).to_have_attribute("aria-expanded", "true")  # as it was left
    await desk.at("results-fold").click()
    await expect(output).to_have_count(0)
    await desk.at("panel-width").press("Home")
    await expect(desk.page.locator(".ed-pair").first).to_have_css("flex-direction", "row")
    name = desk.page.locator(".ed-pair-name").first
    assert await _width(name) < 0.6 * await _width(value)
    await desk.page.set_viewport_size({"width": 390, "height": 844})
    await expect(desk.at("data-fold")).to_have_attribute("aria-expanded", "false")
    await expect(tree).to_contain_text("payload, input")
    form = await desk.page.locator(".ed-panel-body").bounding_box()
    assert form is not None
    assert form["height"] > 230
    await desk.at("data-fold").click()
    await expect(tree.get_by_title("{{ payload.name }}")).to_be_in_viewport()
    folded = await desk.at("step-results").bounding_box()
    assert folded is not None
    assert folded["height"] < 60
    await desk.at("step-tab-output").click()
    await expect(output).to_contain_text("Eve")
    await expect(desk.at("data-fold")).to_have_attribute("aria-expanded", "false")  # there is no room for both
    await desk.page.goto(f"{desk.page.url}?node=set")  # as other pages lead to it
    await expect(output).to_contain_text("Eve")  # as it was left
    await desk.still()
    card, panel = [await desk.at(name).bounding_box() for name in ("node-set", "panel")]
    assert card is not None
    assert panel is not None
    assert card["y"] + card["height"] <= panel["y"], "the sheet lies over its own card"
    await desk.page.set_viewport_size({"width": 1440, "height": 900})
    await expect(output).to_have_count(0)
    await expect(tree).to_contain_text("of the last run")


async def _width(element: Locator) -> float:
    box = await element.bounding_box()
    assert box is not None
    return box["width"]


async def test_a_run_is_seen_live_and_its_values_on_a_click(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await desk.drop("trigger.webhook", 160, 200)
        await desk.drop("filter", 480, 200)
        await desk.drop("set", 800, 200)
        await desk.connect("webhook", "main", "filter")
        await desk.connect("filter", "main", "set")
        await desk.at("publish").click()
        await expect(desk.at("problems")).to_be_visible()
        await expect(desk.at("problem-filter")).to_have_class("ed-card-wrong")  # no longer calmly: publish was refused
        await desk.press("webhook")
        await desk.at("field-path").locator("input").fill("leads")
        await desk.press("filter")
        await desk.at("field-condition").locator("textarea").fill("{{ payload.score >= 80 }}")
        await desk.press("set")
        await desk.at("field-fields").get_by_role("button", name="Add").click()
        await desk.at("field-fields").locator("input").fill("text")
        await desk.at("field-fields").locator("textarea").fill("{{ payload.name }} scored {{ payload.score }}")
        await desk.at("publish").click()
        await expect(desk.at("publish")).to_have_text("Published")
        await desk.at("enable").click()
        await expect(desk.at("notice")).to_contain_text(f"Webhook: {stack.backend_url}/webhooks/leads")  # first, as it goes by itself
        await expect(desk.at("webhook-url")).to_have_text(f"{stack.backend_url}/webhooks/leads")
        await expect(desk.at("enable")).to_be_checked()
        await desk.page.keyboard.press("Escape")

        await desk.api.post_webhook("leads", {"name": "Ada", "score": 91})
        for key in ("webhook", "filter", "set"):
            await expect(desk.at(f"node-{key}")).to_have_attribute("data-status", "succeeded")
        await desk.press("set")
        await expect(desk.at("step-output")).to_contain_text("Ada scored 91")
        await desk.at("step-tab-input").click()
        await expect(desk.at("step-input")).to_contain_text("91")

        await desk.api.post_webhook("leads", {"name": "Bob", "score": 3})
        await expect(desk.at("node-set")).to_have_attribute("data-status", "skipped")
        await desk.api.post_webhook("leads", {"name": "Eve"})
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "failed")
        await desk.press("filter")
        await expect(desk.at("step-error")).to_contain_text("score")

        # Coming back to it, the last run is there; a node that was changed since doesn't claim it; and it can be cleared away.
        await desk.page.reload()
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "failed")
        await expect(desk.at("node-webhook")).to_have_attribute("data-status", "succeeded")
        await expect(desk.at("shown-run")).to_contain_text("v1")
        condition = desk.at("field-condition").locator("textarea")
        await desk.press("filter")
        await condition.fill("{{ payload.score >= 90 }}")
        await expect(desk.at("node-filter")).to_contain_text("Changed since the run")
        await expect(desk.at("changed-since")).to_be_visible()
        await desk.stored()
        await desk.page.reload()
        await expect(desk.at("node-filter")).to_contain_text("Changed since the run")
        await expect(desk.at("node-webhook")).not_to_contain_text("Changed")
        await desk.press("filter")
        await condition.fill("{{ payload.score >= 80 }}")
        await expect(desk.at("node-filter")).not_to_contain_text("Changed since the run")
        await desk.at("shown-run-clear").click()
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "idle")
        await expect(desk.at("shown-run")).to_have_count(0)
        await desk.stored()
        await desk.page.reload()
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "idle")
        await desk.api.post_webhook("leads", {"name": "Eve", "score": "high"})
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "failed")

        await desk.at("runs-open").click()
        await expect(desk.at("runs")).to_contain_text("Failed")
        await desk.press("set")
        await expect(desk.at("tab-policies")).to_be_visible()
        await desk.at("runs-open").click()
        await desk.at("runs").locator(".ed-run-row").first.click()
        await expect(desk.at("execution-status")).to_contain_text("Failed")
        await expect(desk.at("node-filter")).to_have_attribute("data-status", "failed")
        await desk.press("webhook")
        await expect(desk.at("step-output")).to_contain_text("Eve")
        await expect(desk.at("step-input")).to_be_visible()

        # Beside the run before, which failed at the same node for another reason.
        await desk.at("compare").click()
        await desk.at("compare-previous").click()
        await expect(desk.at("compared-filter")).to_contain_text("another error")
        await desk.press("filter")
        await expect(desk.at("compared-errors")).to_contain_text("different errors")
        await expect(desk.at("compared-errors").locator(".ed-failure").first).to_contain_text("'high'")
        await expect(desk.at("compared-errors").locator(".ed-failure").last).to_contain_text("no field")
        await expect(desk.at("step-error")).to_have_count(0)  # it needn't stand there twice
