// Tidy layout: from left to right, by dagre.

import dagre from "@dagrejs/dagre";
import { getViewportForBounds } from "@xyflow/react";
import { followed, isNote, sizeOf, working } from "./notes.js";

const SNAP = 20;
const snapped = (value) => Math.round(value / SNAP) * SNAP;

/** The move operation that sets `graph` in order, notes along with their cards; `size(key)` gives a card's `{width, height}`. Null where nothing would move. */
export function tidied(graph, size) {
  const plan = new dagre.graphlib.Graph().setGraph({ rankdir: "LR", nodesep: 40, ranksep: 100 }).setDefaultEdgeLabel(() => ({}));
  const cards = working(graph.nodes);
  for (const node of cards) plan.setNode(node.key, { ...size(node.key) });
  for (const link of graph.connections) plan.setEdge(link.source, link.target);
  dagre.layout(plan);
  const places = cards.map((node) => {
    const { x, y, width, height } = plan.node(node.key);
    return { key: node.key, x: snapped(x - width / 2), y: snapped(y - height / 2) };
  });
  const moves = places.filter((move, index) => move.x !== cards[index].position.x || move.y !== cards[index].position.y);
  return moves.length ? { op: "move_nodes", moves: [...moves, ...followed(graph.nodes, moves)] } : null;
}

const LEGIBLE = 0.5;
const MARGIN = 24;
const CARD = { width: 224, height: 64 };

/** What the cards take up, in pixels at zoom 1. By the graph, not by what is drawn: it may be asked for before that. */
function bounds(flow, graph) {
  const boxes = graph.nodes.map((node) => {
    const { key, position: { x, y } } = node;
    const { width = CARD.width, height = CARD.height } = isNote(node) ? sizeOf(node) : flow.getInternalNode(key)?.measured ?? {};
    return [x, y, x + width, y + height];
  });
  const [left, top] = [0, 1].map((side) => Math.min(...boxes.map((box) => box[side])));
  const [right, bottom] = [2, 3].map((side) => Math.max(...boxes.map((box) => box[side])));
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The view `{x, y, zoom}` of the whole graph in `pane`; where its cards would be too small to read (a phone), of the node `key`, else of
 * its beginning. */
export function wholeView(flow, graph, pane, key = null) {
  const box = bounds(flow, graph);
  const zoom = Math.min((pane.width - 2 * MARGIN) / box.width, (pane.height - 2 * MARGIN) / box.height);
  if (pane.width > 700 || zoom >= LEGIBLE) return getViewportForBounds(box, pane.width, pane.height, 0.08, 1, 0.18);
  const named = graph.nodes.find((node) => node.key === key);
  const first = named ?? graph.nodes.reduce((left, node) => (node.position.x < left.position.x ? node : left));
  const readable = 0.7;
  const start = named ? pane.width / 2 - (CARD.width / 2) * readable : MARGIN;
  return { x: start - first.position.x * readable, y: pane.height / 2.5 - (first.position.y + 32) * readable, zoom: readable };
}

/** Shows the whole graph; where there is no room for it, the node `key`, else its beginning. */
export function fitted(flow, graph, pane, { duration = 0, key = null } = {}) {
  if (graph.nodes.length) flow.setViewport(wholeView(flow, graph, pane, key), { duration });
}
