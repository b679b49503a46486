"""Browser and server agree on what an operation does to a draft, else a reload would show another graph than was drawn; and on words."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from backend.schedules import times
from backend.workflows import drafts, edits
from tests.web.editor.browser_modules import BrowserModules
from tests.web.editor.drawings import Drawing, graphs
from tests.web.editor.drawings import edits as operations
from tests.web.editor.test_graph_edits import canonical
from trestle.contracts.graph import Graph
from trestle.contracts.workflows import Operation
from web.schedule_words import schedule_words

wire: TypeAdapter[Operation] = TypeAdapter(Operation)


def drawing(draft: drafts.Draft) -> Drawing:
    return {
        "nodes": [node.model_dump(mode="json", exclude={"id"}) for node in draft.nodes.values()],
        "connections": [link.model_dump(mode="json", exclude={"id"}) for link in draft.connections.values()],
    }


@settings(max_examples=150, deadline=None)
@given(data=st.data(), graph=graphs())
def test_an_operation_does_the_same_on_both_sides(js: BrowserModules, data: st.DataObject, graph: Drawing) -> None:
    whole = Graph.model_validate(graph)
    operation = data.draw(operations(graph))
    ident: UUID = uuid4()
    stored = edits.apply(drafts.drawn(whole.nodes, whole.connections), wire.validate_python({"id": str(ident), **operation}))
    assert canonical(drawing(stored)) == canonical(js.call("graph.js", "apply", graph, operation))


MINUTES = st.sampled_from(["*", "0", "5", "30", "*/5", "*/7", "*/0", "1,2", "x"])
HOURS = st.sampled_from(["*", "0", "9", "09", "8,17", "*/6", "*/5", "9-17", "8,"])
DAYS = st.sampled_from(["*", "?", "1", "L", "1-5"])
WEEKDAYS = st.sampled_from(["*", "?", "1-5", "mon-FRI", "0,6", "6,7", "MON", "1,3", "1-2-3", "5L", "1#2", "-1", ""])
CRON = st.tuples(st.sampled_from(["", "0 ", "5 ", "* "]), MINUTES, HOURS, DAYS, st.sampled_from(["*", "1"]), WEEKDAYS)


@settings(max_examples=300, deadline=None)
@given(parts=CRON, every_s=st.sampled_from([0, 1, 60, 90, 300, 3600, 7200, 604_800, 0.5]), timezone=st.sampled_from(["", "Europe/Berlin"]))
def test_a_schedule_is_called_the_same_on_both_sides(js: BrowserModules, parts: tuple[str, ...], every_s: float, timezone: str) -> None:
    cron = parts[0] + " ".join(parts[1:])
    said = js.call("schedule.js", "scheduleText", {"cron": cron, "every_s": every_s, "timezone": timezone})
    assert schedule_words(cron, every_s, timezone) == said


TIME = {"minute": st.integers(0, 59), "hour": st.integers(0, 23)}
DAYS_CHOSEN = st.sets(st.integers(0, 6), min_size=1).map(lambda days: sorted(days, key=lambda day: day or 7))
CHOICES = st.one_of(
    st.fixed_dictionaries({"often": st.just("minutes"), "step": st.sampled_from([1, 2, 3, 5, 10, 15, 20, 30])}),
    st.fixed_dictionaries({"often": st.just("hour"), "minute": TIME["minute"]}),
    st.fixed_dictionaries({"often": st.just("day"), **TIME}),
    st.fixed_dictionaries({"often": st.just("week"), **TIME, "days": DAYS_CHOSEN}),
    st.fixed_dictionaries({"often": st.just("month"), **TIME, "day": st.integers(1, 31)}),
)


@settings(max_examples=150, deadline=None)
@given(choice=CHOICES)
def test_a_schedule_that_was_chosen_is_found_again(js: BrowserModules, choice: dict[str, Any]) -> None:
    cron = js.call("often.js", "cronOf", choice)
    times.parse({"cron": cron})
    assert js.call("often.js", "chosen", cron) == choice


@settings(max_examples=300, deadline=None)
@given(parts=CRON)
def test_a_choice_stands_for_the_same_times_as_what_was_written(js: BrowserModules, parts: tuple[str, ...]) -> None:
    cron = parts[0] + " ".join(parts[1:])
    found = js.call("often.js", "chosen", cron)
    if found is not None:
        both = [times.parse({"cron": each}, timezone="Europe/Berlin") for each in (cron, js.call("often.js", "cronOf", found))]
        written, chosen = [schedule.upcoming(datetime(2026, 3, 27, tzinfo=UTC), 20) for schedule in both]
        assert written == chosen
