"""The node panel: forms over data that is at hand, input and output beside them; credentials made on the way; renaming."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from playwright.async_api import expect

from tests.acceptance.stack import Stack
from tests.web.editor.desk import Desk, at_desk

CODE = "# doubled\nrows = [row['n'] * 2 for row in payload['rows']]\nrows"
NODES: list[dict[str, Any]] = [
    {"key": "start", "type": "trigger.manual", "position": {"x": 0, "y": 0}},
    {"key": "make", "type": "code.python", "config": {"code": CODE}, "position": {"x": 300, "y": 0}},
    {"key": "use", "type": "http.request", "config": {"url": "http://127.0.0.1:9/"}, "position": {"x": 600, "y": 0}},
]
LINKS = [{"source": "start", "target": "make"}, {"source": "make", "target": "use"}]
ID = 2**60 + 1  # no double is that
INPUT = {"id": ID, "rows": [{"n": 1, "who": "Ada"}, {"n": 2, "who": "Bob"}], "first name": "Eve"}


async def drawn(desk: Desk, nodes: list[dict[str, Any]], links: list[dict[str, Any]]) -> None:
    """This graph, open."""
    draft = await desk.stored()
    graph = {"nodes": nodes, "connections": links}
    await desk.api.call("PUT", f"/workflows/{desk.workflow_id}/graph", json=graph, headers={"If-Match": str(draft["revision"])})
    await expect(desk.at(f"node-{nodes[-1]['key']}")).to_be_visible()
    await desk.still()


SCROLL = """field => {
    let box = field.parentElement;
    while (box.scrollHeight <= box.clientHeight || getComputedStyle(box).overflowY === "visible") box = box.parentElement;
    box.scrollBy(0, box.scrollTop > 20 ? -20 : 20);
}"""
BESIDE = """() => {
    const [list, field] = [document.querySelector(".ed-completion"), document.activeElement].map((one) => one?.getBoundingClientRect());
    return list && (Math.abs(list.top - field.bottom) < 4 || Math.abs(list.bottom - field.top) < 4);
}"""


async def test_expressions_have_data_before_anything_has_run(stack: Stack) -> None:
    """The test input stands for the payload; names that are not there are red, with what there is. Values are dropped on fields that are
    no text; a node whose type is gone shows what it was set to."""
    async with at_desk(stack) as desk:
        lost = {"key": "lost", "type": "acme.shout", "config": {"chat": -ID, "text": "Hello"}, "position": {"x": 300, "y": 200}}
        await desk.api.call("POST", f"/workflows/{desk.workflow_id}/inputs", json={"name": "Two rows", "input": INPUT})
        await drawn(desk, [*NODES, lost], LINKS)
        await desk.page.reload()  # it came from elsewhere
        await desk.press("lost")
        await expect(desk.at("type-missing")).to_contain_text("acme.shout")
        await expect(desk.at("kept-settings")).to_contain_text(str(-ID))
        await desk.press("use", clicks=2)
        await expect(desk.at("panel")).to_have_class("ed-panel is-wide")
        await expect(desk.at("step-input")).to_contain_text("Nothing is known yet")
        await desk.at("all-data").click()
        await expect(desk.at("data-tree")).to_contain_text("of the test input")
        body = desk.at("field-body").locator("textarea")
        await body.click()
        await desk.page.keyboard.type("{{ payload.ro")
        await expect(desk.at("completion").get_by_role("option")).to_have_count(1)
        await desk.page.keyboard.press("Tab")
        await desk.page.keyboard.type("[1].")
        await expect(desk.at("completion").get_by_role("option")).to_have_count(2)
        await desk.page.keyboard.press("ArrowDown")
        await desk.page.keyboard.press("Enter")
        await desk.page.keyboard.type(" }}")
        await expect(body).to_have_value("{{ payload.rows[1].who }}")
        await expect(desk.at("preview")).to_have_text("= Bob")
        await body.fill("{{ payload.row }}")
        await expect(desk.at("preview-error")).to_contain_text("Did you mean rows?")
        await body.fill("{{ nodes.mak.x }}")
        await expect(desk.at("field-body").get_by_role("alert")).to_contain_text("mak")
        await body.fill("{{ }}")
        await expect(desk.at("field-body").get_by_role("alert")).to_contain_text("is empty")
        await expect(desk.at("preview-error")).to_have_count(0)  # that is told once

        # A switch, a choice and an empty list become expressions; what takes none says why.
        value = desk.at("data-tree").get_by_title("{{ payload.id }}")

        async def drop_on(field: str) -> None:
            target = desk.at(f"field-{field}").locator("select, button[role=switch], .ed-add").last
            # At the form's edge it would go on scrolling under the value.
            await target.evaluate("field => field.scrollIntoView({ block: 'center' })")
            boxes = [await one.bounding_box() for one in (value, target)]
            start, end = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes if box is not None]
            await desk.drag(start, end)

        for field in ("follow_redirects", "method", "query"):
            await drop_on(field)
            await expect(desk.at(f"field-{field}").locator("textarea")).to_have_value("{{ payload.id }}")
            await expect(desk.at(f"field-{field}").get_by_test_id("preview")).to_have_text(f"= {ID}")
        await drop_on("rerun")
        await expect(desk.at("notice")).to_have_text("This is set by hand: it takes no expression.")
        await desk.page.get_by_label("Dismiss").click()
        config = (await desk.nodes())["use"]["config"]
        assert [config.get(field) for field in ("follow_redirects", "method", "query", "rerun")] == ["{{ payload.id }}"] * 3 + [None]
        await body.scroll_into_view_if_needed()

        # Escape closes what lies uppermost: the list, the field, the large view, the panel; and the card has the keys again.
        await body.fill("{{ payload.ro")
        await expect(desk.at("completion")).to_be_visible()
        await body.evaluate(SCROLL)
        await desk.page.wait_for_function(BESIDE)  # the list goes where its field goes
        await desk.page.keyboard.press("Escape")
        await expect(desk.at("completion")).to_have_count(0)
        await expect(body).to_be_focused()
        await desk.page.keyboard.press("Escape")
        await expect(body).not_to_be_focused()
        await expect(body).to_have_value("{{ payload.ro")
        await desk.page.keyboard.press("Escape")
        await expect(desk.at("panel")).to_have_class("ed-panel")
        await desk.page.keyboard.press("Escape")
        await expect(desk.at("panel")).to_have_count(0)
        await expect(desk.page.locator(".react-flow__node[data-id=use]")).to_be_focused()


async def test_input_settings_and_output_stand_side_by_side(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        await drawn(desk, NODES, LINKS)
        await desk.api.call("POST", f"/workflows/{desk.workflow_id}/execute", json={"input": INPUT})
        await expect(desk.at("node-make")).to_have_attribute("data-status", "succeeded")
        await desk.press("make")
        await desk.at("panel-wide").click()
        boxes = [await part.bounding_box() for part in (desk.at("step-input"), desk.at("field-code"), desk.at("step-output"))]
        lefts = [box["x"] for box in boxes if box is not None]
        assert lefts == sorted(lefts), "input, settings and output from left to right"
        assert len(set(lefts)) == 3
        code = desk.at("field-code")
        await expect(code.locator(".is-keyword")).to_have_text(["for", "in"])
        await expect(code.locator(".is-comment")).to_have_text("# doubled")

        # A press on a value writes its expression where the cursor is, or was: out of JSON, a table, a schema.
        box = code.locator("textarea")
        await box.fill("")
        await desk.at("input-as-json").click()
        await desk.at("step-input").get_by_title('{{ input["first name"] }}').click()
        await expect(box).to_have_value('input["first name"]')
        await box.fill("")
        await desk.at("input-as-table").click()
        await desk.at("step-input").get_by_title("{{ input.rows[0].n }}").click()
        await expect(box).to_have_value("input.rows[0].n")
        await box.fill("")
        await desk.at("input-as-schema").click()
        await desk.at("step-input").get_by_title("{{ input.rows[0].who }}").click()
        await expect(box).to_have_value("input.rows[0].who")
        code_text = "{'id': input['id'], 'count': len(input['rows'])}"
        await box.fill(code_text)
        await desk.at("run-only").click()
        await expect(desk.at("step-output")).to_contain_text("count")

        # A whole number that no double is stays what it is: shown, pinned, and pinned again out of its text.
        for view in ("table", "schema", "json"):
            await desk.at(f"output-as-{view}").click()
            await expect(desk.at("step-output")).to_contain_text("integer" if view == "schema" else str(ID))
        await desk.at("pin-output").click()
        assert (await desk.nodes())["make"]["pinned"] == {"id": ID, "count": 2}
        await desk.at("pin-edit").click()
        written = desk.at("pin-text")
        await expect(written).to_have_value(f'{{\n  "id": {ID},\n  "count": 2\n}}')
        await written.press("Control+End")
        await written.press("ArrowLeft")
        await written.press("ArrowLeft")
        await desk.page.keyboard.type(',\n"next": [')  # a line begins as deep as the one before, and the bracket closes itself
        await desk.page.keyboard.type(f"{ID + 2}")
        await expect(written).to_have_value(f'{{\n  "id": {ID},\n  "count": 2,\n  "next": [{ID + 2}]\n}}')
        await desk.at("pin-save").click()
        assert (await desk.nodes())["make"]["pinned"] == {"id": ID, "count": 2, "next": [ID + 2]}

        # Out of the code, where Tab indents: Escape, and Tab goes on to the next field.
        await box.focus()
        await desk.page.keyboard.press("Escape")
        await desk.page.keyboard.press("Tab")
        await expect(box).to_have_value(code_text)
        await expect(desk.at("panel").locator(".ed-settings :focus")).to_have_count(1)
        await box.focus()
        await desk.page.keyboard.press("Escape")
        await expect(desk.at("panel")).to_have_class("ed-panel is-wide")
        await desk.page.keyboard.press("Escape")
        await expect(desk.at("panel")).to_have_class("ed-panel")
        await desk.page.keyboard.press("Escape")
        await expect(desk.at("panel")).to_have_count(0)


async def test_a_credential_is_made_on_the_way_and_a_rename_reaches_every_expression(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        nodes = [
            *NODES[:2],
            {**NODES[2], "config": {"url": "http://x.example/{{ nodes.make[0] }}", "query": {"n": "{{ nodes['make']|length }}"}}},
        ]
        await drawn(desk, nodes, LINKS)
        await desk.press("use")
        picker = desk.at("field-credential")
        async with desk.page.expect_popup() as opened:
            await picker.get_by_role("link", name="New credential").click()
        there = await opened.value
        await expect(there.get_by_role("dialog").get_by_text("Token", exact=True)).to_be_visible()
        await there.close()
        name = f"Reports {uuid4().hex[:6]}"
        made = await desk.api.call("POST", "/credentials", json={"name": name, "type": "bearer", "data": {"token": "a-secret-of-the-team"}})
        await desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # back from the other tab
        await expect(picker.locator("select")).to_have_value(made["id"])  # who goes to make one wants it here
        await desk.press("make")
        await desk.at("field-key").locator("input").fill("rows")
        await desk.page.keyboard.press("Enter")
        use = next(node for node in (await desk.stored())["nodes"] if node["key"] == "use")
        assert use["config"]["credential"] == made["id"]
        assert (use["config"]["url"], use["config"]["query"]) == (
            "http://x.example/{{ nodes.rows[0] }}",
            {"n": "{{ nodes['rows']|length }}"},
        )
        key = desk.at("field-key").locator("input")
        await key.fill("another")
        await desk.page.keyboard.press("Escape")
        await expect(key).to_have_value("rows")  # a name that isn't wanted after all
        await desk.page.keyboard.press("Escape")

        # A refresh in the middle of typing shows the same graph.
        await desk.press("use")
        await desk.at("field-url").locator("input, textarea").fill("http://x.example/typed")
        desk.page.on("dialog", lambda dialog: dialog.accept())
        await desk.page.reload()
        await expect(desk.at("node-use")).to_contain_text("x.example/typed")


async def test_forms_draw_what_their_schemas_say(stack: Stack) -> None:
    """A union with its fields, choices, a list, numbers with bounds, policies, times; what is wrong says so, and is not stored."""
    async with at_desk(stack) as desk:
        nodes = [
            {"key": "hook", "type": "trigger.webhook", "config": {"path": f"forms-{desk.workflow_id}"}, "position": {"x": 0, "y": 0}},
            {"key": "ask", "type": "approval", "config": {"title": "?"}, "position": {"x": 300, "y": 0}},
            {"key": "two", "type": "set", "config": {}, "position": {"x": 300, "y": 200}},
            {"key": "both", "type": "set", "config": {}, "position": {"x": 600, "y": 100}},
            {"key": "clock", "type": "trigger.schedule", "config": {}, "position": {"x": 0, "y": 200}},
        ]
        links = [("hook", "main", "ask"), ("hook", "main", "two"), ("ask", "approved", "both"), ("two", "main", "both")]
        await drawn(desk, nodes, [{"source": source, "source_port": port, "target": target} for source, port, target in links])
        await desk.press("hook")
        auth = desk.at("field-auth").first
        await auth.locator("select").first.select_option("hmac")
        await expect(auth.locator(".ed-nested")).to_be_visible()
        methods = desk.at("field-methods")
        await methods.get_by_text("GET", exact=True).click()
        await desk.press("ask")
        await desk.at("field-recipients").get_by_role("button", name="Add").click()
        await desk.at("field-recipients").locator("input").fill("admin")
        longest = desk.at("field-timeout_s")
        await longest.locator("input").fill("soon")
        await expect(longest).to_contain_text("Not a number")
        await longest.locator("input").fill("60")
        await desk.at("tab-policies").click()
        await desk.at("field-timeout_s").locator("input").fill("90")
        await desk.press("both")
        await desk.at("tab-policies").click()
        await desk.at("field-for_each").get_by_role("switch").click()
        await desk.at("field-items").locator("textarea").fill("{{ payload.rows }}")
        await desk.at("field-concurrency").locator("input").fill("3")
        await desk.at("field-join").locator("select").select_option("all")
        stored = {node["key"]: node for node in (await desk.stored())["nodes"]}
        assert stored["hook"]["config"]["auth"]["kind"] == "hmac"
        assert set(stored["hook"]["config"]["methods"]) == {"GET", "POST"}
        assert (stored["ask"]["config"]["recipients"], stored["ask"]["config"]["timeout_s"], stored["ask"]["timeout_s"]) == (
            ["admin"],
            60,
            90,
        )
        assert stored["both"]["for_each"] == {"items": "{{ payload.rows }}", "concurrency": 3, "per_second": None}
        assert stored["both"]["join"] == "all"
        await _chosen_times(desk)


async def _chosen_times(desk: Desk) -> None:
    """A schedule as people say it, which the cron field follows, and the other way round."""

    async def config() -> dict[str, Any]:
        return next(node["config"] for node in (await desk.stored())["nodes"] if node["key"] == "clock")

    await desk.press("clock")
    await desk.at("tab-configure").click()
    await expect(desk.at("panel")).to_contain_text("Needs one of “Cron”, “Every (seconds)”.")
    await expect(desk.at("panel").locator(".is-error")).to_have_count(0)  # it is only to be filled in
    often, cron = desk.at("often"), desk.at("field-cron").locator("input")
    await often.get_by_label("When").select_option("On days of the week")
    await expect(cron).to_have_value("0 9 * * 1-5")
    await often.get_by_label("Wed", exact=True).uncheck(force=True)  # a chip shows what its hidden box holds
    await desk.at("often-time").fill("07:30")
    await expect(cron).to_have_value("30 7 * * 1,2,4,5")
    await expect(desk.at("next-times").get_by_role("listitem")).to_have_count(5)
    await expect(desk.at("node-clock")).to_contain_text("every Monday, Tuesday, Thursday, Friday 7:30")
    await desk.at("field-every_s").locator("input").fill("90")
    await expect(often.get_by_label("When")).to_have_value("")
    await often.get_by_label("When").select_option("Every month")
    await often.get_by_label("on day").select_option("31")
    await expect(often).to_contain_text("Months that have no day 31 are left out.")
    assert await config() == {"cron": "0 9 31 * *"}  # one or the other
    await cron.fill("*/20 * * * *")
    await expect(often.get_by_label("When")).to_have_value("minutes")
    await cron.fill("*/7 * * * *")
    await expect(often.get_by_label("When").locator("option:checked")).to_have_text("By the cron expression below")


async def test_a_draft_is_run_with_an_input_that_is_kept_and_by_a_test_event(stack: Stack) -> None:
    async with at_desk(stack) as desk:
        nodes = [
            {"key": "hook", "type": "trigger.webhook", "config": {"path": f"trial-{desk.workflow_id}"}, "position": {"x": 0, "y": 0}},
            {
                "key": "greet",
                "type": "set",
                "config": {"fields": {"text": "Dear {{ payload.name }}", "id": "{{ payload.id }}"}},
                "position": {"x": 300, "y": 0},
            },
        ]
        await drawn(desk, nodes, [{"source": "hook", "target": "greet"}])
        await desk.at("run-with-input").click()
        await desk.at("run-input").fill('{"name": ')
        await expect(desk.at("run-start")).to_be_disabled()
        await desk.at("run-input").fill(f'{{"name": "Grace", "id": {ID}}}')
        await desk.at("input-name").fill("A guest")
        await desk.at("input-save").click()
        await desk.at("run-input").fill("{}")
        await desk.at("saved-inputs").get_by_text("A guest").click()
        await desk.at("run-start").click()
        await expect(desk.at("node-greet")).to_have_attribute("data-status", "succeeded")
        await desk.press("greet")
        await expect(desk.at("step-output")).to_contain_text("Dear Grace")
        await expect(desk.at("step-output")).to_contain_text(str(ID))

        await desk.press("hook")
        await desk.at("listen").click()
        url = await desk.at("test-url").inner_text()
        status, _, _ = await desk.api.raw("POST", url.removeprefix(stack.backend_url), json={"name": "a caller", "id": ID})
        assert status < 300
        await expect(desk.at("listening")).to_have_count(0)
        await desk.press("greet")
        await expect(desk.at("step-output")).to_contain_text("Dear a caller")
