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

const LEGIBLE = 0.5;
const MARGIN = 24;

/** Shows the whole graph; where its cards would be too small to read (a phone), the beginning of it. */
export function fitted(flow, graph, pane, duration = 0) {
  const bounds = flow.getNodesBounds(graph.nodes.map((node) => node.key));
  const zoom = Math.min((pane.width - 2 * MARGIN) / bounds.width, (pane.height - 2 * MARGIN) / bounds.height);
  if (pane.width > 700 || zoom >= LEGIBLE) return flow.fitView({ padding: 0.18, maxZoom: 1, duration });
  const first = graph.nodes.reduce((left, node) => (node.position.x < left.position.x ? node : left));
  const readable = 0.7;
  return flow.setViewport({ x: MARGIN - first.position.x * readable, y: pane.height / 2.5 - (first.position.y + 32) * readable, zoom: readable }, { duration });
}
