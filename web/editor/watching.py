"""What both pages with a canvas share: following a run live, and the values of a step on a click."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import reflex as rx

from trestle.contracts.executions import Execution, LargeValues, Step
from trestle.contracts.workflows import DraftEvent, Present, WorkflowSummary
from web import exact
from web.access import signed_in
from web.api import Api
from web.backend import ApiError, ServerEvent
from web.editor.graph import attempts, run_of, statuses
from web.editor.live import Follower, Window, bursts
from web.editor.values import DATA_BYTES, READ_BYTES, part, put, values_of

STEERED = {
    "cancel": "Cancelled.",
    "pause": "Paused: what runs now may finish, nothing new starts.",
    "resume": "It goes on.",
    "retry": "Started again from where it failed.",
    "replay": "Started again with the same input.",
}
"""What may be done to an execution, and what is said when it is done."""
LOG_PAGES = 5
"""So many pages of a log are fetched at once, of 200 lines each: of very many lines, one press shows a thousand more."""
MOST_ATTEMPTS = 2000
"""So many attempts at a node and its items are listed."""
GONE_S = 60.0
"""A tab that has not said for so long that somebody looks is taken for closed."""


def stamp() -> int:
    """A number that grows, also over a restart of this process: milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def id_in(path: str) -> UUID:
    """The id at the end of an address. Raises `ValueError` where it is none."""
    return UUID(path.rstrip("/").rpartition("/")[2])


def address_id(state: rx.State) -> UUID:
    """The id at the end of the page's address. Raises `ValueError` where it is none."""
    return id_in(state.router.url.path)


async def all_steps(api: Api, execution_id: UUID | str, *, values: bool) -> list[Step]:
    """Every step of an execution, oldest first, without those of single items."""
    found: list[Step] = []
    cursor: str | None = None
    while True:
        page = await api.steps(execution_id, items=False, values=values, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


async def read_in(api: Api, execution_id: UUID, of: Execution | Step, name: str, refs: LargeValues, left: int) -> int:
    """Put what is stored apart of the value `name` into it: JSON up to `left` bytes, not files. How many bytes are left then."""
    for pointer, large in refs.items():
        left -= large.size
        if large.media_type.startswith("application/json") and left >= 0:
            async with api.download(f"/executions/{execution_id}/blobs/{large.id}") as answer:
                setattr(of, name, put(getattr(of, name), pointer, exact.loads(await answer.read())))
    return left


async def whole_step(api: Api, execution_id: UUID, step_id: UUID) -> Step:
    """One attempt at a step with its values; JSON that is stored apart is read in, files are not."""
    step = await api.step(execution_id, step_id)
    left = await read_in(api, execution_id, step, "input", step.input_refs, READ_BYTES)
    await read_in(api, execution_id, step, "output", step.refs, left)
    return step


async def whole_run(api: Api, execution_id: UUID) -> tuple[Execution, list[Step]]:
    """An execution and its steps, with its input and their outputs; of what is stored apart as much as expressions are written from."""
    execution, steps = await asyncio.gather(api.execution(execution_id), all_steps(api, execution_id, values=True))
    left = await read_in(api, execution_id, execution, "input", execution.input_refs, DATA_BYTES)
    for step in reversed(steps):
        left = await read_in(api, execution_id, step, "output", step.refs, left)
    return execution, steps


async def attempts_at(api: Api, execution_id: UUID, node: str) -> tuple[list[Step], bool]:
    """The attempts at a node and its items, without values, and whether there are more. Of very many: the first, and those that failed."""
    found: dict[UUID, Step] = {}
    cursor: str | None = None
    for _ in range(MOST_ATTEMPTS // 200):
        page = await api.steps(execution_id, node=node, values=False, cursor=cursor)
        found |= {step.id: step for step in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return list(found.values()), False
    failed = await api.steps(execution_id, node=node, values=False, status="failed")
    return list((found | {step.id: step for step in failed.items}).values()), True


async def log_at(api: Api, execution_id: UUID, node: str, *, newest: bool, cursor: str | None, pages: int) -> dict[str, Any]:
    """`{execution_id, node, newest, after, lines, next}`: what a node wrote, from the cursor `after` on, and the cursor of the next."""
    lines: list[dict[str, Any]] = []
    after = cursor
    for _ in range(pages):
        page = await api.log(execution_id, node=node, newest=newest, cursor=cursor)
        lines += [line.model_dump(mode="json", exclude={"node"}) for line in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    return {"execution_id": str(execution_id), "node": node, "newest": newest, "after": after, "lines": lines, "next": cursor}


async def all_workflows(api: Api) -> list[WorkflowSummary]:
    """Every workflow that the caller sees, newest first: nodes name some, and one that is not among them is said to be gone."""
    found: list[WorkflowSummary] = []
    cursor: str | None = None
    while True:
        page = await api.workflows(limit=200, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


class Watching(rx.State, mixin=True):
    """Follows what runs while somebody looks at the page."""

    document: str = ""
    live: dict[str, Any] = {}
    step: dict[str, Any] = {}
    log: dict[str, Any] = {}
    values: str = ""
    page: str = ""
    meta: dict[str, Any] = {}
    _looked_at: float = 0.0
    _watch: int = 0  # the number of the watch that may go on; 0: none
    _follow: str = ""  # the execution that a person has just started

    def _stream(self) -> str:
        """The path of the event stream to follow."""
        raise NotImplementedError

    def _since(self) -> str:
        """Where the stream is to begin; empty: now. What happened while the page was being loaded is not to be missed."""
        return ""

    async def _first(self, api: Api, path: str) -> str:
        """The execution to show from the beginning, on the page of this address; empty: whichever comes."""
        raise NotImplementedError

    @rx.event
    async def show_step(self, execution_id: str, node: str) -> None:
        """Fetch the attempts at a node, and the first of what it wrote to the log."""
        api, ident = signed_in(self), UUID(execution_id)
        (steps, more), log = await asyncio.gather(
            attempts_at(api, ident, node), log_at(api, ident, node, newest=False, cursor=None, pages=1)
        )
        self.step = {"execution_id": execution_id, "node": node, "steps": attempts(steps, node), "more": more}
        self.log = {"stamp": stamp(), **log}

    @rx.event
    async def show_log(self, wanted: dict[str, Any]) -> None:
        """Fetch more of what a node wrote: `{execution_id, node, newest, after}`; without a cursor `after`: the first of it. With `again`
        it is a part that is there already, and told only where it has grown."""
        api = signed_in(self)
        ident, cursor, again = UUID(wanted["execution_id"]), wanted.get("after"), bool(wanted.get("again"))
        pages = LOG_PAGES if cursor else 1
        try:
            log = await log_at(api, ident, str(wanted["node"]), newest=bool(wanted["newest"]), cursor=cursor, pages=pages)
        except ApiError:
            if again:  # the page says elsewhere that the backend is away, and asks again in a moment
                return
            raise
        if not again or any(self.log.get(name) != value for name, value in log.items()):
            self.log = {"stamp": stamp(), **log, "again": again}

    @rx.event
    async def show_values(self, wanted: dict[str, Any]) -> None:
        """Fetch what went into some steps and what came out: `{steps: [[execution id, step id], …]}`, at most two."""
        api = signed_in(self)
        pairs = [(UUID(execution_id), UUID(step_id)) for execution_id, step_id in wanted["steps"][:2]]
        found = await asyncio.gather(*(whole_step(api, *pair) for pair in pairs))
        told = [values_of(str(pair[0]), step) for pair, step in zip(pairs, found, strict=True)]
        self.values = exact.text({"stamp": stamp(), "found": told})

    @rx.event
    async def show_page(self, wanted: dict[str, Any]) -> None:
        """Fetch more of a long list: `{execution_id, step, part: input or output, pointer, start}`."""
        api = signed_in(self)
        step = await whole_step(api, UUID(wanted["execution_id"]), UUID(wanted["step"]))
        value = step.input if wanted["part"] == "input" else step.output
        found = part(value, str(wanted["pointer"]), int(wanted["start"]))
        self.page = exact.text({"stamp": stamp(), "step": wanted["step"], "part": wanted["part"], **found})

    @rx.event
    async def steer(self, execution_id: str, verb: str) -> Any:
        """Cancel, pause, resume, retry or replay an execution. The last two start another one, which is then shown."""
        api = signed_in(self)
        said = STEERED[verb]
        try:
            started = await api.steer(UUID(execution_id), verb)
        except ApiError as error:
            self.meta = {"seq": stamp(), "said": str(error), "kind": "error"}
            return None
        self.meta = {"seq": stamp(), "said": said, "kind": "success"}
        return rx.redirect(f"/executions/{started['execution_id']}") if verb in ("retry", "replay") else None

    @rx.event
    def leave(self) -> None:
        """The page is left: stop following."""
        signed_in(self)
        self._watch = 0

    @rx.event
    def watch(self) -> Any:
        """Somebody looks: go on following, or begin to."""
        signed_in(self)
        self.document = ""  # the browser has it now; Reflex would send it again with every page that is opened later
        running = self._watch and time.monotonic() - self._looked_at < GONE_S
        self._looked_at = time.monotonic()
        return None if running else type(self).follow

    def _drafts(self, changes: list[DraftEvent]) -> Any:
        """Take changes of the draft in; the event to happen next, or None. The page of a run shows none."""
        return None

    def _present(self, people: Present) -> None:
        """Take in who else is here. The page of a run doesn't show it."""

    @rx.event(background=True)
    async def follow(self) -> AsyncIterator[Any]:
        """Hand on what happens in runs and to the draft, until the page is left."""
        async with self:
            api = signed_in(self)
            self._watch = mark = stamp()
            stream, since, path = self._stream(), self._since(), self.router.url.path
        follower, window = Follower(), Window()

        def connect(last: str) -> AsyncIterator[ServerEvent]:
            return api.events(stream, last_event_id=last or since)

        try:
            if first := await self._first(api, path):
                await self._catch_up(api, follower, window, first, mark)
            async for group in bursts(connect):
                for event in group:
                    follower.take(event)
                drafts = [DraftEvent.model_validate(event.data) for event in group if event.event == "draft"]
                present = [Present.model_validate(event.data) for event in group if event.event == "present"]
                async with self:
                    if self._watch != mark or time.monotonic() - self._looked_at > GONE_S:
                        return
                    wanted, self._follow = self._follow, ""
                    if (news := follower.news()) is not None:
                        self.live = window.add(stamp(), news)
                    following = self._drafts(drafts) if drafts else None
                    if present:
                        self._present(present[-1])
                if following is not None:
                    yield following
                turn = wanted if wanted and wanted != follower.execution_id else follower.turn()
                if turn:
                    await self._catch_up(api, follower, window, turn, mark)
        finally:
            async with self:
                if self._watch == mark:
                    self._watch = 0

    async def _catch_up(self, api: Api, follower: Follower, window: Window, execution_id: str, mark: int) -> None:
        """Show an execution as it is now, where its events so far were not followed."""
        execution = await api.execution(execution_id)
        steps = await all_steps(api, execution_id, values=False)
        follower.show(run_of(execution), statuses(steps))
        async with self:
            if self._watch == mark and (news := follower.news()) is not None:
                self.live = window.add(stamp(), news)
