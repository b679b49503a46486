"""Sticky notes: what their text may become, where they go, and their life on the canvas."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.async_api import expect

from tests.acceptance.accessibility import barriers
from tests.acceptance.stack import Stack
from tests.web.editor.browser_modules import BrowserModules
from tests.web.editor.desk import Desk, at_desk
from tests.web.editor.test_keyboard import command

TEXT = """# Hot leads
Only **80** and more: see [the rules](https://example.org/rules), or https://example.org/why.
- <b>not bold</b> and `{{ code }}`
- [no](javascript:alert(1)) *way*

The end"""

marked = st.text(alphabet="ab #-*`[]()<>:/{}\n", max_size=40) | st.lists(
    st.sampled_from(["**a**", "*b*", "`c`", "[d](https://e.f)", "[g](javascript:h)", "http://i.j/k", "<script>", "- ", "# ", "\n", " "]),
    max_size=12,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(text=marked)
def test_a_text_keeps_its_words_and_links_lead_to_the_web_only(js: BrowserModules, text: str) -> None:
    lines = js.call("notes.js", "linesOf", text)
    assert len(lines) == len(text.split("\n"))
    for line, source in zip(lines, text.split("\n"), strict=True):
        said = "".join(part["text"] for part in line["parts"])
        # Of an address that stands there twice, nobody knows here which one became a link: letters are counted.
        kept = _without_addresses(source, line["parts"])
        assert sorted(letter for letter in said if letter.isalnum()) == sorted(letter for letter in kept if letter.isalnum())
        assert all(part["href"].startswith(("https://", "http://")) for part in line["parts"] if part.get("kind") == "link")


def _without_addresses(source: str, parts: list[dict[str, Any]]) -> str:
    for part in parts:
        if part.get("kind") == "link" and part["text"] != part["href"]:
            source = source.replace(f"({part['href']})", "", 1)
    return source


def test_a_text_in_its_parts(js: BrowserModules) -> None:
    lines = js.call("notes.js", "linesOf", TEXT)
    assert [line["kind"] for line in lines] == ["heading", "line", "entry", "entry", "gap", "line"]
    kinds = [(part.get("kind"), part["text"], part.get("href")) for part in lines[1]["parts"] if part.get("kind")]
    assert kinds == [
        ("bold", "80", None),
        ("link", "the rules", "https://example.org/rules"),
        ("link", "https://example.org/why", "https://example.org/why"),
    ]
    assert [part.get("kind") for part in lines[2]["parts"]] == [None, "code"]
    assert [part.get("kind") for part in lines[3]["parts"]] == [None, "italic"]
    assert js.call("notes.js", "titleOf", {"config": {"text": "\n## *Hot* leads\nmore"}}) == "Hot leads"
    assert js.call("notes.js", "titleOf", {"config": {}}) == "Empty note"


@pytest.mark.parametrize(("config", "size"), [(None, (240, 160)), ({"width": "x", "height": 10}, (240, 60)), ({"width": 9e9}, (2000, 160))])
def test_a_note_of_any_config_has_a_size(js: BrowserModules, config: Any, size: tuple[int, int]) -> None:
    found = js.call("notes.js", "sizeOf", {"config": config})
    assert (found["width"], found["height"]) == size


@pytest.mark.parametrize(
    ("config", "by", "sides"),
    [
        ({}, (10, 0), {"width": 250}),
        ({"width": 125, "height": 60}, (-10, -10), {"width": 120}),
        ({"width": 2000, "height": "x"}, (40, 40), {"height": 200}),
    ],
)
def test_a_note_grows_within_bounds(js: BrowserModules, config: Any, by: tuple[int, int], sides: Any) -> None:
    assert js.call("notes.js", "grown", {"config": config}, *by) == sides


def test_tidying_takes_a_note_along_with_the_card_on_it(js: BrowserModules) -> None:
    def node(key: str, x: int, y: int, type: str = "set", **config: int) -> dict[str, Any]:
        return {"key": key, "type": type, "config": config, "position": {"x": x, "y": y}}

    nodes = [node("a", 0, 0), node("b", 900, 0), node("wide", 850, -60, "note", width=400, height=300), node("c", 600, 900)]
    moves = [{"key": "b", "x": 300, "y": 40}, {"key": "c", "x": 600, "y": 0}]
    assert js.call("notes.js", "followed", nodes, moves) == [{"key": "wide", "x": 250, "y": -20}]
    assert js.call("notes.js", "followed", nodes, moves[1:]) == []


async def test_a_note_is_written_moved_and_kept_like_a_node(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        press, mouse = desk.page.keyboard.press, desk.page.mouse
        await desk.three_nodes()
        placed = {key: node["position"] for key, node in (await desk.nodes()).items()}
        await desk.page.locator(".react-flow__pane").click(position={"x": 480, "y": 520})

        # A key puts it down and lets it be written at once; every letter arrives.
        await press("Shift+S")
        await expect(desk.at("write-note")).to_be_focused()
        await desk.page.keyboard.type(TEXT)
        await press("Escape")
        note = desk.at("note-note")
        await expect(note.locator(".is-heading")).to_have_text("Hot leads")
        await expect(note).to_contain_text("<b>not bold</b>")
        links = await note.locator("a").evaluate_all("links => links.map(link => [link.href, link.rel, link.target])")
        assert [link[0] for link in links] == ["https://example.org/rules", "https://example.org/why"]
        assert all("noopener" in rel and target == "_blank" for _, rel, target in links)
        assert (await desk.nodes())["note"]["config"]["text"] == TEXT
        await expect(desk.page.locator(".react-flow__node[data-id=note]")).to_have_attribute("aria-label", f"Note: {TEXT}")

        # It goes behind the cards, and takes none along.
        left, top = await desk.centre("node-webhook")
        box = await note.bounding_box()
        assert box is not None
        await desk.drag((box["x"] + 20, box["y"] + box["height"] - 12), (left - 120, top + 60))
        box = await note.bounding_box()
        assert box is not None
        corner = (box["x"] + box["width"] - 8, box["y"] + box["height"] - 8)
        await desk.drag(corner, (corner[0] + 200, corner[1] + 80))
        nodes = await desk.nodes()
        assert {key: node["position"] for key, node in nodes.items() if key != "note"} == placed
        assert (nodes["note"]["config"]["width"], nodes["note"]["config"]["height"]) == (
            pytest.approx(440, abs=12),
            pytest.approx(240, abs=12),
        )
        await desk.page.get_by_label("Colour: blue").click()
        assert await barriers(desk.page) == []
        await mouse.click(*await desk.centre("node-webhook"))
        await expect(desk.at("field-path")).to_be_visible()
        await press("Escape")

        # Undone, done again, copied and deleted as nodes are.
        await press("Control+z")
        await press("Control+z")
        config = (await desk.nodes())["note"]["config"]
        assert (config.get("color"), config.get("width"), config["text"]) == (None, None, TEXT)
        await press("Control+Shift+z")
        await press("Control+Shift+z")
        box = await note.bounding_box()
        assert box is not None
        await mouse.click(box["x"] + 30, box["y"] + box["height"] - 14)
        await expect(desk.at("panel")).to_have_count(0)
        await press("d")  # there is nothing to switch off
        await _grown_by_keys(desk)
        await press("Control+d")
        nodes = await desk.nodes()
        assert nodes["note_2"]["config"] == nodes["note"]["config"] == {**config, "color": "blue", **_size(nodes["note"])}
        assert not nodes["note_2"]["disabled"]
        await press("Delete")
        assert "note_2" not in await desk.keys()

        # Read in the outline, written from there, added from the commands.
        await press("o")
        await expect(desk.at("outline-note")).to_contain_text("Only **80** and more")
        await desk.at("outline-note").get_by_role("button").click()
        await expect(desk.at("write-note")).to_be_focused()
        await press("Control+End")
        await desk.page.keyboard.type("!")
        await press("Escape")
        await command(desk, "add a note")
        await expect(desk.at("write-note_2")).to_be_focused()
        await desk.page.keyboard.type("Second")
        await press("Escape")
        assert (await desk.nodes())["note_2"]["config"] == {"text": "Second"}
        await press("Delete")

        # Nothing leads to it, publish doesn't mind it, and a run is shown with it.
        await desk.press("filter")
        await desk.at("field-condition").locator("textarea").fill("{{ false }}")
        await desk.press("http_request")
        await desk.at("field-url").locator("input").fill("https://chat.example/hook")
        await desk.stored()
        await desk.at("publish").click()
        await expect(desk.at("notice")).to_contain_text("ublished")
        answer = await desk.api.call("POST", f"/workflows/{desk.workflow_id}/execute", json={"version": 1})
        done = await desk.api.finished(answer["execution_id"])
        steps = await desk.api.call("GET", f"/executions/{done['id']}/steps")
        assert {step["node"] for step in steps["items"]} == {"webhook", "filter", "http_request"}
        await press("f")
        await desk.still()
        await note.dblclick(position={"x": 60, "y": 14})
        await expect(desk.at("write-note")).to_be_focused()
        await desk.page.keyboard.type("Since then. ")
        await press("Escape")
        await desk.stored()
        await command(desk, "versions")
        await desk.page.get_by_label("Compare version 1").click()
        await expect(note).to_have_class("ed-note is-selected is-marked-changed")

        await desk.page.goto(f"{stack.web_url}/executions/{done['id']}")
        await expect(desk.at("note-note").locator(".is-heading")).to_have_text("Hot leads")
        await desk.at("note-note").dblclick(position={"x": 60, "y": 14})
        await expect(desk.page.locator(".ed-note-box, .ed-note-corner, .ed-note-tools")).to_have_count(0)
        assert await barriers(desk.page) == []
        await expect(desk.at("panel")).to_have_count(0)


async def _grown_by_keys(desk: Desk) -> None:
    """The chosen note, from its card and from nowhere; as one step back. It stays where it is, and so does the browser."""
    press, page = desk.page.keyboard.press, desk.page
    before = (await desk.nodes())["note"]
    card, told = page.locator(".react-flow__node[data-id=note]"), page.locator("[id^=react-flow__aria-live]")
    width, height = _size(before).values()
    await expect(card).to_be_focused()
    await expect(card).to_have_attribute("aria-keyshortcuts", re.compile(r"Alt\+ArrowRight"))
    for key in ("Alt+ArrowRight", "Alt+Shift+ArrowDown", "Alt+ArrowLeft"):
        await press(key)
    await card.evaluate("card => card.blur()")
    await press("Alt+ArrowLeft")
    await expect(told).to_have_text(f"Note: {width - 10} wide, {height + 40} high.")
    after = (await desk.nodes())["note"]
    assert (_size(after), after["position"]) == ({"width": width - 10, "height": height + 40}, before["position"])
    await press("Control+z")
    assert _size((await desk.nodes())["note"]) == _size(before)


def _size(note: dict[str, Any]) -> dict[str, Any]:
    return {name: note["config"][name] for name in ("width", "height")}
