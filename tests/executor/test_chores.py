"""Jobs that run no graph: polls of triggers, tests of credentials."""

from collections.abc import AsyncIterator
from uuid import uuid4

import orjson
import pytest
from pydantic import Field

from executor.chores import perform
from executor.credentials import types_with_a_test
from executor.node import Config, Context, JsonValue, NodeError, Polled, PolledEvent, PollingTrigger, SecretData
from executor.program import Program
from executor.registry import Entry, Registry, describe
from tests.executor.backend_double import backend_double
from tests.executor.engine_kit import Kit, until
from tests.executor.worker_kit import Bench
from trestle.contracts.graph import Node as GraphNode
from trestle.contracts.graph import Snapshot, WorkflowSettings
from trestle.contracts.jobs import BlobRef, CheckTask, Ending, PollTask, Secret


class FeedConfig(Config):
    """What to ask."""

    url: str = Field(title="URL")


class Feed(PollingTrigger[FeedConfig]):
    """Has one more than it had."""

    type, title, icon = "test.feed", "Feed", "rss"
    poll_every_s = 30

    async def poll(self, config: FeedConfig, state: JsonValue, ctx: Context) -> Polled:
        if state == "fail":
            raise NodeError("The feed is gone.")
        return Polled(events=[PolledEvent(id=str(state + 1), payload={"url": config.url})], state=state + 1)


class TriedKey(SecretData):
    """A credential that can be tried out."""

    credential_type = "test.key"
    key: str

    async def test(self, ctx: Context) -> str:
        if self.key != "right-secret":
            raise NodeError(f"The key {self.key} is wrong.", hint="Make a new one.")
        return f"Welcome, {self.key}."


@pytest.fixture
async def bench(redis_url: str) -> AsyncIterator[Bench]:
    async with backend_double() as backend:
        yield Bench(backend, redis_url, Feed())


async def test_a_poll_hands_in_what_it_found(bench: Bench) -> None:
    backend = bench.backend
    snapshot = backend.snapshot([GraphNode(key="feed", type="test.feed", config={"url": "http://x"})], [])
    async with bench.worker():
        tasks = [PollTask(node="feed", state=state) for state in (3, "fail", "bug")]
        ids = [backend.accept(snapshot, kind="poll", task=task) for task in tasks]
        await bench.push(*ids)
        await until(lambda: backend.count("succeeded") == 1 and backend.count("failed") == 2)
    good, failed, bug = (backend.executions[execution_id].reports[-1].ending for execution_id in ids)
    assert good is not None
    assert good.polled == Polled(events=[PolledEvent(id="4", payload={"url": "http://x"})], state=4)
    assert failed is not None
    assert failed.error is not None
    assert (failed.error.type, failed.error.message, failed.error_node) == ("NodeError", "The feed is gone.", "feed")
    assert bug is not None
    assert bug.error is not None
    assert bug.error.type == "NodeBug"


class Bulk(PollingTrigger[Config]):
    """Has what the test gave it."""

    type, title, icon = "told", "Bulk", "rss"
    poll_every_s = 30
    gives = Polled()

    async def poll(self, config: Config, state: JsonValue, ctx: Context) -> Polled:
        return self.gives


async def polled(kit: Kit, gives: Polled) -> Ending:
    """What a poll hands in that found this."""
    bulk = Bulk()
    bulk.gives = gives
    kit.node("feed")
    run = kit.prepare(kind="poll", task=PollTask(node="feed"))
    snapshot = Snapshot(id="0" * 64, nodes=kit.nodes, connections=[], settings=WorkflowSettings())
    run.program = Program(snapshot, Registry([Entry(describe(bulk), bulk, "test")]))
    await perform(run)
    ending = kit.reporter.ending
    assert ending is not None
    return ending


async def test_large_events_lie_in_blobs() -> None:
    """As outputs do: the report stays short. What a node says lies in blobs is not believed."""
    kit, big, forged = Kit(), "x" * 300_000, {"": BlobRef(id=uuid4(), size=1)}
    found = [PolledEvent(id="small", payload={"n": 1}, refs=forged), PolledEvent(id="big", payload={"n": 1, "file": big})]
    medium = [PolledEvent(id=f"m{n}", payload="y" * 200_000) for n in range(60)]
    ending = await polled(kit, Polled(events=[*found, *medium], state=1))
    assert ending.polled is not None
    small, large, *rest = ending.polled.events
    assert (small.payload, small.refs) == ({"n": 1}, {})
    assert (large.payload, list(large.refs)) == ({"n": 1, "file": None}, ["/file"])
    assert orjson.loads(kit.blobs.kept[large.refs["/file"].id][1]) == big
    assert len(ending.model_dump_json()) < 9_000_000
    inline = [event for event in rest if not event.refs]
    assert 30 < len(inline) < 60
    assert all(orjson.loads(kit.blobs.kept[event.refs[""].id][1]) == "y" * 200_000 for event in rest if event.refs)


async def test_a_poll_keeps_a_cursor_and_no_archive() -> None:
    ending = await polled(Kit(), Polled(state="x" * 2_000_000))
    assert ending.error is not None
    assert "1,000,000 characters" in ending.error.message


async def test_a_credential_is_tried_out_and_what_it_says_is_the_answer(bench: Bench) -> None:
    backend = bench.backend
    good, bad, hook = (uuid4() for _ in range(3))
    backend.vault = {
        good: Secret(type="test.key", data={"key": "right-secret"}),
        bad: Secret(type="test.key", data={"key": "wrong-secret"}),
        hook: Secret(type="hmac", data={"secret": "t"}),
    }
    async with bench.worker():
        kinds = [(good, "test.key"), (bad, "test.key"), (hook, "hmac")]
        tasks = [CheckTask(credential_id=ident, credential_type=kind) for ident, kind in kinds]
        ids = [backend.accept("", kind="check", task=task, workflow_id=None) for task in tasks]
        await bench.push(*ids)
        await until(lambda: backend.count("succeeded") == 3)
    outputs = [orjson.loads(backend.executions[execution_id].output or "null") for execution_id in ids]
    assert outputs[0] == {"ok": True, "message": "Welcome, [redacted]."}
    assert outputs[1] == {"ok": False, "message": "The key [redacted] is wrong. Make a new one."}
    assert outputs[2]["ok"] is False
    assert "no service" in outputs[2]["message"]
    assert {request.node for request in backend.asked} == {""}
    assert {"test.key", "bearer", "basic", "header"} <= set(types_with_a_test())
    assert not {"hmac", "jwt"} & set(types_with_a_test())
