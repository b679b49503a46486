"""Workflows to start with: small, and each shows one thing. What `python -m trestle seed` puts into a project.

Where `@name` stands for an id, the sample of that name goes in first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TAG = "sample"

Json = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A workflow, and how to try it: `body` to send to its webhook, or `event` to send; neither: press Run."""

    name: str
    description: str
    nodes: list[Json]
    wires: tuple[str, ...]
    body: Any = None
    event: Any = None
    settings: Json = field(default_factory=dict)
    enabled: bool = True

    @property
    def types(self) -> set[str]:
        """The node types that it needs."""
        return {node["type"] for node in self.nodes}

    def document(self) -> Json:
        """The body of `POST /workflows`."""
        nodes = [{**node, "position": {"x": 240 * place, "y": 90 * (place % 2)}} for place, node in enumerate(self.nodes)]
        connections = []
        for wire in self.wires:
            source, target = wire.split(">")
            key, _, port = source.partition(":")
            connections.append({"source": key, "source_port": port or "main", "target": target})
        about = {"name": self.name, "description": self.description, "tags": [TAG], "settings": self.settings}
        return {**about, "nodes": nodes, "connections": connections}


def _node(key: str, kind: str, config: Json | None = None, **more: Any) -> Json:
    return {"key": key, "type": kind, "config": config or {}, **more}


def _hook(**config: Any) -> Json:
    return _node("hook", "trigger.webhook", config)


SAMPLES = (
    Sample(
        "Sample: hot leads",
        "A webhook, a filter, and fields made of what came. Leads that score less than 80 leave by the other port.",
        [
            _hook(),
            _node("hot", "filter", {"condition": "{{ payload.score >= 80 }}"}),
            _node("lead", "set", {"fields": {"name": "{{ payload.name }}", "greeting": "Hello {{ payload.name }}!"}}),
        ],
        ("hook>hot", "hot>lead"),
        body={"name": "Ada", "score": 91},
    ),
    Sample(
        "Sample: every item of a list",
        "The node “double” runs once for each item, five at a time. The caller waits for the result.",
        [
            _hook(respond="when_finished"),
            _node(
                "double", "set", {"fields": {"item": "{{ item }}", "double": "{{ item * 2 }}"}}, for_each={"items": "{{ payload.items }}"}
            ),
        ],
        ("hook>double",),
        body={"items": [1, 2, 3]},
    ),
    Sample(
        "Sample: every morning",
        "A schedule, at nine on weekdays. Run starts it at once.",
        [
            _node("schedule", "trigger.schedule", {"cron": "0 9 * * 1-5", "timezone": "UTC"}),
            _node("morning", "set", {"fields": {"message": "Good morning, it is {{ now }}."}}),
        ],
        ("schedule>morning",),
    ),
    Sample(
        "Sample: orders, large and small",
        "Started by an event whose type is order.created. A branch takes one of two ways.",
        [
            _node("event", "trigger.event", {"condition": {"==": [{"var": "type"}, "order.created"]}}),
            _node("size", "branch", {"cases": [{"label": "large", "condition": {">": [{"var": "payload.total"}, 1000]}}]}),
            _node("by_hand", "set", {"fields": {"handling": "A person looks at this order."}}),
            _node("at_once", "set", {"fields": {"handling": "This order ships at once."}}),
        ],
        ("event>size", "size:large>by_hand", "size:else>at_once"),
        event={"type": "order.created", "total": 1200},
    ),
    Sample(
        "Sample: ask a person first",
        "Waits until somebody approves or rejects: open the execution, and the waiting step shows both links. After a day it goes on.",
        [
            _hook(),
            _node(
                "ask",
                "approval",
                {"title": "Refund {{ payload.amount }}?", "message": "{{ payload.customer }} asks for it.", "timeout_s": 86_400},
            ),
            _node("refund", "set", {"fields": {"refunded": "{{ payload.amount }}"}}),
            _node("refuse", "set", {"fields": {"refunded": 0}}),
        ],
        ("hook>ask", "ask:approved>refund", "ask:rejected>refuse", "ask:timeout>refuse"),
        body={"customer": "Grace", "amount": 40},
    ),
    Sample(
        "Sample: what failed",
        "The error workflow of “Sample: a workflow that fails”. Its payload says which execution failed, and why.",
        [
            _node("failed", "trigger.error", {"workflows": []}),
            _node("report", "set", {"fields": {"workflow": "{{ payload.workflow.name }}", "error": "{{ payload.execution.error }}"}}),
        ],
        ("failed>report",),
        enabled=False,
    ),
    Sample(
        "Sample: a workflow that fails",
        "Fails on purpose; then its error workflow starts.",
        [_hook(), _node("refuse", "stop", {"status": "failed", "message": "No {{ payload.what }} today."})],
        ("hook>refuse",),
        body={"what": "coffee"},
        settings={"error_workflow": "@Sample: what failed"},
    ),
    Sample(
        "Sample: a price with tax",
        "A workflow for others to call. Its last output is the caller's result.",
        [
            _node("called", "trigger.workflow", {"sample": {"net": 100}}),
            _node("price", "set", {"fields": {"net": "{{ payload.net }}", "gross": "{{ payload.net * 1.2 }}"}}),
        ],
        ("called>price",),
        enabled=False,
    ),
    Sample(
        "Sample: an invoice",
        "Calls “Sample: a price with tax” once for each position, and waits for the results.",
        [
            _hook(respond="when_finished"),
            _node(
                "prices",
                "workflow.call",
                {"workflow_id": "@Sample: a price with tax", "input": {"net": "{{ item.net }}"}, "wait": True},
                for_each={"items": "{{ payload.positions }}"},
            ),
            _node("invoice", "set", {"fields": {"customer": "{{ payload.customer }}", "positions": "{{ nodes.prices }}"}}),
        ],
        ("hook>prices", "prices>invoice"),
        body={"customer": "Ada", "positions": [{"net": 100}, {"net": 20}]},
    ),
)
