"""Tasks that run beside the requests."""

import asyncio
from typing import Any

_PATIENCE_S = 1.0


async def stop(task: "asyncio.Task[Any] | None") -> None:
    """Ends a task, and waits for its end.

    Cancelled again and again: a library that tidies up while it is cancelled may raise an error of its own instead (asyncpg
    does), and a loop that survives errors then goes on.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_PATIENCE_S)
