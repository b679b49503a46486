"""The editor with a large graph, in Chromium: how long it takes to open, how smooth dragging, panning and typing are, how quiet a drag."""

import time
from statistics import median
from typing import Any

from playwright.async_api import Page, WebSocket

from tests.acceptance import browser
from tests.acceptance.api import Api
from tests.acceptance.drawing import press
from tests.acceptance.stack import Stack

NODES = 500
ROW = 25
_BY_THE_CLOCK = (".watch", "document_rx_state_", "___bell")
_START = """() => { window.__frames = []; let last = performance.now(); window.__measuring = true;
(function tick(now) { window.__frames.push(now - last); last = now; if (window.__measuring) requestAnimationFrame(tick); })(last); }"""
_STOP = "() => { window.__measuring = false; return window.__frames.slice(2); }"
# From a keystroke to the frame that shows it, in ms: the browser's own event timing, which counts from the key's arrival.
_WATCH_KEYS = """() => { window.__keys = []; new PerformanceObserver((list) => list.getEntries().forEach((entry) =>
entry.name === 'keydown' && window.__keys.push(entry.duration))).observe({ type: 'event', durationThreshold: 16 }); }"""


async def draw(api: Api) -> str:
    """A workflow of 500 nodes in rows of 25. Its id."""
    nodes: list[dict[str, Any]] = [{"key": "n0", "type": "trigger.webhook", "config": {"path": "large"}}]
    nodes += [{"key": f"n{i}", "type": "set", "config": {"fields": {"n": "{{ payload.n }}"}}} for i in range(1, NODES)]
    for i, node in enumerate(nodes):
        node["position"] = {"x": (i % ROW) * 280, "y": (i // ROW) * 120}
    wires = [(f"n{i}", f"n{i + 1}") for i in range(NODES - 1) if (i + 1) % ROW]
    return str((await api.workflow(nodes, wires, name="Large", live=False))["id"])


async def sign_in(page: Page, url: str) -> None:
    """Through the form, as a user."""
    await page.goto(url)
    await page.fill("input[name=email]", "ada@example.com")
    await page.fill("input[name=password]", "a long enough one")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/workflows")


async def _pressed(page: Page, x: float, y: float) -> list[float]:
    """Press at a point, move 100 times, let go. The time between the browser's frames meanwhile, in ms."""
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 4, y + 4)
    await page.evaluate(_START)
    for step in range(100):
        await page.mouse.move(x + step, y + (step % 30))
    frames: list[float] = await page.evaluate(_STOP)
    await page.mouse.up()
    await page.wait_for_timeout(1500)
    return frames


async def _middle(page: Page, node: str) -> tuple[float, float]:
    box = await page.locator(f"[data-testid=node-{node}]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def _typed(page: Page) -> list[float]:
    """Open a node's form, type into it. From each key to its frame, in ms; what is under 16 ms isn't told apart and left out."""
    await press(page, "n7")
    field = page.get_by_test_id("node-name")
    await field.focus()
    await page.evaluate(_WATCH_KEYS)
    await page.keyboard.type("A name of some length, typed", delay=60)
    await page.wait_for_timeout(500)
    keys: list[float] = await page.evaluate("window.__keys")
    return keys


def _pace(name: str, frames: list[float]) -> str:
    slow = sorted(frames)[int(len(frames) * 0.95)]
    return f"{name}: {1000 / median(frames):.0f} frames/s median (goal ≥ 50; slowest twentieth from {slow:.0f} ms)"


async def measure(stack: Stack) -> list[str]:
    """Lines of the report."""
    async with Api(stack.backend_url) as api:
        await api.sign_up()
        workflow_id = await draw(api)
    sent: list[int] = []

    def hear(data: str | bytes) -> None:
        # What comes by the clock has nothing to do with the drag.
        if len(data) > 2 and not any(name in str(data) for name in _BY_THE_CLOCK):
            sent.append(len(data))

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", hear)
        socket.on("framereceived", hear)

    async with browser.page() as page:
        page.on("websocket", listen)
        await sign_in(page, stack.web_url)
        opened = []
        for _ in range(5):
            await page.goto(f"{stack.web_url}/workflows")
            await page.get_by_text("Large").first.wait_for()
            start = time.perf_counter()
            await page.goto(f"{stack.web_url}/workflows/{workflow_id}")
            await page.wait_for_function(f"document.querySelectorAll('.react-flow__node').length >= {NODES}", timeout=30_000)
            opened.append(time.perf_counter() - start)
        await page.wait_for_timeout(1500)
        counts, far, near = [], [], []
        for node in ("n106", "n232", "n358"):
            before = len(sent)
            far += await _pressed(page, *(await _middle(page, node)))
            counts.append(len(sent) - before)
        pans = await _pressed(page, 800, 90)
        await page.get_by_test_id("undo").click()
        # Close by: the cards are legible, and most of them out of sight.
        for _ in range(5):
            await page.get_by_label("Zoom in").click()
            await page.wait_for_timeout(250)
        await page.wait_for_timeout(500)
        cards = await page.locator(".react-flow__node").evaluate_all(
            "cards => cards.map(card => card.getBoundingClientRect()).filter(box => box.left > 400 && box.right < 1200 && box.top > 200"
            " && box.bottom < 700).map(box => [box.left + box.width / 2, box.top + box.height / 2, box.bottom])"
        )
        near += await _pressed(page, cards[0][0], cards[0][1])
        close_pans = await _pressed(page, cards[1][0], cards[1][2] + 14)
        await page.get_by_test_id("fit").click()
        await page.wait_for_timeout(1500)
        keys = await _typed(page)
    return [
        f"{NODES} nodes open in {median(opened):.2f} s median (goal ≤ 2; {', '.join(f'{s:.2f}' for s in opened)})",
        f"a drag of one of them: {max(counts)} websocket frames at most (goal ≤ 5; {counts})",
        _pace("dragging, all of them in view", far),
        _pace("dragging, close by", near),
        _pace("panning, all of them in view", pans),
        _pace("panning, close by", close_pans),
        f"typing in a form: {median(keys or [0]):.0f} ms from a key to its frame, {max(keys, default=0):.0f} at most",
    ]
