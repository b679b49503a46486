"""Which run the canvas shows, and what of it is new: a backend's event stream becomes small changes for the browser."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from trestle.contracts.base import JsonObject
from trestle.contracts.executions import ExecutionEvent, StepEvent
from trestle.contracts.states import TERMINAL
from trestle.contracts.workflows import DraftEvent
from web.backend import ApiError, ServerEvent, Unreachable
from web.editor.graph import status_of
from web.editor.values import size_of

GATHER_S = 0.03
"""Events that come together travel together."""
TICK_S = 5.0
"""A quiet stream says so this often, so that whoever reads it can see whether anybody still looks."""
RECONNECT_S = 2.0
MOST_HEARD = 32 * 1024
"""A change by somebody else with more JSON than this has the draft loaded again."""


@dataclass
class Follower:
    """Follows one execution at a time: the one that a person started, else the newest, and that to its end.

    Ids are time-ordered, so a later execution has the greater id.
    """

    execution_id: str = ""
    finished: bool = True
    missed: str = ""
    """A newer execution whose beginning was passed over. Its steps have to be fetched when it is its turn."""
    _reset: bool = False
    _run: JsonObject = field(default_factory=dict)
    _nodes: dict[str, JsonObject] = field(default_factory=dict)

    def follow(self, execution_id: str) -> None:
        """Show this execution from now on, from its beginning."""
        self.execution_id, self.finished, self.missed = execution_id, False, ""
        self._reset, self._run, self._nodes = True, {"execution_id": execution_id, "status": "queued"}, {}

    def show(self, run: JsonObject, nodes: dict[str, JsonObject]) -> None:
        """Show an execution as it stands: `run` is `web.editor.graph.run_of`, `nodes` the statuses by key."""
        self.follow(run["execution_id"])
        self._run, self._nodes = run, nodes
        self.finished = run["status"] in TERMINAL

    def take(self, event: ServerEvent) -> None:
        """Note an event. Those of other executions, and those of kinds that the canvas doesn't show, change nothing."""
        try:
            if event.event == "execution":
                self._take_execution(ExecutionEvent.model_validate(event.data))
            elif event.event == "step":
                self._take_step(StepEvent.model_validate(event.data))
        except ValidationError:
            return  # a newer backend's event: the page shows what it understands

    def _concerns(self, execution_id: str) -> bool:
        if execution_id == self.execution_id:
            return True
        if execution_id < self.execution_id:
            return False
        if self.finished:
            self.follow(execution_id)
            return True
        self.missed = max(self.missed, execution_id)
        return False

    def _take_execution(self, event: ExecutionEvent) -> None:
        if not self._concerns(str(event.execution_id)):
            return
        shown = event.model_dump(mode="json", include={"status", "error", "failed_steps", "started_at", "finished_at"})
        self._run |= {"execution_id": self.execution_id, **shown}
        self.finished = event.status in TERMINAL

    def _take_step(self, event: StepEvent) -> None:
        if not self._concerns(str(event.execution_id)):
            return
        if event.item is None:
            self._nodes[event.node] = status_of(event)
        else:
            self._nodes.setdefault(event.node, {**status_of(event), "status": "running", "ms": None})

    def news(self) -> JsonObject | None:
        """`{reset, run, nodes}`: what has changed since the last call, or None."""
        if not (self._reset or self._run or self._nodes):
            return None
        news = {"reset": self._reset, "run": self._run, "nodes": self._nodes}
        self._reset, self._run, self._nodes = False, {}, {}
        return news

    def turn(self) -> str:
        """The passed-over execution whose turn it is now that the other has finished; empty where there is none."""
        return self.missed if self.finished else ""


@dataclass
class Window:
    """The latest changes with their numbers. Two messages that arrive together are drawn once, with the later one's content:
    each message therefore repeats the changes shortly before it, and the browser takes those that it has not seen."""

    size: int = 24
    events: list[JsonObject] = field(default_factory=list)

    def add(self, seq: int, news: JsonObject) -> JsonObject:
        """The message for the browser, with `news` as its last change."""
        self.events = [*self.events, {"seq": seq, **news}][-self.size :]
        return {"seq": seq, "events": self.events}


def heard(change: DraftEvent, person: UUID) -> JsonObject:
    """`{revision, operations, own}`: a change of a draft for the canvas of this person, who may have made it elsewhere."""
    return {**change.model_dump(mode="json", include={"revision", "operations"}, exclude_unset=True), "own": change.user == person}


def tellable(changes: list[JsonObject]) -> bool:
    """Whether changes of a draft's graph can go to the canvas in a window. If not, the draft is to be loaded again: one came by another way
    than operations, one is large (the window would repeat it for a while), or they are more than a window holds."""
    return len(changes) <= Window.size and all(one["operations"] and size_of(one) <= MOST_HEARD for one in changes)


async def bursts(
    connect: Callable[[str], AsyncIterator[ServerEvent]],
    *,
    tick_s: float = TICK_S,
    gather_s: float = GATHER_S,
    reconnect_s: float = RECONNECT_S,
) -> AsyncIterator[list[ServerEvent]]:
    """Events of a stream as they come in groups, an empty group after `tick_s` of silence, and a new connection when one breaks.

    `connect(last_event_id)` opens the stream. Ends when the stream ended by itself, or was refused.
    """
    queue: asyncio.Queue[ServerEvent | None] = asyncio.Queue(maxsize=2000)
    reader = asyncio.create_task(_read(connect, queue, reconnect_s))
    try:
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), tick_s)
            except TimeoutError:
                yield []
                continue
            await asyncio.sleep(gather_s)
            group: list[Any] = [event]
            while not queue.empty():
                group.append(queue.get_nowait())
            yield [one for one in group if one is not None]
            if None in group:
                return
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


async def _read(connect: Callable[[str], AsyncIterator[ServerEvent]], queue: asyncio.Queue[ServerEvent | None], reconnect_s: float) -> None:
    last = ""
    try:
        while True:
            try:
                async for event in connect(last):
                    last = event.id or last
                    await queue.put(event)
                return
            except Unreachable:
                await asyncio.sleep(reconnect_s)
            except ApiError as error:
                if error.status < 500:
                    raise
                await asyncio.sleep(reconnect_s)
    finally:
        await queue.put(None)
