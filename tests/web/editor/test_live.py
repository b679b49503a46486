"""Which run the canvas follows, what it hears of it, the log of a node that runs, and the names of other workflows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from trestle.contracts.base import Page
from trestle.contracts.jobs import LogLine
from trestle.contracts.problems import Problem
from trestle.contracts.workflows import WorkflowSummary
from web.api import Api
from web.backend import ApiError, ServerEvent, Unreachable
from web.editor import watching
from web.editor.execution import PastExecution
from web.editor.live import Follower, Window, bursts, tellable
from web.editor.watching import all_workflows

FIRST, SECOND, THIRD = (f"00000000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
WHEN = "2026-01-01T00:00:00Z"


def execution(id: str, status: str) -> ServerEvent:
    return ServerEvent("", "execution", {"execution_id": id, "workflow_id": None, "status": status, "created_at": WHEN})


def step(id: str, node: str, status: str, **more: Any) -> ServerEvent:
    return ServerEvent("", "step", {"execution_id": id, "node": node, "status": status, "attempt": 1, **more})


def heard(follower: Follower, *events: ServerEvent) -> dict[str, Any]:
    for event in events:
        follower.take(event)
    news = follower.news()
    assert news is not None
    return news


def test_a_run_is_followed_from_its_first_event_to_its_end() -> None:
    follower = Follower()
    news = heard(follower, execution(FIRST, "running"), step(FIRST, "hook", "succeeded", duration_ms=2.5, port="main"))
    assert news["reset"]
    assert news["run"]["execution_id"] == FIRST
    assert news["nodes"] == {"hook": {"status": "succeeded", "ms": 2.5, "items": None, "failed_items": None, "attempt": 1, "port": "main"}}
    assert follower.news() is None
    news = heard(follower, step(FIRST, "tell", "running"), step(FIRST, "tell", "failed"), execution(FIRST, "failed"))
    assert not news["reset"]
    assert news["nodes"]["tell"]["status"] == "failed"
    assert news["run"]["status"] == "failed"
    assert follower.finished


def test_a_later_run_waits_until_the_one_shown_has_finished() -> None:
    follower = Follower()
    heard(follower, execution(FIRST, "running"))
    for event in (execution(SECOND, "running"), step(SECOND, "hook", "running"), execution(THIRD, "running")):
        follower.take(event)
    assert follower.news() is None
    assert follower.turn() == ""
    heard(follower, execution(FIRST, "succeeded"))
    assert follower.turn() == THIRD, "its beginning was missed, so its steps must be fetched"
    follower.show({"execution_id": THIRD, "status": "running"}, {"hook": {"status": "succeeded"}})
    news = follower.news()
    assert news is not None
    assert (news["reset"], news["run"]["execution_id"], news["nodes"]) == (True, THIRD, {"hook": {"status": "succeeded"}})
    assert follower.turn() == ""


def test_what_comes_late_from_an_earlier_run_is_passed_over() -> None:
    follower = Follower()
    heard(follower, execution(SECOND, "succeeded"))
    follower.take(step(FIRST, "hook", "succeeded"))
    assert follower.news() is None


def test_a_run_that_a_person_started_is_shown_at_once() -> None:
    follower = Follower()
    heard(follower, execution(FIRST, "running"))
    follower.show({"execution_id": SECOND, "status": "queued"}, {})
    assert heard(follower, step(SECOND, "hook", "running"))["run"]["execution_id"] == SECOND


def test_items_of_a_list_count_as_their_node_running() -> None:
    news = heard(Follower(), step(FIRST, "each", "succeeded", item=3, duration_ms=1))
    assert news["nodes"]["each"]["status"] == "running"


def test_events_of_unknown_shape_change_nothing() -> None:
    follower = Follower()
    for data in ({}, {"execution_id": "x"}, [1]):
        follower.take(ServerEvent("", "step", data))
    follower.take(ServerEvent("", "log", {"message": "x"}))
    assert follower.news() is None


def test_a_message_repeats_the_changes_shortly_before_it() -> None:
    window = Window(size=2)
    window.add(1, {"a": 1})
    window.add(2, {"b": 2})
    assert window.add(3, {"c": 3}) == {"seq": 3, "events": [{"seq": 2, "b": 2}, {"seq": 3, "c": 3}]}


def test_a_group_of_changes_that_no_window_holds_has_the_draft_loaded_again() -> None:
    change = {"revision": 2, "operations": [{"op": "remove_nodes", "keys": ["a"]}]}
    assert tellable([change] * 24)
    assert not tellable([change] * 25)
    assert not tellable([change, {"revision": 3, "operations": []}])
    assert not tellable([{"revision": 2, "operations": [{"keys": ["x" * 40_000]}]}])


class Streams:
    """Event streams that each say something, then break or end."""

    def __init__(self, *streams: list[Any]) -> None:
        self.streams = list(streams)
        self.asked: list[str] = []

    async def __call__(self, last: str) -> AsyncIterator[ServerEvent]:
        self.asked.append(last)
        for thing in self.streams.pop(0):
            if isinstance(thing, Exception):
                raise thing
            if isinstance(thing, float):
                await asyncio.sleep(thing)
            else:
                yield ServerEvent(thing, "step", {})


async def collected(streams: Streams) -> list[list[str]]:
    return [[event.id for event in group] async for group in bursts(streams, tick_s=0.05, gather_s=0.01, reconnect_s=0.01)]


async def test_events_that_come_together_travel_together() -> None:
    groups = await collected(Streams(["1", "2", 0.03, "3"]))
    assert [group for group in groups if group] == [["1", "2"], ["3"]]


async def test_silence_is_told_and_a_broken_stream_goes_on_where_it_broke() -> None:
    streams = Streams(["1", Unreachable("gone")], ["2", 0.3, "3"])
    groups = await collected(streams)
    assert streams.asked == ["", "1"]
    assert [event for group in groups for event in group] == ["1", "2", "3"]
    assert [] in groups


async def test_a_stream_that_is_refused_ends() -> None:
    refusal = ApiError(Problem(title="Not found", status=404, detail="No such workflow."))
    with pytest.raises(ApiError):
        await collected(Streams([refusal]))


class Talk(Api):
    """An API with a log, or away."""

    def __init__(self) -> None:
        self.lines: list[LogLine] | None = [LogLine(node="say", level="info", message="begun", at=datetime(2026, 1, 1, tzinfo=UTC))]

    async def log(
        self, execution_id: UUID | str, *, node: str, newest: bool = False, limit: int = 200, cursor: str | None = None
    ) -> Page[LogLine]:
        if self.lines is None:
            raise Unreachable("The backend is away.")
        return Page[LogLine](items=[line for line in self.lines if line.node == node], next_cursor=None)


async def test_a_log_that_is_followed_is_told_only_where_it_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk()
    monkeypatch.setattr(watching, "signed_in", lambda state: talk)
    state: Any = PastExecution(_reflex_internal_init=True)  # type: ignore[call-arg]
    wanted = {"execution_id": FIRST, "node": "say", "newest": False, "after": None}

    async def told(**more: Any) -> tuple[list[str], bool] | None:
        before = state.log.get("stamp")
        await PastExecution.event_handlers["show_log"].fn(state, {**wanted, **more})
        await asyncio.sleep(0.002)  # the next stamp is another one
        return ([line["message"] for line in state.log["lines"]], state.log["again"]) if state.log.get("stamp") != before else None

    assert await told() == (["begun"], False)
    assert await told(again=True) is None
    assert talk.lines is not None
    talk.lines.append(talk.lines[0].model_copy(update={"message": "going on"}))
    assert await told(again=True) == (["begun", "going on"], True)
    assert await told() == (["begun", "going on"], False), "what somebody asked for is answered"
    talk.lines = None
    assert await told(again=True) is None
    with pytest.raises(Unreachable):
        await told()


class Shelf(Api):
    """An API with so many workflows, told in pages."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def workflows(
        self, *, search: str = "", tag: str = "", folder: str = "", limit: int = 100, cursor: str | None = None
    ) -> Page[WorkflowSummary]:
        start = int(cursor or 0)
        end = min(start + limit, self.count)
        told = {"description": "", "tags": [], "folder": "", "enabled": False, "revision": 1, "published_version": None}
        told |= {"id": FIRST, "project_id": FIRST, "has_unpublished_changes": True, "created_at": WHEN, "updated_at": WHEN}
        page = [WorkflowSummary.model_validate({**told, "name": str(n)}) for n in range(start, end)]
        return Page[WorkflowSummary](items=page, next_cursor=str(end) if end < self.count else None)


async def test_every_workflow_can_be_named_however_many_there_are() -> None:
    assert [one.name for one in await all_workflows(Shelf(450))] == [str(n) for n in range(450)]
    assert await all_workflows(Shelf(0)) == []
