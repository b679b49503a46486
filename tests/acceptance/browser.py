"""Real Chromium for tests: Debian's, driven by Playwright."""

import asyncio
import shutil
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Error, Page, Request, Response, Route, WebSocket, async_playwright, expect

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
_REFUSED = 400


def chromium() -> str:
    """Path of the installed Chromium. Raises RuntimeError where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise RuntimeError("There is no Chromium on this machine: `make test` installs it")


def _overheard(page: Page) -> deque[str]:
    """What goes on beside the test, the newest last: navigation, connections, answers that refuse, what scripts complain of."""
    heard: deque[str] = deque(maxlen=60)

    def hear(what: str, *about: object) -> None:
        heard.append(" ".join([f"{time.monotonic():.1f}", what, *(str(part)[:300] for part in about)]))

    def connected(socket: WebSocket) -> None:
        hear("socket open", socket.url)
        socket.on("close", lambda _: hear("socket closed"))

    def answered(answer: Response) -> None:
        if answer.status >= _REFUSED:
            hear(str(answer.status), answer.url)

    def asked(request: Request) -> None:
        if request.method == "POST":
            hear("POST", request.url)

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            hear(message.type, message.text)

    page.on("framenavigated", lambda frame: hear("at", frame.url))
    page.on("websocket", connected)
    page.on("request", asked)
    page.on("requestfailed", lambda request: hear("failed", request.method, request.url, request.failure))
    page.on("response", answered)
    page.on("console", said)
    page.on("pageerror", lambda error: hear("error", error))
    return heard


async def _told(page: Page, heard: deque[str]) -> None:
    """Print what a failed test's page looked like. A page that does not answer has told what there is."""
    sys.stdout.write("\n".join([f"The page at {page.url}, {time.monotonic():.1f}:", *heard, ""]))
    try:
        async with asyncio.timeout(_CLOSING_S):
            alive, text = await page.evaluate("['alive' in document.documentElement.dataset, document.body?.innerText ?? '']")
            sys.stdout.write(f"It {'has' if alive else 'has not'} arrived, and says:\n{text[:1500]}\n")
    except (Error, TimeoutError) as error:
        sys.stdout.write(f"It does not answer: {error}\n")


@asynccontextmanager
async def page(*, width: int = 1440, height: int = 900, **options: Any) -> AsyncIterator[Page]:
    """One tab. Where the test fails, its report says what the page showed and what went on beside it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        context = await browser.new_context(viewport={"width": width, "height": height}, **options)
        try:
            opened = await context.new_page()
            heard = _overheard(opened)
            try:
                yield opened
            except Exception:
                await _told(opened, heard)
                raise
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
