"""Lists: 1,000 items through three nodes that run for each of them."""

import asyncio
import time
from itertools import pairwise
from statistics import median
from typing import Any

import orjson

from tests.acceptance.api import Api
from tests.acceptance.stack import Stack
from tests.bench import machine
from tests.bench.load import closed_loop

ITEMS = 1000
EACH = {"items": "{{ input }}", "concurrency": 50}


def _sets() -> list[dict[str, Any]]:
    fields = [{"n": "{{ item.n }}", "a": "{{ index }}"}, {"n": "{{ item.n + 1 }}", "a": "{{ item.a }}"}, {"n": "{{ item.n * 2 }}"}]
    each = [{"items": "{{ payload.items }}", "concurrency": 50}, EACH, EACH]
    return [
        {"key": f"set_{n}", "type": "set", "config": {"fields": f}, "for_each": e}
        for n, (f, e) in enumerate(zip(fields, each, strict=True))
    ]


def _lists() -> list[dict[str, Any]]:
    return [
        {"key": "wanted", "type": "list.filter", "config": {"items": "{{ payload.items }}", "condition": "{{ item.n >= 0 }}"}},
        {
            "key": "sorted",
            "type": "list.sort",
            "config": {"items": "{{ input }}", "by": "n"},
        },
        {"key": "first", "type": "list.limit", "config": {"items": "{{ input }}", "count": ITEMS}},
    ]


KINDS = {"set nodes, for each": _sets, "list nodes": _lists}


async def measure(stack: Stack, api: Api, *, callers: int, executions: int, runs: int) -> list[str]:
    """Lines of the report."""
    body = orjson.dumps({"items": [{"n": n, "name": f"item {n}"} for n in range(ITEMS)]})
    lines = []
    for place, (name, nodes) in enumerate(KINDS.items()):
        path = f"items-{place}"
        three = nodes()
        hook = {"key": "hook", "type": "trigger.webhook", "config": {"path": path}}
        workflow = await api.workflow([hook, *three], list(pairwise(["hook", *(node["key"] for node in three)])), name=path)
        rates, cpu_us = [], 0.0
        for _ in range(runs + 1):
            start, before = time.perf_counter(), _cpu_s(stack)
            load = await closed_loop(f"{stack.backend_url}/webhooks/{path}", connections=callers, requests=executions, body=body)
            await asyncio.gather(*(api.finished(execution_id, within_s=120) for execution_id in load.accepted[-1:]))
            while await _under_way(api, workflow["id"]):
                await asyncio.sleep(0.02)
            cpu_us = 1e6 * (_cpu_s(stack) - before) / executions / ITEMS
            rates.append(ITEMS * executions / (time.perf_counter() - start))
        failed = (await api.call("GET", f"/workflows/{workflow['id']}/executions?status=failed&limit=1"))["items"]
        assert not failed, failed
        shown = ", ".join(f"{rate:,.0f}" for rate in rates[1:])
        lines.append(f"{ITEMS} items through 3 {name}: {median(rates[1:]):,.0f} items/s through all three (goal 30,000; runs: {shown})")
        lines.append(f"  CPU per item, all processes: {cpu_us:.0f} µs")
    return lines


def _cpu_s(stack: Stack) -> float:
    return sum(machine.cpu_s(machine.tree(pid)) for pid in stack.pids().values())


async def _under_way(api: Api, workflow_id: str) -> bool:
    query = "&".join(f"status={status}" for status in ("queued", "running", "waiting"))
    return bool((await api.call("GET", f"/workflows/{workflow_id}/executions?{query}&limit=1"))["items"])
