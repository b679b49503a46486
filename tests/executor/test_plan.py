"""The plan against a naive reference, over random graphs, ports, joins and orders of completion."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.plan import Layout, Plan, PlanError
from trestle.contracts.graph import Connection, Node, Outcome, step_input

PORTS = ["main", "rejected"]


@dataclass
class Drawn:
    """A graph whose nodes can only be connected forwards, and the port by which each would leave (None: it fails)."""

    nodes: list[Node]
    connections: list[Connection]
    ports: dict[str, str | None]


@st.composite
def graphs(draw: st.DrawFn) -> Drawn:
    count = draw(st.integers(1, 9))
    nodes = [Node(key=f"n{i}", type="t", join=draw(st.sampled_from(["any", "all"]))) for i in range(count)]
    pairs = [(i, j, port) for i in range(count) for j in range(i + 1, count) for port in PORTS]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []
    connections = [Connection(source=f"n{i}", source_port=port, target=f"n{j}") for i, j, port in chosen]
    ports = {node.key: draw(st.sampled_from([*PORTS, "main", None])) for node in nodes}
    return Drawn(nodes, connections, ports)


def reference(drawn: Drawn, until: str | None) -> dict[str, str | None]:
    """The port by which each node that takes part leaves; None where it is skipped or fails. One pass in the order of the keys."""
    part = {"n0"}
    for node in drawn.nodes:
        part |= {c.target for c in drawn.connections if c.source in part and c.source == node.key}
    if until is not None:
        before = {until}
        for node in reversed(drawn.nodes):
            before |= {c.source for c in drawn.connections if c.target in before and c.target == node.key}
        part &= before
    left: dict[str, str | None] = {}
    for node in drawn.nodes:
        if node.key not in part:
            continue
        taken = [left[c.source] == c.source_port for c in drawn.connections if c.target == node.key and c.source in part]
        runs = node.key == "n0" or (all(taken) if node.join == "all" else any(taken))
        left[node.key] = drawn.ports[node.key] if runs else None
    return left


def run(drawn: Drawn, layout: Layout, random: st.DataObject) -> tuple[list[str], list[str], Plan]:
    plan, running, ran, skipped = Plan(layout), list[str](), list[str](), list[str]()
    while True:
        running += plan.ready()
        skipped += plan.skipped
        plan.skipped.clear()
        if not running:
            break
        key = running.pop(random.draw(st.integers(0, len(running) - 1)))
        ran.append(key)
        plan.settle(key, drawn.ports[key])
    return ran, skipped, plan


@settings(max_examples=200, deadline=None)
@given(drawn=graphs(), random=st.data())
def test_every_node_is_decided_once_and_as_the_reference_says(drawn: Drawn, random: st.DataObject) -> None:
    until = random.draw(st.sampled_from([None, *(node.key for node in drawn.nodes)]))
    expected = reference(drawn, until)
    if until is not None and until not in reference(drawn, None):
        with pytest.raises(PlanError):
            Layout.of(drawn.nodes, drawn.connections, "n0", until=until)
        return
    layout = Layout.of(drawn.nodes, drawn.connections, "n0", until=until)
    ran, skipped, plan = run(drawn, layout, random)
    assert plan.finished
    assert sorted(ran + skipped) == sorted(expected), "each node once"
    assert {key: drawn.ports[key] if key in ran else None for key in expected} == expected
    for connection in drawn.connections:
        if connection.source in ran and connection.target in ran:
            assert ran.index(connection.source) < ran.index(connection.target)
    led_on = [c for c in drawn.connections if c.target in ran and expected[c.target] is not None]
    followed = {c.source for c in led_on if expected.get(c.source) == c.source_port}
    assert set(plan.last()) == {key for key, port in expected.items() if port is not None and key not in followed}


@settings(max_examples=100, deadline=None)
@given(drawn=graphs(), random=st.data())
def test_inputs_are_those_of_the_contract(drawn: Drawn, random: st.DataObject) -> None:
    """What the engine derives from taken connections is `contracts.graph.step_input`, by which histories are read."""
    layout = Layout.of(drawn.nodes, drawn.connections, "n0")
    ran, _, _ = run(drawn, layout, random)
    outcomes = {key: Outcome(drawn.ports[key] if key in ran else None, key) for key in layout.incoming}
    for key in ran:
        taken = {c.source: outcomes[c.source].output for c in layout.incoming[key] if outcomes[c.source].port == c.source_port}
        mine = next(iter(taken.values())) if len(taken) == 1 else taken or None
        assert mine == step_input([c for c in drawn.connections if c.target == key], outcomes)


def test_connections_from_elsewhere_are_not_waited_for() -> None:
    nodes = [Node(key=key, type="t") for key in ("hook", "clock", "both")]
    connections = [Connection(source="hook", target="both"), Connection(source="clock", target="both")]
    layout = Layout.of(nodes, connections, "hook")
    assert set(layout.incoming) == {"hook", "both"}


def test_a_node_alone() -> None:
    plan = Plan(Layout.alone("x"))
    assert plan.ready() == ["x"]
    plan.settle("x", "main")
    assert plan.finished
    assert plan.last() == ["x"]
