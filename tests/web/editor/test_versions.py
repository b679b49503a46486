"""Versions in the editor: published with a note, compared on the canvas, restored."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import at_desk


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
        await desk.page.get_by_label("Compare version 1").click()
        await expect(desk.at("comparison")).to_contain_text("keep_input")
        await expect(desk.at("node-set")).to_have_class(re.compile("is-marked-changed"))
        await expect(desk.at("node-filter")).to_have_class(re.compile("is-marked-added"))

        await desk.page.get_by_label("Restore version 1").click()
        await desk.at("restore").click()
        await expect(desk.at("node-filter")).to_have_count(0)
        stored = await desk.stored()
        assert [node["key"] for node in stored["nodes"]] == ["manual", "set"]
        assert "keep_input" not in stored["nodes"][1]["config"]
