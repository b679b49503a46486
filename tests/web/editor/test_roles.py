"""The editor for who may not edit: they see the draft as it is, and what they can't do isn't offered."""

from playwright.async_api import Page, expect

from tests.acceptance import browser, drawing
from tests.acceptance.stack import Stack
from tests.web.editor.desk import PASSWORD, Desk, at_desk

EMAIL = "rolf@example.com"
NODES = [
    {"key": "start", "type": "trigger.manual"},
    {"key": "greet", "type": "set", "name": "Greet", "config": {"fields": {"text": "Hello"}}, "position": {"x": 320, "y": 0}},
    {"key": "say", "type": "note", "config": {"text": "Why"}, "position": {"x": 0, "y": 160}},
]
WIRE = {"source": "start", "target": "greet"}


async def _colleague(desk: Desk) -> tuple[str, str, str]:
    """A workflow of a shared project, the project and somebody who may look at it."""
    project = await desk.api.call("POST", "/projects", json={"name": "Roles"})
    made = await desk.api.call(
        "POST", "/workflows", json={"name": "Shared", "nodes": NODES, "connections": [WIRE], "project_id": project["id"]}
    )
    invited = await desk.api.call("POST", "/users/invitations", json={"email": EMAIL, "role": "member"})
    body = {"email": EMAIL, "password": PASSWORD, "name": "Rolf", "invitation_token": invited["token"]}
    rolf = await desk.api.call("POST", "/users/register", json=body)
    await desk.api.call("PUT", f"/projects/{project['id']}/members/{rolf['id']}", json={"role": "viewer"})
    return made["id"], project["id"], rolf["id"]


async def _looks(page: Page) -> None:
    """Nothing to change it with, by hand or by key."""
    await expect(page.get_by_test_id("look-only")).to_have_text("View only")
    for name in ("palette-item-set", "publish", "undo", "tidy", "problems-open", "palette-open", "run-only", "tab-configure"):
        await expect(page.get_by_test_id(name)).to_have_count(0)
    await expect(page.get_by_test_id("enable")).to_be_disabled()
    await expect(page.get_by_test_id("workflow-name")).not_to_be_editable()
    await drawing.press(page, "greet")
    await expect(page.get_by_test_id("ran-with")).to_contain_text("Hello")
    await expect(page.get_by_test_id("node-name")).not_to_be_editable()
    await page.keyboard.press("Escape")
    for key in ("Delete", "d", "Control+d", "Control+x", "Alt+ArrowRight", "ArrowRight", "t"):
        await page.keyboard.press(key)
    await page.get_by_test_id("versions-open").click()
    await expect(page.get_by_test_id("versions")).to_contain_text("Nothing is published yet")
    await expect(page.get_by_test_id("publish-with-note")).to_have_count(0)
    await page.get_by_test_id("settings-open").click()
    await expect(page.get_by_test_id("workflow-settings").get_by_role("combobox").first).to_be_disabled()


async def _looks_at_runs(page: Page, url: str, run: str, *, may_run: bool) -> None:
    """What a run's page and the list of them offer: to an operator what runs it again, to a viewer nothing; to change it, to neither."""
    await page.goto(f"{url}/executions/{run}")
    await expect(page.get_by_test_id("execution-status")).to_contain_text("Succeeded")
    await expect(page.get_by_test_id("steer-replay")).to_have_count(int(may_run))
    await expect(page.get_by_test_id("copy-to-editor")).to_have_count(0)
    await drawing.press(page, "greet")
    await expect(page.get_by_test_id("edit-node")).to_have_text("Show in the draft")
    await page.goto(f"{url}/executions")
    more = page.get_by_label("More for the run of Shared")
    await expect(page.get_by_role("link", name="Shared").first).to_be_visible()
    await expect(more).to_have_count(int(may_run))
    if may_run:
        await more.click()
        await expect(page.get_by_role("menuitem")).to_have_text(["Replay with the same input"])
        await page.keyboard.press("Escape")


async def test_a_viewer_looks_and_an_operator_runs(stack: Stack) -> None:
    async with at_desk(stack) as desk, browser.page() as page:
        workflow_id, project_id, rolf_id = await _colleague(desk)
        before = await desk.api.call("GET", f"/workflows/{workflow_id}")
        await page.goto(f"{stack.web_url}/sign-in?next=/workflows/{workflow_id}")
        await page.fill("input[name=email]", EMAIL)
        await page.fill("input[name=password]", PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_test_id("node-greet").wait_for()
        await _looks(page)
        await expect(page.get_by_test_id("run")).to_have_count(0)
        await page.screenshot(path=browser.shots() / "editor-viewer.png")
        run = (await desk.api.call("POST", f"/workflows/{workflow_id}/execute", json={}))["execution_id"]
        await desk.api.finished(run)
        await _looks_at_runs(page, stack.web_url, run, may_run=False)
        await page.goto(f"{stack.web_url}/workflows/{workflow_id}?pins={run}")
        await expect(page.get_by_test_id("notice")).to_contain_text("nothing of that run is pinned")

        await desk.api.call("PUT", f"/projects/{project_id}/members/{rolf_id}", json={"role": "operator"})
        await _looks_at_runs(page, stack.web_url, run, may_run=True)
        await page.screenshot(path=browser.shots() / "executions-operator.png")
        await page.goto(f"{stack.web_url}/workflows/{workflow_id}")
        await page.get_by_test_id("run").click()
        await expect(page.get_by_test_id("node-greet")).to_have_attribute("data-status", "succeeded")
        await drawing.press(page, "greet")
        await expect(page.get_by_test_id("step-results")).to_contain_text("Hello")
        await expect(page.get_by_test_id("look-only")).to_have_text("Run only")
        after = await desk.api.call("GET", f"/workflows/{workflow_id}")
        assert (after["revision"], after["nodes"]) == (before["revision"], before["nodes"])
