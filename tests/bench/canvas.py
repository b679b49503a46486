"""The editor with a large graph, in Chromium: how long it takes to open, how smooth and how quiet a drag is."""

import time
from statistics import median
from typing import Any

from playwright.async_api import Page, WebSocket

from tests.acceptance import browser
from tests.acceptance.api import Api
from tests.acceptance.stack import Stack

NODES = 200
_START = """() => { window.__frames = []; let last = performance.now(); window.__measuring = true;
(function tick(now) { window.__frames.push(now - last); last = now; if (window.__measuring) requestAnimationFrame(tick); })(last); }"""
_STOP = "() => { window.__measuring = false; return window.__frames.slice(2); }"


async def draw(api: Api) -> str:
    """A workflow of 200 nodes in rows of 20. Its id."""
    nodes: list[dict[str, Any]] = [{"key": "n0", "type": "trigger.webhook", "config": {"path": "large"}}]
    nodes += [{"key": f"n{i}", "type": "set", "config": {"fields": {"n": "{{ payload.n }}"}}} for i in range(1, NODES)]
    for i, node in enumerate(nodes):
        node["position"] = {"x": (i % 20) * 280, "y": (i // 20) * 120}
    wires = [(f"n{i}", f"n{i + 1}") for i in range(NODES - 1) if (i + 1) % 20]
    return str((await api.workflow(nodes, wires, name="Large", live=False))["id"])


async def sign_in(page: Page, url: str) -> None:
    """Through the form, as a user."""
    await page.goto(url)
    await page.fill("input[name=email]", "ada@example.com")
    await page.fill("input[name=password]", "a long enough one")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/workflows")


async def measure(stack: Stack) -> list[str]:
    """Lines of the report."""
    async with Api(stack.backend_url) as api:
        await api.sign_up()
        workflow_id = await draw(api)
    frames: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda data: frames.append(len(data)))
        socket.on("framereceived", lambda data: frames.append(len(data)))

    async with browser.page() as page:
        page.on("websocket", listen)
        await sign_in(page, stack.web_url)
        opened = []
        for _ in range(5):
            await page.goto(f"{stack.web_url}/workflows")
            await page.get_by_text("Large").first.wait_for()
            start = time.perf_counter()
            await page.goto(f"{stack.web_url}/workflows/{workflow_id}")
            await page.wait_for_function(f"document.querySelectorAll('.react-flow__node').length >= {NODES}", timeout=20_000)
            opened.append(time.perf_counter() - start)
        await page.wait_for_timeout(1500)
        counts, paces = [], []
        for number in (85, 105, 125):
            box = await page.locator(f"[data-testid=node-n{number}]").bounding_box()
            assert box is not None
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            before = len(frames)
            await page.evaluate(_START)
            await page.mouse.move(x, y)
            await page.mouse.down()
            for step in range(100):
                await page.mouse.move(x + step, y + (step % 30))
            await page.mouse.up()
            paces += await page.evaluate(_STOP)
            await page.wait_for_timeout(1500)
            counts.append(len(frames) - before)
    return [
        f"{NODES} nodes open in {median(opened):.2f} s median (goal ≤ 2; {', '.join(f'{s:.2f}' for s in opened)})",
        f"a drag of one of them: {max(counts)} websocket frames at most (goal ≤ 5; {counts}), {1000 / median(paces):.0f} frames/s median",
    ]
