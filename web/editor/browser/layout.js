// Tidy layout: from left to right, by dagre.

import dagre from "@dagrejs/dagre";

const SNAP = 20;
const snapped = (value) => Math.round(value / SNAP) * SNAP;

/** The move operation that sets `graph` in order; `size(key)` gives a card's `{width, height}`. Null where nothing would move. */
export function tidied(graph, size) {
  const plan = new dagre.graphlib.Graph().setGraph({ rankdir: "LR", nodesep: 40, ranksep: 100 }).setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) plan.setNode(node.key, { ...size(node.key) });
  for (const link of graph.connections) plan.setEdge(link.source, link.target);
  dagre.layout(plan);
  const moves = graph.nodes.map((node) => {
    const { x, y, width, height } = plan.node(node.key);
    return { key: node.key, x: snapped(x - width / 2), y: snapped(y - height / 2) };
  });
  const still = moves.every((move, index) => move.x === graph.nodes[index].position.x && move.y === graph.nodes[index].position.y);
  return still ? null : { op: "move_nodes", moves };
}
