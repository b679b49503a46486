"""Values over 256 KB between steps: stored once, passed on by reference, loaded where something looks inside."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import NodeError
from executor.large import LOADED_BYTES, LargeValues
from executor.node import Wait
from executor.values import MAX_OUTPUT_BYTES, Encoded, decode, encode, encode_list, encode_object, refs_of
from tests.executor.engine_kit import FakeBlobs, Kit
from trestle.contracts.jobs import BLOB_BYTES, BlobRef, Resolution
from trestle.contracts.states import StepStatus
from trestle.language import LanguageError, Reference, content, whole

BIG = "x" * (BLOB_BYTES + 1)


def refs(kit: Kit, node: str) -> dict[str, BlobRef]:
    """Beside a step's recorded output."""
    return kit.reporter.last(node).refs or {}


async def test_a_large_member_is_stored_once_and_passed_on_by_reference() -> None:
    kit = Kit().does("fetch", lambda config, input, ctx: {"status": 200, "body": BIG}, effect="idempotent")
    kit.node("fetch", "fetch", "start").node("pass", "filter", "fetch", config={"condition": "{{ input.status == 200 }}"})
    kit.node("wait", "delay", "pass", config={"duration_s": 0}).node("off", "told", "wait", disabled=True)
    kit.node("set", "set", "off", config={"fields": {"file": "{{ nodes.fetch.body }}", "n": "{{ nodes.fetch.status + 1 }}"}})
    kit.node("join", "merge", "set", "fetch").node("last", "set", "join", config={"fields": {"x": 1}, "keep_input": True})
    kit.does("told")
    await kit.execute()
    assert kit.reporter.ending is not None
    assert kit.reporter.ending.status == "succeeded", kit.reporter.ending
    assert len(kit.blobs.kept) == 1
    assert kit.blobs.loads == []
    (ref,) = refs(kit, "fetch").values()
    assert kit.reporter.output("fetch") == {"status": 200, "body": None}
    assert [refs(kit, node) for node in ("pass", "wait", "off")] == [{"/body": ref}] * 3
    assert (kit.reporter.output("set"), refs(kit, "set")) == ({"file": None, "n": 201}, {"/file": ref})
    assert refs(kit, "join") == {"/set/file": ref, "/fetch/body": ref}
    assert kit.reporter.ending.refs == {"/set/file": ref, "/fetch/body": ref}
    assert content(*kit.blobs.kept[ref.id]) == BIG


async def test_looking_inside_loads_it_once() -> None:
    kit = Kit().does("fetch", lambda config, input, ctx: [{"id": n, "text": "x" * 100} for n in range(4000)])
    kit.node("fetch", "fetch", "start").node("a", "set", "fetch", config={"fields": {"first": "{{ input[0].id }}"}})
    kit.node("b", "set", "a", config={"fields": {"count": "{{ nodes.fetch|length }}", "all": "{{ nodes.fetch }}"}})
    kit.node("c", "filter", "b", config={"condition": {"==": [{"var": "nodes.fetch.3.id"}, 3]}})
    kit.node("d", "list.limit", "c", config={"items": "{{ input.all }}", "count": 2})
    await kit.execute()
    assert (kit.reporter.output("a"), kit.reporter.output("b")) == ({"first": 0}, {"count": 4000, "all": None})
    assert kit.reporter.last("c").port == "main"
    assert [item["id"] for item in kit.reporter.output("d")] == [0, 1]
    assert len(kit.blobs.kept) == len(kit.blobs.loads) == 1


async def test_a_node_that_knows_no_references_gets_the_value_and_can_change_nobody_elses() -> None:
    def spoil(config: Any, input: Any, ctx: Any) -> Any:
        input["body"]["items"].clear()
        return dict(ctx.inputs)["fetch"]["status"]

    kit = Kit().does("fetch", lambda config, input, ctx: {"status": 1, "body": {"items": [BIG], "total": 1}}).does("spoil", spoil)
    kit.node("fetch", "fetch", "start").node("a", "spoil", "fetch")
    kit.node("b", "set", "a", config={"fields": {"n": "{{ nodes.fetch.body.items|length }}", "total": "{{ nodes.fetch.body.total }}"}})
    await kit.execute()
    assert kit.reporter.output("b") == {"n": 1, "total": 1}
    assert list(refs(kit, "fetch")) == ["/body/items/0"], "the smallest part that is large"


async def test_the_next_owner_goes_on_with_references() -> None:
    def stop_here(config: Any, input: Any, ctx: Any) -> Any:
        raise NodeError("once")

    kit = Kit().does("fetch", lambda config, input, ctx: {"body": BIG}, effect="idempotent").does("broken", stop_here)
    kit.node("fetch", "fetch", "start").node("b", "broken", "fetch")
    await kit.execute({"file": None}, input_refs={"/file": kit.blobs.add(["in"])})
    kit.again()
    kit.does("broken", lambda config, input, ctx: [len(input["body"]), len(ctx.names["payload"]["file"].media_type)])
    record = kit.record()
    record["finished"] = [step for step in record["finished"] if step.node == "fetch"]
    record["open"] = []
    await kit.execute({"file": None}, input_refs={"/file": kit.blobs.add(["in"])}, **record)
    assert kit.calls[0][0] == "b", "fetch did not run again"
    assert kit.reporter.output("b") == [len(BIG), len("application/json")]


async def test_a_whole_input_and_an_answer_may_be_references() -> None:
    kit = Kit().does("told", lambda config, input, ctx: input)
    kit.node("a", "told", "start").node("b", "set", "start", config={"fields": {"n": "{{ payload|sum }}", "again": "{{ payload }}"}})
    await kit.execute(None, input_refs={"": kit.blobs.add([1, 2, 3])})
    assert kit.reporter.output("a") == [1, 2, 3]
    assert (kit.reporter.output("b"), list(refs(kit, "b"))) == ({"n": 6, "again": None}, ["/again"])


async def test_a_for_each_over_a_large_list_records_it_as_a_reference() -> None:
    big = [{"id": n, "text": "x" * 300} for n in range(1100)]
    inputs: list[Any] = []

    def each(config: Any, input: Any, ctx: Any) -> Any:
        inputs.append(input)
        return {"id": ctx.item["id"], "file": BIG if ctx.index == 1 else None}

    kit = Kit().does("each", each, effect="idempotent")
    kit.node("each", "each", "start", for_each={"items": "{{ payload }}", "concurrency": 50})
    await kit.execute(None, input_refs={"": kit.blobs.add(big)})
    started = next(step for step in kit.reporter.steps if step.items is not None)
    assert (started.items, list(started.refs or {})) == ("null", [""])
    assert [one["id"] for one in kit.reporter.output("each")] == list(range(1100))
    assert inputs[0] == big
    assert all(one is inputs[0] for one in inputs), "read once, not for every item"
    assert list(refs(kit, "each")) == ["/1/file"]
    assert list(kit.reporter.last("each", 1).refs or {}) == ["/file"]
    kit.again()
    kit.recorded = [step for step in kit.recorded if (step.item is not None and step.item < 10) or step.items is not None]
    await kit.execute(None, **kit.record())
    assert len(kit.calls) == 1090
    assert list(refs(kit, "each")) == ["/1/file"]


async def test_more_than_may_be_loaded_is_told_and_passing_on_still_works() -> None:
    kit = Kit()
    huge = kit.blobs.add(1).model_copy(update={"size": LOADED_BYTES + 1})
    kit.node("pass", "filter", "start", config={"condition": "{{ payload.n == 1 }}"})
    kit.node("look", "set", "pass", config={"fields": {"n": "{{ payload.file|length }}"}}, on_error="continue")
    await kit.execute({"n": 1, "file": None}, input_refs={"/file": huge})
    assert refs(kit, "pass") == {"/file": huge}
    error = kit.reporter.last("look").error
    assert error is not None
    assert "64" in error.message or "67 MB" in error.message


async def test_an_output_that_is_refused_fails_its_step() -> None:
    class Refusing(FakeBlobs):
        async def store(self, execution_id: Any, epoch: int, pieces: AsyncIterator[bytes], media_type: str) -> BlobRef:
            raise NodeError("A large value can't be stored. It is larger than 1 MB.", type="TooLarge")

    kit = Kit().does("fetch", lambda config, input, ctx: BIG).node("fetch", "fetch", "start")
    kit.blobs = Refusing()
    await kit.execute()
    assert (kit.reporter.last("fetch").status, kit.reporter.last("fetch").error.type) == (StepStatus.FAILED, "TooLarge")  # type: ignore[union-attr]  # it failed


async def test_secrets_are_taken_out_before_a_value_is_stored() -> None:
    async def shout(config: Any, input: Any, ctx: Any) -> Any:
        secret = await ctx.secret(config.auth)
        return {"big": BIG + secret.token, "ref": input}

    kit = Kit()
    kit.node("a", "test.secret", "start", config={"auth": str(uuid4())})
    await kit.execute(BIG)
    assert b"s3cr3t" not in b"".join(data for _, data in kit.blobs.kept.values())


async def test_steps_wait_for_one_another_rather_than_hold_too_much() -> None:
    blobs = FakeBlobs()
    large = LargeValues(blobs, uuid4(), 1)
    one, two = [Reference(ref.id, LOADED_BYTES // 2 + 1, ref.media_type, large.opened) for ref in (blobs.add("one"), blobs.add("two"))]
    await large.hold("first", [one])
    waiting = asyncio.create_task(large.hold("second", [two]))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    large.release("first")
    await waiting
    assert (two.content, one.loaded) == ("two", False)
    large.release("second")
    await large.hold("third", [two])
    assert blobs.loads == [one.id, two.id], "what was loaded is kept while there is room"
    with pytest.raises(NodeError, match="at a time"):
        await large.hold("third", [one])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a/b", "~", "x" * 300_000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b/c", "~d", "0", ""]), inner, max_size=3),
    max_leaves=10,
)


@given(value=json_values)
async def test_what_is_stored_comes_back_whatever_its_shape(value: Any) -> None:
    blobs = FakeBlobs()
    large = LargeValues(blobs, uuid4(), 1)
    text = await large.store(value)
    assert len(text) <= BLOB_BYTES
    back = decode(text, large.opened)
    holder = object()
    await large.hold(holder, [Reference(ref.id, 1, ref.media_type, large.opened) for ref in (refs_of(text) or {}).values()])
    assert whole(back) == value
    again = await large.store(back)
    assert (again, refs_of(again)) == (text, refs_of(text)), "passing on stores nothing"
    both = decode(encode_object({"a/~": text, "b": encode_list([text, "1"])}), large.opened)
    assert whole(both) == {"a/~": value, "b": [value, 1]}


def test_texts_without_references_are_plain() -> None:
    assert type(encode({"a": None})) is str
    assert type(Encoded.of("1", {})) is str
    assert MAX_OUTPUT_BYTES >= LOADED_BYTES


@pytest.mark.parametrize(
    ("media_type", "data", "value"),
    [
        ("application/json", b"[1]", [1]),
        ("text/csv; charset=latin-1", b"\xe4", "ä"),
        ("text/plain; charset=nonsense", "ä".encode(), "ä"),
        ("application/problem+json", b"[1]", "[1]"),
        ("image/png", b"\x89P", {"content_type": "image/png", "base64": "iVA="}),
    ],
)
def test_what_a_file_is_to_an_expression(media_type: str, data: bytes, value: Any) -> None:
    assert content(media_type, data) == value


def test_a_file_that_is_no_json_says_so() -> None:
    with pytest.raises(LanguageError, match="is not"):
        content("application/json", b"<html>")
    assert orjson.loads(b"1") == 1


async def test_the_answer_to_a_wait_may_hold_a_large_value() -> None:
    kit = Kit().does("waits", lambda config, input, ctx: Wait(token="webhook"), afterwards=lambda resumed, ctx: resumed.answer["body"])
    kit.node("asks", "waits", "start").node("call", "workflow.call", "start", config={"workflow_id": str(uuid4())})
    await kit.execute()
    ref = kit.blobs.add([BIG])
    resolutions = {
        "asks": Resolution(node="asks", kind="webhook", answer={"body": None}, refs={"/body": ref}),
        "call": Resolution(node="call", kind="child", answer={"status": "succeeded", "output": None}, refs={"/output": ref}),
    }
    kit.again()
    record = kit.record()
    record["open"] = [begun.model_copy(update={"resolution": resolutions[begun.node]}) for begun in record["open"]]
    await kit.execute(None, **record)
    assert kit.reporter.last("asks").status is StepStatus.SUCCEEDED
    assert (kit.reporter.output("asks"), list(refs(kit, "asks"))) == ([None], ["/0"]), "it had the value, and so it is stored anew"
    assert (kit.reporter.output("call"), refs(kit, "call")) == (None, {"": ref}), "this one hands on what it got"
