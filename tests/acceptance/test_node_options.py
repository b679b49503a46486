"""What a node can be told besides its config, each by the API and run by a real executor."""

from typing import Any

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack

START = {"key": "start", "type": "trigger.manual"}


def fields(key: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A `set` node."""
    return {"key": key, "type": "set", "config": {"fields": values}, **more}


async def run(api: Api, workflow: dict[str, Any], **asked: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The finished execution, and each node's newest step."""
    started = await api.call("POST", f"/workflows/{workflow['id']}/execute", json=asked)
    execution = await api.finished(started["execution_id"])
    return execution, {step["node"]: step for step in await api.steps(execution["id"]) if step["item"] is None}


async def check_for_each(api: Api) -> None:
    body: dict[str, Any] = {"items": "{{ payload.names }}"}
    each = await api.workflow(
        [START, fields("greet", {"text": "{{ item }} {{ index }}"}, for_each=body), fields("count", {"n": "{{ input | length }}"})],
        [("start", "greet"), ("greet", "count")],
        live=False,
    )
    execution, steps = await run(api, each, input={"names": ["a", "b", "c"]})
    assert steps["greet"]["output"] == [{"text": "a 0"}, {"text": "b 1"}, {"text": "c 2"}]
    assert execution["output"] == {"n": 3}
    execution, _ = await run(api, each, input={"names": []})
    assert (execution["status"], execution["output"]) == ("succeeded", {"n": 0})
    execution, _ = await run(api, each, input={"names": "abc"})
    assert (execution["status"], execution["error"]["node"]) == ("failed", "greet")


async def check_join(api: Api) -> None:
    small = {"key": "small", "type": "filter", "config": {"condition": "{{ payload.n < 10 }}"}}
    wires = [("start", "small"), ("start", "other"), *((one, end) for one in ("small", "other") for end in ("any", "all"))]
    joins = [fields(join, {"got": "{{ input }}"}, join=join) for join in ("any", "all")]
    both = await api.workflow([START, small, fields("other", {"b": 2}), *joins], wires, live=False)
    _, steps = await run(api, both, input={"n": 5})
    got = {"got": {"small": {"n": 5}, "other": {"b": 2}}}
    assert (steps["any"]["output"], steps["all"]["output"]) == (got, got)
    _, steps = await run(api, both, input={"n": 50})
    assert (steps["any"]["output"], steps["all"]["status"]) == ({"got": {"b": 2}}, "skipped")


async def check_disabled(api: Api) -> None:
    boom = {"key": "off", "type": "code.python", "config": {"code": "1 / 0"}, "disabled": True}
    off = await api.workflow([START, boom, fields("after", {"got": "{{ input.n }}"})], [("start", "off"), ("off", "after")], live=False)
    execution, _ = await run(api, off, input={"n": 1})
    assert (execution["status"], execution["output"]) == ("succeeded", {"got": 1})


async def check_pinned(api: Api) -> None:
    boom = {"key": "pin", "type": "code.python", "config": {"code": "1 / 0"}, "pinned": {"n": 7}}
    pin = await api.workflow([START, boom, fields("after", {"got": "{{ nodes.pin.n }}"})], [("start", "pin"), ("pin", "after")], live=False)
    execution, _ = await run(api, pin)
    assert (execution["status"], execution["output"]) == ("succeeded", {"got": 7})
    version = (await api.call("POST", f"/workflows/{pin['id']}/publish", json={}))["number"]
    execution, _ = await run(api, pin, version=version)
    assert (execution["status"], execution["error"]["node"]) == ("failed", "pin"), "pins are for test runs only"


async def check_errors(api: Api) -> None:
    boom = {"key": "boom", "type": "code.python", "config": {"code": "1 / 0"}}
    after, rescue = fields("after", {"got": "{{ input.error.type }}"}), fields("rescue", {"of": "{{ input.error.node }}"})
    branch = await api.workflow([START, {**boom, "on_error": "branch"}, after, rescue], [*CHAIN, ("boom", "error", "rescue")], live=False)
    execution, steps = await run(api, branch)
    assert (execution["status"], execution["output"]) == ("succeeded", {"of": "boom"})
    assert (steps["boom"]["status"], steps["boom"]["port"], steps["after"]["status"]) == ("failed", "error", "skipped")
    on = await api.workflow([START, {**boom, "on_error": "continue"}, after], CHAIN, live=False)
    execution, steps = await run(api, on)
    assert (execution["status"], steps["boom"]["status"]) == ("succeeded", "failed")
    assert steps["after"]["output"] == {"got": steps["boom"]["error"]["type"]}
    stop = await api.workflow([START, boom, after], CHAIN, live=False)
    execution, steps = await run(api, stop)
    assert (execution["status"], execution["error"]["node"], "after" in steps) == ("failed", "boom", False)
    settings = await api.workflow([START, boom, after], CHAIN, live=False, settings={"on_error": "continue"})
    execution, _ = await run(api, settings)
    assert execution["status"] == "succeeded", "the workflow's policy, where the node has none"


async def check_parts(api: Api) -> None:
    chain = [START, fields("one", {"n": "{{ payload.n + 1 }}"}), fields("two", {"n": "{{ input.n * 10 }}"})]
    whole = await api.workflow(chain, [("start", "one"), ("one", "two")], live=False)
    execution, steps = await run(api, whole, input={"n": 1}, until="one")
    assert (execution["output"], set(steps)) == ({"n": 2}, {"start", "one"})
    await run(api, whole, input={"n": 4})
    execution, _ = await run(api, whole, only="two")
    assert (execution["status"], execution["output"]) == ("succeeded", {"n": 50}), "on what came to it last"
    execution, _ = await run(api, whole, only="two", input={"n": 3})
    assert execution["output"] == {"n": 30}, "or on what is given"


CHAIN = [("start", "boom"), ("boom", "after")]


async def test_every_option_of_a_node_does_what_it_says(stack: Stack) -> None:
    async with Api(stack.backend_url) as api:
        await api.sign_up()
        for check in (check_for_each, check_join, check_disabled, check_pinned, check_errors, check_parts):
            await check(api)
