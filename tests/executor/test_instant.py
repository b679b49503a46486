"""A pure for-each runs plain items in a loop; what is not plain takes the ordinary way. Nobody can tell which it was."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.engine import Result
from executor.errors import NodeError
from executor.instant import Instant
from executor.node import Branch, Config, Context, JsonValue, Node
from tests.executor.engine_kit import Kit

EACH = {"items": "{{ payload }}", "concurrency": 3}
ITEMS = st.lists(st.sampled_from(["a", "b", "way", "bad", 3, None]), max_size=8)


class Shape(Config):
    x: Any = None


class Plain(Node[Shape]):
    """Never looks at its context."""

    type, title, group, icon, effect = "plain", "Plain", "Test", "square", "pure"

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, config: Shape, input: JsonValue, ctx: Context) -> JsonValue | Branch:
        """The item; fails with `bad`."""
        self.runs += 1
        if config.x == "bad":
            raise NodeError("no good")
        return Branch("main", {"got": config.x}) if config.x == "way" else {"got": config.x}


class Asking(Plain):
    """Looks at its context."""

    type = "asking"

    async def run(self, config: Shape, input: JsonValue, ctx: Context) -> JsonValue | Branch:
        """The same, once it knows where it is."""
        if ctx.index is None:
            raise NodeError("where am I?")
        ctx.log.info(f"item {config.x}")
        return await super().run(config, input, ctx)


async def run(node: Plain, items: list[Any], **fields: Any) -> tuple[Result, Kit]:
    kit = Kit()
    kit.told[node.type] = node  # type: ignore[assignment]  # any node will do
    kit.node("each", node.type, "start", config={"x": "{{ item }}"}, for_each=EACH, **fields)
    return await kit.execute(items), kit


@given(ITEMS)
@settings(deadline=None, max_examples=60)
async def test_both_ways_give_the_same(items: list[Any]) -> None:
    (first, plain), (second, asking) = await run(Plain(), items, on_error="continue"), await run(Asking(), items, on_error="continue")
    assert first is second is Result.ENDED
    assert plain.reporter.ending == asking.reporter.ending
    shown = [[(step.node, step.item, step.status, step.output) for step in kit.reporter.steps] for kit in (plain, asking)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("node", [Plain(), Asking()])
async def test_an_item_that_fails_for_good_fails_the_step(node: Plain) -> None:
    _, kit = await run(node, ["a", "bad", "b"])
    ending = kit.reporter.ending
    assert ending is not None
    assert ending.status == "failed"
    assert ending.error is not None
    assert ending.error.message.startswith("Item 1: ")
    assert "no good" in ending.error.message


async def test_plain_items_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    result = Instant.result

    def count(self: Instant, item: JsonValue, index: int) -> str:
        taken.append(index)
        return result(self, item, index)

    monkeypatch.setattr(Instant, "result", count)
    plain, asking = Plain(), Asking()
    await run(plain, ["a", "b", "bad", "c"], on_error="continue")
    assert (taken[:3], plain.runs) == ([0, 1, 2], 5)  # the one that fails is asked again, for its error
    taken.clear()
    _, kit = await run(asking, ["a", "b", "c"])
    assert (taken, asking.runs) == ([0], 3)
    assert [line.message for line in kit.reporter.logs] == ["item a", "item b", "item c"]
