"""Places for nodes whose document says none."""

from collections.abc import Iterable, Sequence

from trestle.contracts.graph import Node, Position

COLUMN = 300
ROW = 140


def place(nodes: Sequence[Node], wires: Iterable[tuple[str, str]]) -> None:
    """Sets every node's position: from left to right in the order in which they run, each column centred.

    `wires`: key of the source and of the target; without loops.
    """
    pairs = list(wires)
    depth = {node.key: 0 for node in nodes}
    for _ in nodes:
        before = dict(depth)
        for source, target in pairs:
            depth[target] = max(depth[target], min(depth[source] + 1, len(nodes)))
        if depth == before:
            break
    columns: dict[int, list[Node]] = {}
    for node in nodes:
        columns.setdefault(depth[node.key], []).append(node)
    for column, standing in columns.items():
        for row, node in enumerate(standing):
            node.position = Position(x=column * COLUMN, y=(row - (len(standing) - 1) / 2) * ROW)
