"""What a hand does on the canvas, in real Chromium."""

from playwright.async_api import Page

# Movements begin some time after what causes them (60 ms, by the page's clock, which a busy machine holds up), and go from frame to frame.
_STILL = """async () => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const view = () => document.querySelector('.react-flow__viewport').style.transform;
  await pause(70);
  for (let [same, before] = [0, '']; same < 4; before = view()) {
    await Promise.race([new Promise(requestAnimationFrame), pause(1000)]);
    same = view() === before ? same + 1 : 0;
  }
}"""

_IS_THERE = """([key, x, y]) => {
  const under = document.elementFromPoint(x, y);
  return document.querySelector(`[data-testid="node-${key}"]`).contains(under) && !under.closest("button, .react-flow__handle");
}"""

_SEEN = """key => {
  const card = document.querySelector(`[data-testid="node-${key}"]`);
  const box = card.getBoundingClientRect();
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const far = (point) => Math.hypot(point.x - middle.x, point.y - middle.y);
  const seen = [];
  for (let x = box.left + 6; x < box.right; x += 8) for (let y = box.top + 6; y < box.bottom; y += 8) {
    const under = document.elementFromPoint(x, y);
    if (card.contains(under) && !under.closest("button, .react-flow__handle")) seen.push({ x, y });
  }
  return seen.sort((a, b) => far(a) - far(b))[0] ?? null;
}"""


async def still(page: Page) -> None:
    """Wait until the view has stopped moving."""
    await page.locator(".react-flow__viewport").wait_for(state="attached")
    await page.evaluate(_STILL)


async def bring(page: Page, key: str) -> None:
    """Shift the view by the pointer until a card is in its middle."""
    card, pane = [await page.get_by_test_id(name).bounding_box() for name in (f"node-{key}", "canvas")]
    assert card is not None
    assert pane is not None
    x, y = pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] * 0.7
    await page.mouse.move(x, y)
    await page.mouse.down()
    goal = (
        x + pane["x"] + pane["width"] / 2 - card["x"] - card["width"] / 2,
        y + pane["y"] + pane["height"] / 2 - card["y"] - card["height"] / 2,
    )
    await page.mouse.move(*goal, steps=8)
    await page.mouse.up()
    await still(page)


async def press(page: Page, key: str, *, clicks: int = 1, slip: int = 0) -> None:
    """Click a card where it can be seen, after the view is shifted if it can't; the hand slips by so many pixels meanwhile.

    Playwright's own click would first scroll a card into view that lies half under a panel; the canvas takes that back, and
    the click would fall beside it.
    """
    await page.get_by_test_id(f"node-{key}").wait_for()
    for _ in range(5):
        await still(page)
        seen = await page.evaluate(_SEEN, key)
        if seen is None:
            await bring(page, key)
            seen = await page.evaluate(_SEEN, key)
        assert seen is not None, f"the card {key} can't be seen"
        await page.mouse.move(seen["x"], seen["y"])
        if await page.evaluate(_IS_THERE, [key, seen["x"], seen["y"]]):
            break
    for click in range(1, clicks + 1):
        await page.mouse.down(click_count=click)
        if slip:
            await page.mouse.move(seen["x"] + slip, seen["y"])
        await page.mouse.up(click_count=click)


async def drop(page: Page, type: str, x: int, y: int) -> None:
    """Drag a node from the palette onto the canvas."""
    await page.drag_and_drop(f"[data-testid='palette-item-{type}']", ".react-flow__pane", target_position={"x": x, "y": y})


async def handle(page: Page, key: str, port: str) -> tuple[float, float]:
    """Where a port is on the screen."""
    box = await page.locator(f".react-flow__handle[data-nodeid='{key}'][data-handleid='{port}']").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def connect(page: Page, source: str, port: str, target: str) -> None:
    """Draw a connection with the mouse, from a port to the input."""
    x, y = await handle(page, target, "in")
    await page.mouse.move(*await handle(page, source, port))
    await page.mouse.down()
    await page.mouse.move(x - 30, y + 10, steps=6)
    await page.mouse.move(x, y, steps=3)
    await page.mouse.up()
