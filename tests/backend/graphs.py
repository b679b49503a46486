"""Graphs for tests, in few words."""

from typing import Any

HOOK: dict[str, Any] = {"key": "hook", "type": "trigger.webhook", "config": {"path": "in"}}
MANUAL: dict[str, Any] = {"key": "start", "type": "trigger.manual", "config": {}}


def node(key: str, type_: str = "set", **config: Any) -> dict[str, Any]:
    """A node; without any config a `set` of nothing."""
    return {"key": key, "type": type_, "config": {"fields": {}} if type_ == "set" and not config else config}


def wires(*ends: str) -> list[dict[str, str]]:
    """Connections from texts: `a>b` or `a:port>b`."""
    found = []
    for text in ends:
        source, _, target = text.partition(">")
        key, _, port = source.partition(":")
        found.append({"source": key, "source_port": port or "main", "target": target})
    return found
