"""Work that gathers while the previous round of it is under way, and then goes together. No timer: an idle system waits for nothing."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Calls `work` with up to `limit` items at a time, one call at once. A lone item leaves at once.

    `work` answers with one result for each item, in order. An exception it raises is raised for every item of its batch.
    """

    def __init__(self, work: Callable[[list[Item]], Awaitable[Sequence[Result]]], *, limit: int) -> None:
        self._work = work
        self._limit = limit
        self._gathered: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """The result for `item`. A caller who goes away does not undo what its batch does."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._gathered.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._gathered:
                batch = [self._gathered.popleft() for _ in range(min(self._limit, len(self._gathered)))]
                await self._settle(batch)
        finally:
            self._runner = None

    async def _settle(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  # handed to everybody who waits, who raise it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        finally:
            for _, future in batch:
                future.cancel()  # only where `work` itself was cancelled: nobody waits for ever
