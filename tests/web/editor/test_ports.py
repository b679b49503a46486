"""Connections follow the ports of their node while its cases are edited."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.editor.browser_modules import BrowserModules

TYPE = {"outputs": ["else"], "ports_from": "cases"}


def _node(*labels: str, **fields: Any) -> dict[str, Any]:
    return {"key": "check", "type": "branch", "config": {"cases": [{"label": label} for label in labels]}, **fields}


def _links(*ports: str) -> list[dict[str, str]]:
    return [{"source": "check", "source_port": port, "target": f"to_{index}"} for index, port in enumerate(ports)]


@pytest.mark.parametrize(
    ("before", "after", "links", "left"),
    [
        (_node("high", "low"), _node("highe", "low"), ["high", "low", "else"], ["low", "else", "highe"]),
        (_node("high"), _node("h"), ["high", "high"], ["h", "h"]),
        (_node("h"), _node(""), ["h"], ["h"]),  # a moment without a name …
        (_node(""), _node("x"), ["h"], ["x"]),  # … and what was left over goes on
        (_node("high", "hig"), _node("high", "high"), ["high", "hig"], ["high", "hig"]),  # another's name, in passing
        (_node("high", "high"), _node("high", "high2"), ["high", "hig"], ["high", "high2"]),
        (_node("a"), _node("else"), ["a", "else"], ["a", "else"]),  # a port that is always there is nobody's label
        (_node("a", "b"), _node("b", "a"), ["a", "b"], ["a", "b"]),
        (_node("a", "b"), _node("b"), ["a", "b"], ["b"]),
        (_node("a"), _node("a", "b"), ["a"], ["a"]),
        (_node("a", on_error="branch"), _node("a", on_error="stop"), ["a", "error"], ["a"]),
    ],
)
def test_followed(js: BrowserModules, before: dict[str, Any], after: dict[str, Any], links: list[str], left: list[str]) -> None:
    graph = {"nodes": [before], "connections": _links(*links)}
    operations = js.call("ports.js", "followed", graph, TYPE, before, after)
    now = js.call("graph.js", "applyAll", graph, operations)
    assert [link["source_port"] for link in now["connections"]] == left
