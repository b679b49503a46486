"""Steps that run at the same time, and one who waits for the next of them to end."""

import asyncio
import functools
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

K = TypeVar("K")
R = TypeVar("R")


class Crew(Generic[K, R]):
    """Tasks, each with a key. Costs the same for each that ends, however many there are."""

    __slots__ = ("_ended", "_tasks", "_waiter")

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[R], K] = {}
        self._ended: list[asyncio.Task[R]] = []
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, key: K, work: Coroutine[Any, Any, R]) -> None:
        """Starts a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = key
        task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[R]) -> None:
        self._ended.append(task)
        self.wake()

    def wake(self) -> None:
        """Ends a `next` that is waiting."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self, timeout_s: float | None = None) -> list[tuple[K, R]]:
        """What ended since the last call; waits for one, for `timeout_s`, or for `wake`. Raises what a task raised."""
        if not self._ended and (timeout_s is None or timeout_s > 0):
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = None if timeout_s is None else loop.call_later(timeout_s, self.wake)
            try:
                await self._waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        ended, self._ended = self._ended, []
        return [(self._tasks.pop(task), task.result()) for task in ended]

    async def dismiss(self) -> list[tuple[K, R]]:
        """Cancels all that still run and waits until they have stopped. Gives what ended well all the same."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        well = [(self._tasks[task], task.result()) for task in tasks if not task.cancelled() and task.exception() is None]
        self._tasks.clear()
        self._ended.clear()
        return well


class Watched(Generic[R]):
    """Awaits a coroutine, and knows whether that had to wait for anything."""

    __slots__ = ("_work", "waited")

    def __init__(self, work: Coroutine[Any, Any, R]) -> None:
        self._work = work
        self.waited = False

    def __await__(self) -> Generator[Any, Any, R]:
        steps = self._work.__await__()
        try:
            waits_for = next(steps)
        except StopIteration as ended:
            result: R = ended.value
            return result
        self.waited = True
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001  # a cancellation, passed on as it is
                step = functools.partial(steps.throw, error)
            else:
                step = functools.partial(steps.send, sent)
            try:
                waits_for = step()
            except StopIteration as ended:
                result = ended.value
                return result
