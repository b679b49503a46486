"""The nodes of flow and data: filter, branch, delay, merge, set, and the triggers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executor.errors import InvalidConfig, NodeError
from executor.node import Branch, Resumed, Wait
from executor.registry import discover
from executor.testing import RecordingContext, run_node
from trestle.language import LanguageError

NODES = discover(installed=False)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("score", "port"), [(90, "main"), (10, "rejected")])
async def test_filter_passes_its_input_on(score: int, port: str) -> None:
    given = {"any": ["thing"]}
    left = await run_node(NODES.get("filter"), {"condition": "{{ payload.score >= 80 }}"}, given, payload={"score": score})
    assert left == Branch(port, given)


@pytest.mark.parametrize(
    ("payload", "port"), [({"n": 5}, "small"), ({"n": 500}, "large"), ({"n": 50}, "else"), ({"n": 5, "b": 1}, "small")]
)
async def test_branch_takes_the_first_case_that_holds(payload: dict[str, Any], port: str) -> None:
    cases = [
        {"label": "small", "condition": "{{ payload.n < 10 }}"},
        {"label": "large", "condition": {">": [{"var": "payload.n"}, 100]}},
        {"label": "also", "condition": "{{ payload.n < 10 }}"},
    ]
    assert await run_node(NODES.get("branch"), {"cases": cases}, "in", payload=payload) == Branch(port, "in")


async def test_branch_does_not_look_at_the_cases_after_the_one_taken() -> None:
    cases = [{"label": "a", "condition": "{{ payload.kind == 'a' }}"}, {"label": "b", "condition": "{{ payload.only_in_b > 1 }}"}]
    assert await run_node(NODES.get("branch"), {"cases": cases}, payload={"kind": "a"}) == Branch("a", None)
    with pytest.raises(LanguageError) as undefined:
        await run_node(NODES.get("branch"), {"cases": cases}, payload={"kind": "b"})
    assert undefined.value.field == "/cases/1/condition"


@pytest.mark.parametrize("labels", [["a", "a"], ["else"], ["error"], [""], []])
async def test_labels_that_can_not_be_ports_are_refused(labels: list[str]) -> None:
    with pytest.raises(InvalidConfig, match="cases"):
        await run_node(NODES.get("switch"), {"value": 1, "cases": [{"label": label, "equals": 1} for label in labels]})
    with pytest.raises(InvalidConfig, match="cases"):
        await run_node(NODES.get("branch"), {"cases": [{"label": label, "condition": True} for label in labels]})


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("paid", "paid"),
        (3, "three"),
        ("3", "else"),
        (3.0, "three"),
        (True, "else"),
        ({"a": [1]}, "object"),
        ("dynamic", "own"),
        (None, "nothing"),
    ],
)
async def test_switch_takes_the_first_case_that_equals(value: Any, port: str) -> None:
    labels = {"paid": "paid", "three": 3, "again": 3, "object": {"a": [1.0]}, "own": "{{ payload.own }}", "nothing": None}
    cases = [{"label": label, "equals": equals} for label, equals in labels.items()]
    config = {"value": "{{ payload.value }}", "cases": cases}
    assert await run_node(NODES.get("switch"), config, "in", payload={"value": value, "own": "dynamic"}) == Branch(port, "in")


@pytest.mark.parametrize(
    ("config", "until"),
    [
        ({"duration_s": 90}, NOW + timedelta(seconds=90)),
        ({"duration_s": "{{ payload.s }}"}, NOW + timedelta(seconds=1.5)),
        ({"until": "2026-01-01T12:00:00+02:00"}, NOW + timedelta(hours=10)),
    ],
)
async def test_delay_waits(config: dict[str, Any], until: datetime) -> None:
    assert await run_node(NODES.get("delay"), config, ctx=RecordingContext(now=NOW), payload={"s": 1.5}) == Wait(until)


@pytest.mark.parametrize("config", [{"duration_s": 0}, {"until": "2020-01-01T00:00:00Z"}])
async def test_delay_that_is_over_passes_its_input_on(config: dict[str, Any]) -> None:
    assert await run_node(NODES.get("delay"), config, "in", ctx=RecordingContext(now=NOW)) == "in"


async def test_delay_passes_its_input_on_when_it_goes_on() -> None:
    delay = NODES.get("delay")
    assert await delay.resume(delay.config_class(duration_s=1), "in", RecordingContext(), Resumed()) == "in"


@pytest.mark.parametrize(
    "config", [{}, {"duration_s": 1, "until": "2030-01-01T00:00:00Z"}, {"until": "2030-01-01T00:00"}, {"duration_s": -1}]
)
async def test_delay_refuses_what_is_no_moment(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig):
        await run_node(NODES.get("delay"), config)


@pytest.mark.parametrize(
    ("mode", "inputs", "output"),
    [
        ("object", {"b": 1, "a": None}, {"b": 1, "a": None}),
        ("list", {"b": 1, "a": None}, [1, None]),
        ("first", {"b": 1, "a": 2}, 1),
        ("object", {"one": 1}, {"one": 1}),
        ("list", {"one": 1}, [1]),
        ("first", {}, None),
    ],
)
async def test_merge(mode: str, inputs: dict[str, Any], output: Any) -> None:
    merged = await run_node(NODES.get("merge"), {"mode": mode}, ctx=RecordingContext(inputs=inputs))
    assert merged == output
    assert not isinstance(merged, dict) or list(merged) == list(output)


async def test_set_builds_an_object() -> None:
    config = {"fields": {"name": "{{ payload.name }}", "tags": ["{{ payload.name }}", 1], "fixed": True}}
    assert await run_node(NODES.get("set"), config, {"old": 1}, payload={"name": "Ada"}) == {
        "name": "Ada",
        "tags": ["Ada", 1],
        "fixed": True,
    }


async def test_set_on_top_of_its_input() -> None:
    given = {"old": 1, "name": "x"}
    assert await run_node(NODES.get("set"), {"fields": {"name": "Ada"}, "keep_input": True}, given) == {"old": 1, "name": "Ada"}
    assert given == {"old": 1, "name": "x"}
    assert await run_node(NODES.get("set"), {"fields": {"a": 1}, "keep_input": True}, None) == {"a": 1}
    with pytest.raises(NodeError, match="list, not an object"):
        await run_node(NODES.get("set"), {"fields": {}, "keep_input": True}, [1])


async def test_triggers_pass_the_executions_input_on() -> None:
    for trigger in ("trigger.manual", "trigger.webhook", "trigger.error", "trigger.workflow"):
        assert await run_node(NODES.get(trigger), {}, {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("path", ["", "/leads", "a b", "../up", "x" * 300, "{{ payload.x }}"])
async def test_webhook_refuses_paths_that_are_none(path: str) -> None:
    with pytest.raises(InvalidConfig, match="path"):
        await run_node(NODES.get("trigger.webhook"), {"path": path}, payload={"x": "y"})
