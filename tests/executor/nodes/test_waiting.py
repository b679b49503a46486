"""Nodes that wait for somebody, call other workflows, and tell people: workflow.call, webhook.respond, wait.webhook, approval, notify."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from executor.engine import Result
from executor.errors import InvalidConfig, NodeError
from executor.node import Branch, Node, Resumed, Wait
from executor.registry import discover
from executor.testing import RecordingContext, run_node
from tests.executor.engine_kit import Kit
from trestle.contracts.jobs import Resolution
from trestle.contracts.states import StepStatus

NODES = discover(installed=False)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
OTHER = "0190e2a0-0000-7000-8000-000000000001"


async def resume(node: Node[Any], config: dict[str, Any], ctx: RecordingContext, resumed: Resumed, input: Any = "in") -> Any:
    """What a node with a literal config does after its wait."""
    return await node.resume(node.config_class(**config), input, ctx, resumed)


# workflow.call


@pytest.mark.parametrize(
    ("config", "given"), [({}, {"in": 1}), ({"input": "{{ payload.x }}"}, 7), ({"input": None}, None), ({"input": {"a": [1]}}, {"a": [1]})]
)
async def test_call_starts_the_other_with_what_it_is_given(config: dict[str, Any], given: Any) -> None:
    ctx = RecordingContext()
    left = await run_node(NODES.get("workflow.call"), {"workflow_id": OTHER, **config}, {"in": 1}, ctx=ctx, payload={"x": 7})
    assert left == Wait(token="child", state={"execution_id": str(ctx.child_id)})
    assert ctx.started == [(UUID(OTHER), given, True)]


async def test_call_without_waiting_hands_on_the_execution() -> None:
    ctx = RecordingContext()
    left = await run_node(NODES.get("workflow.call"), {"workflow_id": OTHER, "wait": False}, 1, ctx=ctx)
    assert left == {"execution_id": str(ctx.child_id)}
    assert ctx.started == [(UUID(OTHER), 1, False)]


async def test_a_called_workflows_end_is_the_steps() -> None:
    call = NODES.get("workflow.call")

    async def ended(status: str, **more: Any) -> Any:
        return await resume(
            call, {"workflow_id": OTHER}, RecordingContext(), Resumed(None, {"execution_id": "e1", "status": status, **more})
        )

    assert await ended("succeeded", output={"a": 1}) == {"a": 1}
    with pytest.raises(NodeError, match=r"e1.*No stock\.") as failed:
        await ended("failed", error={"type": "X", "message": "No stock."})
    assert (failed.value.retryable, failed.value.restart) == (True, True)
    for status in ("cancelled", "quarantined"):
        with pytest.raises(NodeError, match=status if status == "cancelled" else "failed") as ending:
            await ended(status)
        assert not ending.value.retryable


async def test_a_retry_starts_a_new_child_also_under_another_owner() -> None:
    kit = Kit().node("call", "workflow.call", "start", config={"workflow_id": OTHER}, retry={"max_attempts": 2, "delay_s": 60})
    assert await kit.execute("in") is Result.WAITING

    def ends(status: str, **more: Any) -> Resolution:
        return Resolution(node="call", kind="child", answer={"execution_id": "e", "status": status, **more})

    record = kit.again().record()
    record["open"][0].resolution = ends("failed", error={"type": "X", "message": "No stock."})
    assert await kit.execute("in", **record) is Result.WAITING
    assert kit.reporter.steps[-1].attempt == 2
    assert kit.reporter.steps[-1].token is None, "a backoff"
    backoff = {"node": "call", "attempt": 2, "status": "waiting", "due_at": NOW - timedelta(days=3650)}
    failure = {"type": "CalledFailed", "message": "No stock."}
    kit.again()
    again: dict[str, Any] = {"finished": record["finished"], "open": [{**backoff, "failure": failure}]}
    assert await kit.execute("in", **again) is Result.WAITING
    assert (kit.reporter.last("call").token, kit.reporter.last("call").attempt) == ("child", 2)
    first, second = kit.desk.started
    assert first.key != second.key
    again["open"][0] = {**backoff, "due_at": None, "token": "child", "wait": kit.reporter.last("call").wait}
    again["open"][0]["resolution"] = ends("succeeded", output=5)
    kit.again()
    assert await kit.execute("in", **again) is Result.ENDED
    assert kit.reporter.output("call") == 5


# webhook.respond


async def test_respond_answers_and_passes_on() -> None:
    ctx = RecordingContext()
    config = {"status": "{{ payload.code }}", "headers": {"X-Id": 7, "X-Yes": True}, "body": {"ok": "{{ payload.code }}"}}
    assert await run_node(NODES.get("webhook.respond"), config, "in", ctx=ctx, payload={"code": 201}) == "in"
    assert ctx.answer == (201, {"X-Id": "7", "X-Yes": "true"}, {"ok": 201})
    with pytest.raises(InvalidConfig, match="status"):
        await run_node(NODES.get("webhook.respond"), {"status": 100})


# wait.webhook


async def test_wait_for_a_call() -> None:
    node, ctx = NODES.get("wait.webhook"), RecordingContext(now=NOW)
    assert await run_node(node, {"timeout_s": 60}, ctx=ctx) == Wait(NOW + timedelta(seconds=60), token="webhook")
    call: dict[str, Any] = {"method": "POST", "headers": {}, "query": {}, "body": None}
    assert await resume(node, {}, ctx, Resumed(None, call)) == Branch("main", call)
    assert await resume(node, {}, ctx, Resumed()) == Branch("timeout", "in")


async def test_nodes_before_it_know_its_address() -> None:
    kit = Kit().node("tell", "set", "start", config={"fields": {"urls": "{{ execution.resume_url }}"}})
    kit.node("hook", "wait.webhook", "tell").node("ask", "approval", "tell", config={"title": "?"})
    await kit.execute(public_url="https://t.example", resume_key="00")
    urls = kit.reporter.output("tell")["urls"]
    assert (urls["hook"].rpartition("/")[0], urls["ask"].rpartition("/")[0]) == ("https://t.example/resume", "https://t.example/approvals")


# approval


ASK = {"title": "Refund {{ payload.id }}?", "message": "7 EUR", "recipients": ["AE", "ada@example.com", "AE", OTHER, " "], "timeout_s": 250}


async def test_approval_tells_each_recipient_and_waits() -> None:
    ctx = RecordingContext(now=NOW, recipients=0)
    left = await run_node(NODES.get("approval"), {**ASK, "remind_after_s": 100}, ctx=ctx, payload={"id": 7})
    assert isinstance(left, Wait)
    assert (left.until, left.token) == (NOW + timedelta(seconds=100), "approval")
    assert (left.state["title"], left.state["message"]) == ("Refund 7?", "7 EUR")
    assert [(told["to_role"], told["to_user"]) for told in ctx.told] == [("AE", None), (None, "ada@example.com"), (None, OTHER)]
    assert {(told["title"], told["message"], told["link"]) for told in ctx.told} == {
        ("Refund 7?", "7 EUR", "http://trestle.test/approvals/tested")
    }
    assert ctx.log.lines[0] == ("warning", "There is nobody to ask: AE.")
    plain = await run_node(NODES.get("approval"), {"title": "?", "timeout_s": 60}, ctx=RecordingContext(now=NOW))
    assert isinstance(plain, Wait)
    assert plain.until == NOW + timedelta(seconds=60)


async def test_reminders_then_the_end() -> None:
    node, config = NODES.get("approval"), {**ASK, "title": "Refund?", "remind_after_s": 100}
    left: Any = await run_node(node, config, ctx=RecordingContext(now=NOW))
    occasions, dues = [], []
    ctx = RecordingContext(now=NOW)
    for _ in range(2):
        ctx = RecordingContext(now=left.until)
        left = await resume(node, config, ctx, Resumed(orjson.loads(orjson.dumps(left.state))))
        occasions += [told["occasion"] for told in ctx.told if told["to_role"]]
        dues.append((left.until - NOW).total_seconds())
    assert (occasions, dues) == (["reminder 1", "reminder 2"], [200, 250])
    assert ctx.told[0]["title"] == "Reminder: Refund?"
    assert await resume(node, config, RecordingContext(now=left.until), Resumed(left.state)) == Branch("timeout", "in")


async def test_reminders_end_at_some_time() -> None:
    node, config = NODES.get("approval"), {**ASK, "title": "?", "remind_after_s": 1}
    state = {"title": "?", "message": "", "deadline": (NOW + timedelta(seconds=250)).isoformat(), "reminded": 9}
    left = await resume(node, config, RecordingContext(now=NOW), Resumed(state))
    assert left.until == NOW + timedelta(seconds=250)


@pytest.mark.parametrize("decision", ["approved", "rejected"])
async def test_the_decision_is_the_port(decision: str) -> None:
    answer = {"decision": decision, "comment": "Fine.", "by": "Ada", "at": "2030-01-01T00:00:00Z"}
    left = await resume(
        NODES.get("approval"), {**ASK, "title": "?"}, RecordingContext(), Resumed({}, {**answer, "title": "?", "message": ""})
    )
    assert left == Branch(decision, answer)


# notify


async def test_notify() -> None:
    ctx = RecordingContext(recipients=2)
    config = {"to_role": "{{ payload.role }}", "title": "Hot", "message": "{{ payload.n }} points"}
    assert await run_node(NODES.get("notify"), config, ctx=ctx, payload={"role": "AE", "n": 90}) == {"recipients": 2}
    assert (ctx.told[0]["to_role"], ctx.told[0]["message"]) == ("AE", "90 points")
    nobody = RecordingContext(recipients=0)
    assert await run_node(NODES.get("notify"), {"to_user": "x@example.com", "message": "Hi"}, ctx=nobody) == {"recipients": 0}
    assert nobody.log.lines == [("warning", "There is nobody to tell: x@example.com.")]


@pytest.mark.parametrize("config", [{"message": "m"}, {"to_role": "a", "to_user": "b", "message": "m"}, {"to_role": "a", "message": ""}])
async def test_notify_refuses(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig):
        await run_node(NODES.get("notify"), config)


async def test_each_telling_of_a_step_has_a_key_of_its_own_occasion() -> None:
    async def twice(config: Any, input: Any, ctx: Any) -> Any:
        for occasion in ("", "again"):
            await ctx.notify("m", to_role="a", occasion=occasion)

    kit = Kit().does("told", twice, effect="idempotent").node("n", "told", "start")
    await kit.execute()
    assert kit.reporter.last("n").status is StepStatus.SUCCEEDED
    first, second = (told.key for told in kit.desk.told)
    assert (first, second) == (kit.keys[0], f"{kit.keys[0]}:again")
