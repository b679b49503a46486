"""Tasks that run beside the requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

_PATIENCE_S = 1.0
_PAUSE_S = 1.0

log = structlog.get_logger(__name__)


async def for_ever(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs `work`, and again when it ends. An error that it did not expect is logged: it must not end what everything relies on."""
    while True:
        try:
            await work()
        except Exception as error:  # whatever it is
            log.error("background_task_failed", task=what, exc_info=error)
        await asyncio.sleep(_PAUSE_S)


async def stop(task: "asyncio.Task[Any] | None") -> None:
    """Ends a task, and waits for its end.

    Cancelled again and again: a library that tidies up while it is cancelled may raise an error of its own instead (asyncpg
    does), and a loop that survives errors then goes on.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_PATIENCE_S)
