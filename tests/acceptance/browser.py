"""Real Chromium for tests: Debian's, driven by Playwright."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route, async_playwright, expect

expect.set_options(timeout=30_000)  # two cores, and everything on them

NAME = "trestle.lan"
"""This machine as others in a home call it: by plain HTTP browsers keep some of their powers from its pages, unlike from localhost's."""

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
]

_CLOSING_S = 30


def chromium() -> str:
    """Path of the installed Chromium. Raises RuntimeError where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise RuntimeError("There is no Chromium on this machine: `make test` installs it")


@asynccontextmanager
async def page(*, width: int = 1440, height: int = 900, **options: Any) -> AsyncIterator[Page]:
    """One tab. What goes wrong in the page's own scripts is kept in `page.failures`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        context = await browser.new_context(viewport={"width": width, "height": height}, **options)
        try:
            yield await context.new_page()
        finally:
            # Closing the context first would wait for what its pages still do; a page that does not answer holds up a run for ever.
            async with asyncio.timeout(_CLOSING_S):
                await browser.close()


@asynccontextmanager
async def slow_line(page: Page) -> AsyncIterator[None]:
    """Within the block a page can be seen, but its scripts have not come yet."""
    come = asyncio.Event()

    async def hold(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route("**/assets/*.js", hold)
    yield
    come.set()
    await page.unroute_all(behavior="wait")


async def clipboard(page: Page, beginning: str) -> str:
    """What is on the clipboard, once it begins so: a page puts it there some time after the press."""
    read = "start => navigator.clipboard.readText().then((text) => text.startsWith(start) && text)"
    return str(await (await page.wait_for_function(read, arg=beginning)).json_value())


def shots() -> Path:
    """Where a run keeps its screenshots."""
    folder = Path("artifacts") / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
