"""The nodes of flow with everything real: calls of other workflows, approvals, waits for a call, stop, switch, lists, rate limits."""

import asyncio
import time
from typing import Any

from aiohttp import web

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack, running
from trestle.cli.home import Home

START = {"key": "start", "type": "trigger.manual"}


def fields(key: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A `set` node."""
    return {"key": key, "type": "set", "config": {"fields": values}, **more}


def node(key: str, type: str, config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Any node."""
    return {"key": key, "type": type, "config": config or {}, **more}


async def begin(api: Api, workflow: dict[str, Any], input: Any = None) -> str:
    """An execution of the draft."""
    return str((await api.call("POST", f"/workflows/{workflow['id']}/execute", json={"input": input}))["execution_id"])


async def newest(api: Api, execution_id: str) -> dict[str, dict[str, Any]]:
    """Each node's newest step."""
    return {step["node"]: step for step in await api.steps(execution_id) if step["item"] is None}


async def waiting(api: Api, execution_id: str, key: str) -> dict[str, Any]:
    """What a step says while it waits, once the execution has been given back."""
    async with asyncio.timeout(20):
        while True:
            step = (await newest(api, execution_id)).get(key)
            if step is not None and step["status"] == "waiting" and step["wait"]:
                return dict(step["wait"])
            await asyncio.sleep(0.05)


async def check_calls(api: Api) -> None:
    """A for-each over a workflow: children run by themselves, one fails, a retry runs it anew."""
    double = fields("double", {"n": "{{ payload.n * 2 }}"})
    refuse = node("refuse", "stop", {"status": "failed", "message": "No {{ payload.n }}."})
    child_graph = [node("called", "trigger.workflow"), node("odd", "filter", {"condition": "{{ payload.n != 2 }}"}), double, refuse]
    child = await api.workflow(child_graph, [("called", "odd"), ("odd", "double"), ("odd", "rejected", "refuse")], name="Child", live=False)
    call = node("call", "workflow.call", {"workflow_id": child["id"], "input": {"n": "{{ item }}"}}, for_each={"items": [1, 2, 3]})
    parent = await api.workflow(
        [START, {**call, "on_error": "continue"}, fields("after", {"got": "{{ input }}"})],
        [("start", "call"), ("call", "after")],
        live=False,
    )
    refused = await api.finished(await begin(api, parent))
    steps = await newest(api, refused["id"])
    assert "not published" in str(steps["call"]["output"]), "a child is a published version"
    await api.call("POST", f"/workflows/{child['id']}/publish", json={})
    done = await api.finished(await begin(api, parent))
    assert (done["status"], done["failed_steps"]) == ("succeeded", 1)
    one, two, three = done["output"]["got"]
    assert (one, three) == ({"n": 2}, {"n": 6})
    assert (two["error"]["type"], "No 2." in two["error"]["message"]) == ("CalledFailed", True)
    children = (await api.call("GET", f"/workflows/{child['id']}/executions"))["items"]
    assert sorted(one["status"] for one in children) == ["failed", "succeeded", "succeeded"]
    assert {one["parent_id"] for one in children} == {done["id"]}
    assert {one["trigger"]["kind"] for one in children} == {"workflow"}

    again = {**call, "config": {**call["config"], "input": {"n": 2}}, "for_each": None, "retry": {"max_attempts": 2, "delay_s": 0.1}}
    stubborn = await api.workflow([START, again], [("start", "call")], live=False)
    failed = await api.finished(await begin(api, stubborn))
    assert (failed["status"], failed["error"]["node"], failed["error"]["type"]) == ("failed", "call", "CalledFailed")
    assert len((await api.call("GET", f"/workflows/{child['id']}/executions"))["items"]) == 5, "each attempt had a child of its own"


async def check_cancelled_child(api: Api) -> None:
    """A cancelled parent takes its children with it, as does one that a stop ends well; a cancelled child fails its parent."""
    slow = [node("called", "trigger.workflow"), node("long", "delay", {"duration_s": 3600})]
    child = await api.workflow(slow, [("called", "long")], name="Slow", live=False)
    await api.call("POST", f"/workflows/{child['id']}/publish", json={})
    parent = await api.workflow([START, node("call", "workflow.call", {"workflow_id": child["id"]})], [("start", "call")], live=False)

    async def started() -> tuple[str, str]:
        parent_id = await begin(api, parent)
        return parent_id, (await waiting(api, parent_id, "call"))["execution_id"]

    parent_id, child_id = await started()
    await api.call("POST", f"/executions/{parent_id}/cancel")
    assert (await api.finished(child_id))["status"] == "cancelled"
    parent_id, child_id = await started()
    await api.call("POST", f"/executions/{child_id}/cancel")
    failed = await api.finished(parent_id)
    assert (failed["status"], "was cancelled" in failed["error"]["message"]) == ("failed", True)

    call = node("call", "workflow.call", {"workflow_id": child["id"]}, for_each={"items": [1, 2, 3], "concurrency": 3})
    nodes = [START, call, node("moment", "delay", {"duration_s": 1}), node("enough", "stop")]
    hasty = await api.workflow(nodes, [("start", "call"), ("start", "moment"), ("moment", "enough")], live=False)
    ended = await api.finished(await begin(api, hasty))
    assert ended["status"] == "succeeded"
    children = (await api.call("GET", f"/workflows/{child['id']}/executions?limit=3"))["items"]
    assert {one["parent_id"] for one in children} == {ended["id"]}
    assert {(await api.finished(one["id"]))["status"] for one in children} == {"cancelled"}

    # One item has no input for its call: the step leaves by its error port, and the execution goes on without what the others called.
    told = {"workflow_id": child["id"], "input": "{{ item.n }}"}
    call = node("call", "workflow.call", told, for_each={"items": [{"n": 1}, {"n": 2}, {}], "concurrency": 3}, on_error="branch")
    branched = await api.workflow(
        [START, call, node("later", "delay", {"duration_s": 60})], [("start", "call"), ("call", "error", "later")], live=False
    )
    branched_id = await begin(api, branched)
    await waiting(api, branched_id, "later")
    for one in (await api.call("GET", f"/workflows/{child['id']}/executions?limit=2"))["items"]:
        assert one["parent_id"] == branched_id
        assert (await api.finished(one["id"]))["status"] == "cancelled"
    await api.call("POST", f"/executions/{branched_id}/cancel")


async def check_approval(api: Api) -> None:
    """Asked in the app, decided on the page, once; and by nobody in time."""
    ask = node(
        "ask", "approval", {"title": "Refund {{ payload.id }}?", "message": "7 EUR", "recipients": ["owner", "nobody"], "remind_after_s": 1}
    )
    ends = [fields(port, {"way": port, "said": "{{ input }}"}) for port in ("approved", "rejected", "timeout")]
    wires = [("start", "ask"), *(("ask", port, port) for port in ("approved", "rejected", "timeout"))]
    workflow = await api.workflow([START, ask, *ends], wires, live=False)
    execution_id = await begin(api, workflow, {"id": 7})
    told = await waiting(api, execution_id, "ask")
    assert (told["title"], told["message"]) == ("Refund 7?", "7 EUR")
    address = told["approve_url"].removeprefix(api.url)
    status, page, headers = await api.raw("GET", address, headers={"Accept": "text/html"})
    assert (status, "Refund 7?" in page, "default-src 'none'" in headers["Content-Security-Policy"]) == (200, True, True)
    async with asyncio.timeout(15):
        while (found := await api.call("GET", "/notifications"))["unread"] < 2:
            await asyncio.sleep(0.1)
    assert {one["title"] for one in found["items"]} >= {"Refund 7?", "Reminder: Refund 7?"}
    assert found["items"][0]["link"].startswith(f"{api.url}/approvals/")
    form = {"decision": "approved", "comment": "It was broken.", "name": "Ada"}
    status, page, _ = await api.raw("POST", address, data=form, headers={"Accept": "text/html"})
    assert (status, "approved by Ada" in page) == (200, True)
    done = await api.finished(execution_id)
    assert (done["output"]["way"], done["output"]["said"]["comment"], done["output"]["said"]["by"]) == ("approved", "It was broken.", "Ada")
    assert (await api.raw("POST", address, json={"decision": "rejected"}))[0] == 409
    steps = await newest(api, execution_id)
    assert {key: step["status"] for key, step in steps.items() if key in ("rejected", "timeout")} == {
        "rejected": "skipped",
        "timeout": "skipped",
    }
    assert steps["ask"]["duration_ms"] >= 1000, "from the question to the answer, which came after the reminder"
    hasty = {**ask, "config": {"title": "Now?", "timeout_s": 0.5}}
    late = await api.finished(await begin(api, await api.workflow([START, hasty, *ends], wires, live=False), {"id": 8}))
    assert late["output"] == {"way": "timeout", "said": {"id": 8}}


async def check_wait_for_a_call(api: Api) -> None:
    """Resumed after the wait began, and before; each item of a for-each by itself."""
    hook = node("hook", "wait.webhook", {"timeout_s": 600})
    plain = await api.workflow([START, hook], [("start", "hook")], live=False)
    execution_id = await begin(api, plain)
    address = (await waiting(api, execution_id, "hook"))["resume_url"].removeprefix(api.url)
    assert (await api.raw("PUT", address + "?a=1", json={"n": 1}))[:2] == (200, {"resumed": True})
    output = (await api.finished(execution_id))["output"]
    assert (output["method"], output["query"], output["body"]) == ("PUT", {"a": "1"}, {"n": 1})
    assert (await api.raw("POST", address))[0] == 409
    assert (await api.raw("POST", address[:-3]))[0] == 404

    # Called before the wait begins, by somebody whom an earlier node could tell the address.
    early = [START, fields("tell", {"url": "{{ execution.resume_url.hook }}"}), node("slow", "delay", {"duration_s": 2}), hook]
    execution_id = await begin(api, await api.workflow(early, [("start", "tell"), ("tell", "slow"), ("slow", "hook")], live=False))
    await waiting(api, execution_id, "slow")
    address = (await newest(api, execution_id))["tell"]["output"]["url"].removeprefix(api.url)
    assert (await api.raw("POST", address, json="early"))[0] == 200
    assert "hook" not in await newest(api, execution_id)
    assert (await api.finished(execution_id))["output"]["body"] == "early"

    # For each: the second item's address is called while the first still waits; each gets its own call.
    each = {**hook, "for_each": {"items": ["a", "b"], "concurrency": 2}}
    both = await api.workflow([START, each], [("start", "hook")], live=False)
    execution_id = await begin(api, both)
    urls: dict[int, str] = {}
    async with asyncio.timeout(20):
        while len(urls) < 2:
            steps = [step for step in await api.steps(execution_id) if step["item"] is not None and step["wait"]]
            urls = {step["item"]: step["wait"]["resume_url"].removeprefix(api.url) for step in steps}
            await asyncio.sleep(0.05)
    for item in (1, 0):
        assert (await api.raw("POST", urls[item], json={"item": item}))[0] == 200
    assert [one["body"] for one in (await api.finished(execution_id))["output"]] == [{"item": 0}, {"item": 1}]


async def check_stop_switch_and_lists(api: Api) -> None:
    """`switch` chooses, lists are shaped, `stop` ends it all at once."""
    kinds = {"value": "{{ payload.kind }}", "cases": [{"label": "list", "equals": "list"}, {"label": "three", "equals": 3}]}
    keep = node("keep", "list.filter", {"items": "{{ payload.items }}", "condition": "{{ item.price > 1 }}"})
    order = node("order", "list.sort", {"items": "{{ input }}", "by": "price", "order": "descending"})
    total = {"items": "{{ input }}", "group_by": "who", "functions": [{"name": "total", "function": "sum", "field": "price"}]}
    slow = node("slow", "delay", {"duration_s": 3600})
    end = node("end", "stop", {"status": "failed", "message": "Not {{ payload.kind }}."})
    graph = [START, node("way", "switch", kinds), keep, order, node("sum", "list.aggregate", total), fields("three", {"n": 3}), slow, end]
    wires = [("start", "way"), ("way", "list", "keep"), ("keep", "order"), ("order", "sum"), ("way", "three", "three")]
    workflow = await api.workflow(graph, [*wires, ("way", "else", "slow"), ("way", "else", "end")], live=False)
    items = [{"who": "a", "price": 2}, {"who": "b", "price": 5}, {"who": "a", "price": 1}, {"who": "a", "price": 4}]
    done = await api.finished(await begin(api, workflow, {"kind": "list", "items": items}))
    assert done["output"] == [{"group": "b", "total": 5}, {"group": "a", "total": 6}]
    assert (await api.finished(await begin(api, workflow, {"kind": 3})))["output"] == {"n": 3}
    stopped = await api.finished(await begin(api, workflow, {"kind": "3"}))
    assert (stopped["status"], stopped["error"]["node"], stopped["error"]["message"]) == ("failed", "end", "Not 3.")
    assert (await newest(api, stopped["id"]))["slow"]["status"] == "cancelled"


async def test_flow_nodes(stack: Stack) -> None:
    async with Api(stack.backend_url) as api:
        await api.sign_up()
        for check in (check_stop_switch_and_lists, check_calls, check_cancelled_child, check_wait_for_a_call, check_approval):
            await check(api)


async def test_a_rate_limit_is_shared_by_executors_and_a_429_heard_by_all(migrated_home: Home, tmp_path: Any) -> None:
    calls: list[float] = []
    closed: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(time.monotonic())
        if request.path == "/busy" and not closed:
            closed.append(time.monotonic())
            return web.Response(status=429, headers={"Retry-After": "6"})
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        with running(migrated_home, tmp_path / "home", executors=2) as stack:
            async with Api(stack.backend_url) as api:
                await api.sign_up()
                limited = {"url": f"http://127.0.0.1:{port}/calm", "rate": {"requests": 5, "per_s": 1}}
                workflow = await api.workflow([START, node("call", "http.request", limited)], [("start", "call")], live=False)
                ids = await asyncio.gather(*(begin(api, workflow) for _ in range(30)))
                done = await asyncio.gather(*(api.finished(ident, within_s=40) for ident in ids))
                assert {one["status"] for one in done} == {"succeeded"}
                for seconds in (1, 3, 5):  # a busy machine makes a call late by some of one
                    pairs = zip(calls, calls[5 * seconds :], strict=False)
                    assert min(later - earlier for earlier, later in pairs) > seconds - 0.5
                assert calls[-1] - calls[0] < 15
                assert {(await newest(api, ident))["call"]["attempt"] for ident in ids} == {1}, "waiting is no attempt"

                retry = {"max_attempts": 3, "delay_s": 0.1}
                busy = node("call", "http.request", {"url": f"http://127.0.0.1:{port}/busy"}, retry=retry)
                workflow = await api.workflow([START, busy], [("start", "call")], live=False)
                first = await begin(api, workflow)
                while not closed:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(1.2)  # the other executor may believe for a second that nothing is closed
                late = await asyncio.gather(*(begin(api, workflow) for _ in range(6)))
                assert "rate limit" in (await waiting(api, late[0], "call"))["reason"]
                ended = [await api.finished(ident) for ident in (first, *late)]
                assert {one["status"] for one in ended} == {"succeeded"}
                after = [call for call in calls if call > closed[0]]
                assert min(after) - closed[0] > 5.9
    finally:
        await runner.cleanup()
