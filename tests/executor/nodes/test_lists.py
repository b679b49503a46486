"""The nodes of lists, and expressions that are evaluated for each item."""

import time
from typing import Any

import pytest

from executor.errors import InvalidConfig, NodeError
from executor.identity import canonical, identity
from executor.registry import discover
from executor.testing import RecordingContext, run_node
from tests.executor.engine_kit import Kit
from trestle.language import LanguageError

NODES = discover(installed=False)
PEOPLE = [
    {"name": "Ada", "age": 36, "city": {"name": "London"}, "paid": 10},
    {"name": "Bob", "age": 17, "city": {"name": "Paris"}, "paid": 2.5},
    {"name": "Cy", "age": 36, "city": {"name": "London"}, "paid": 1},
    {"name": "Di", "city": None, "paid": None},
]


async def run(type: str, config: dict[str, Any], items: Any = PEOPLE, **names: Any) -> Any:
    return await run_node(NODES.get(type), {"items": "{{ input }}", **config}, items, payload={"age": 18}, **names)


def names_of(items: list[Any]) -> list[str]:
    return [item["name"] for item in items]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("{{ item.name != 'Bob' and index < 3 }}", ["Ada", "Cy"]),
        ("{{ item.age|default(0) >= payload.age }}", ["Ada", "Cy"]),
        ({"<": [{"var": "item.age"}, {"var": "payload.age"}]}, ["Bob", "Di"]),
        ({"==": [{"var": "index"}, 2]}, ["Cy"]),
        (False, []),
        ("{{ true }}", ["Ada", "Bob", "Cy", "Di"]),
    ],
)
async def test_filter(condition: Any, kept: list[str]) -> None:
    assert names_of(await run("list.filter", {"condition": condition})) == kept


async def test_an_expression_that_fails_names_field_and_item() -> None:
    with pytest.raises(LanguageError) as failed:
        await run("list.filter", {"condition": "{{ item.age > 1 }}"})
    assert failed.value.field == "/condition"
    assert "item 3" in failed.value.hint
    with pytest.raises(LanguageError) as syntax:
        await run("list.sort", {"by": "{{ item. }}"})
    assert (syntax.value.field, syntax.value.kind) == ("/by", "syntax")


async def test_data_is_not_evaluated() -> None:
    assert await run("list.filter", {"condition": "{{ item == '{{ 1 }}' }}"}, ["{{ 1 }}", 1]) == ["{{ 1 }}"]
    assert await run("list.sort", {}, ["{{ 2 }}", "{{ 1 }}"]) == ["{{ 1 }}", "{{ 2 }}"]


@pytest.mark.parametrize(
    ("config", "sorted_names"),
    [
        ({"by": "age"}, ["Bob", "Ada", "Cy", "Di"]),
        ({"by": "age", "order": "descending"}, ["Ada", "Cy", "Bob", "Di"]),
        ({"by": "city.name"}, ["Ada", "Cy", "Bob", "Di"]),
        ({"by": "{{ index * -1 }}"}, ["Di", "Cy", "Bob", "Ada"]),
        ({"by": "{{ item.name|lower }}", "order": "descending"}, ["Di", "Cy", "Bob", "Ada"]),
    ],
)
async def test_sort(config: dict[str, Any], sorted_names: list[str]) -> None:
    assert names_of(await run("list.sort", config)) == sorted_names


async def test_sort_refuses_what_has_no_order() -> None:
    assert await run("list.sort", {}, [3, 1.5, None, 2]) == [1.5, 2, 3, None]
    for items in ([1, "2"], [True, 1], [[1], [2]]):
        with pytest.raises(NodeError, match="order"):
            await run("list.sort", {}, items)


@pytest.mark.parametrize(
    ("config", "kept"),
    [({"count": 2}, [1, 2]), ({"count": 2, "keep": "last"}, [2, 3]), ({"count": 9, "keep": "last"}, [1, 2, 3]), ({"count": 0}, [])],
)
async def test_limit(config: dict[str, Any], kept: list[int]) -> None:
    assert await run("list.limit", config, [1, 2, 3]) == kept


EVERY_FUNCTION = [
    {"name": name, "function": name, "field": "age"} for name in ("count", "sum", "avg", "min", "max", "first", "last", "list")
]


async def test_aggregate() -> None:
    whole = await run("list.aggregate", {"functions": EVERY_FUNCTION})
    assert whole == {"count": 3, "sum": 89, "avg": 89 / 3, "min": 17, "max": 36, "first": 36, "last": 36, "list": [36, 17, 36]}
    functions = [{"name": "all", "function": "count"}, {"name": "paid", "function": "sum", "field": "{{ item.paid }}"}]
    assert await run("list.aggregate", {"functions": functions, "group_by": "city.name"}) == [
        {"group": "London", "all": 2, "paid": 11},
        {"group": "Paris", "all": 1, "paid": 2.5},
        {"group": None, "all": 1, "paid": 0},
    ]
    nothing: dict[str, Any] = {"count": 0, "sum": 0, "avg": None, "min": None, "max": None, "first": None, "last": None, "list": []}
    assert await run("list.aggregate", {"functions": EVERY_FUNCTION}, []) == nothing
    texts = [{"name": "a", "function": "min", "field": "name"}, {"name": "z", "function": "max", "field": "name"}]
    assert await run("list.aggregate", {"functions": texts}) == {"a": "Ada", "z": "Di"}
    with pytest.raises(NodeError, match="item 0 has none"):
        await run("list.aggregate", {"functions": [{"name": "x", "function": "sum", "field": "name"}]})


@pytest.mark.parametrize(
    "config",
    [
        {"functions": []},
        {"functions": [{"name": "a", "function": "count"}, {"name": "a", "function": "sum"}]},
        {"functions": [{"name": "group", "function": "count"}], "group_by": "age"},
    ],
)
async def test_aggregate_refuses(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig):
        await run("list.aggregate", config)


async def test_dedupe() -> None:
    assert await run("list.dedupe", {}, [1, "1", 1.0, True, None, {"a": 1, "b": [1]}, {"b": [1.0], "a": 1.0}, None]) == [
        1,
        "1",
        True,
        None,
        {"a": 1, "b": [1]},
        None,
    ]
    assert names_of(await run("list.dedupe", {"by": "age"})) == ["Ada", "Bob", "Di"]
    assert names_of(await run("list.dedupe", {"by": "{{ item.city.name }}"}, PEOPLE[:3])) == ["Ada", "Bob"]


async def test_dedupe_against_earlier_executions() -> None:
    config, ctx = {"items": "{{ input }}", "by": "id", "against": "earlier"}, RecordingContext()
    node = NODES.get("list.dedupe")
    first = [{"id": 1}, {"id": 2}, {"id": 1.0}, {"id": None}]
    assert await run_node(node, config, first, ctx=ctx) == [{"id": 1}, {"id": 2}, {"id": None}]
    assert await run_node(node, config, [{"id": 2}, {"id": 3}, {}], ctx=ctx) == [{"id": 3}, {}]


async def test_what_is_remembered_is_asked_for_once_and_told_by_hashes() -> None:
    kit = Kit().node("new", "list.dedupe", "start", config={"items": "{{ input }}", "against": "earlier"})
    await kit.execute(["secret", "b", "secret", 1, 1.0])
    assert kit.reporter.output("new") == ["secret", "b", 1]
    (marks,) = kit.desk.marks
    assert [len(mark) for mark in marks] == [64] * 3


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [(1, 1.0, True), (1, True, False), ([True], [1], False), ({"a": [1]}, {"a": [1.0]}, True), ("1", 1, False), (None, False, False)],
)
def test_identity_is_strict_all_the_way_down(left: Any, right: Any, alike: bool) -> None:
    assert (identity(left) == identity(right)) is alike
    assert (canonical(left) == canonical(right)) is alike


@pytest.mark.parametrize("type", ["list.filter", "list.sort", "list.limit", "list.aggregate", "list.dedupe"])
async def test_items_must_be_a_list(type: str) -> None:
    with pytest.raises(InvalidConfig, match="items"):
        await run_node(NODES.get(type), {**NODES.type_of(type).example, "items": "{{ payload.x }}"}, payload={"x": "text"})


async def test_a_thousand_items_through_three_list_nodes_are_fast() -> None:
    """Far below what an idle machine does, so that only a change of kind fails."""
    items = [{"id": number, "score": number * 7 % 1000, "name": f"name {number}"} for number in range(1000)]
    kit = Kit().node("a", "list.filter", "start", config={"items": "{{ input }}", "condition": "{{ item.score >= 100 }}"})
    kit.node("b", "list.sort", "a", config={"items": "{{ input }}", "by": "score"})
    kit.node("c", "list.dedupe", "b", config={"items": "{{ input }}", "by": "{{ item.id }}"})
    run = kit.prepare(items)
    assert run.program.nodes
    began = time.process_time()  # not what others take of the machine
    await kit.execute(items)
    assert len(kit.reporter.output("c")) == 900
    assert 1000 / (time.process_time() - began) > 3_000
