"""Versions in the editor: published with a note, compared on the canvas, restored."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import Desk, at_desk


async def removing(desk: Desk, *keys: str) -> dict[str, Any]:
    """The operation of somebody else that takes nodes away."""
    operation = {"id": str(uuid4()), "op": "remove_nodes", "keys": [*keys]}
    return {"base_revision": (await desk.stored())["revision"], "operations": [operation]}


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
        await desk.press("set")
        await desk.at("field-keep_input").get_by_role("switch").click()
        await desk.drop("filter", 480, 420)
        await desk.stored()
        await desk.at("versions-open").click()
        await desk.page.get_by_label("Compare version 1").click()
        await expect(desk.at("comparison")).to_contain_text("keep_input")
        await expect(desk.at("node-set")).to_have_class(re.compile("is-marked-changed"))
        await expect(desk.at("node-filter")).to_have_class(re.compile("is-marked-added"))

        # Two versions beside each other, what is gone among it; nothing can be changed meanwhile.
        await desk.at("publish-note").fill("Without the connection")
        await desk.page.get_by_label("Compare version 1").click()
        await desk.api.call("POST", f"/workflows/{desk.workflow_id}/operations", json=await removing(desk, "manual", "filter"))
        await expect(desk.at("node-manual")).to_have_count(0)
        await desk.drop("trigger.webhook", 160, 200)
        await desk.stored()
        await desk.at("publish-with-note").click()
        await expect(desk.at("version-2")).to_be_visible()
        await desk.page.get_by_label("Compare version 1").click()
        await desk.at("comparison").locator("select").select_option("2")
        await expect(desk.at("node-manual")).to_have_class(re.compile("is-marked-removed"))
        await expect(desk.at("node-webhook")).to_have_class(re.compile("is-marked-added"))
        await expect(desk.page.locator(".react-flow__edge.is-marked-removed")).to_have_count(1)
        await desk.page.mouse.click(*await desk.centre("node-manual"), button="right")
        await expect(desk.at("canvas-menu").get_by_role("menuitem")).to_have_text([re.compile("Choose all"), re.compile("Fit into view")])
        await desk.page.keyboard.press("Escape")
        await desk.page.keyboard.press("Control+a")
        await desk.page.keyboard.press("Delete")
        await expect(desk.at("node-webhook")).to_be_visible()
        await desk.page.get_by_label("Compare version 1").click()
        await expect(desk.at("node-manual")).to_have_count(0)

        # The workflow's settings are a part of a version: they are restored with it, taken back and set again in the same step.
        await desk.at("settings-open").click()
        await desk.at("field-timeout_s").locator("input").fill("60")
        await desk.stored()
        await desk.at("versions-open").click()
        await desk.page.get_by_label("Restore version 1").click()
        await desk.at("restore").click()
        await expect(desk.at("node-manual")).to_be_visible()
        stored = await desk.stored()
        assert [node["key"] for node in stored["nodes"]] == ["manual", "set"]
        assert "keep_input" not in stored["nodes"][1]["config"]
        assert stored["settings"]["timeout_s"] == 3600

        # The draft that was there before comes back by Undo, and goes again.
        await desk.at("undo").click()
        await expect(desk.at("node-webhook")).to_be_visible()
        assert (await desk.keys(), await desk.links()) == (["set", "webhook"], set())
        assert (await desk.nodes())["set"]["config"]["keep_input"] is True
        assert (await desk.stored())["settings"]["timeout_s"] == 60
        await desk.at("redo").click()
        await expect(desk.at("node-manual")).to_be_visible()
        assert (await desk.keys(), await desk.links()) == (["manual", "set"], {("manual", "main", "set")})
        assert (await desk.stored())["settings"]["timeout_s"] == 3600
