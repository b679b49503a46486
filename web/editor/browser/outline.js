// The graph as a list: in an order in which every node comes after what leads to it. Pure.

import { linksFrom, linksTo } from "./graph.js";

const earlier = (a, b) => a.position.x - b.position.x || a.position.y - b.position.y || (a.key < b.key ? -1 : 1);

/** The nodes from first to last; those that could run at the same time as they stand on the canvas, from left to right. */
export function ordered(graph) {
  const byKey = new Map(graph.nodes.map((node) => [node.key, node]));
  const left = new Map(graph.nodes.map((node) => [node.key, linksTo(graph, node.key).length]));
  const ready = graph.nodes.filter((node) => !left.get(node.key)).sort(earlier);
  const list = [];
  while (ready.length) {
    const node = ready.shift();
    list.push(node);
    for (const { target } of linksFrom(graph, node.key)) {
      left.set(target, left.get(target) - 1);
      if (left.get(target)) continue;
      const next = byKey.get(target);
      const place = ready.findIndex((other) => earlier(next, other) < 0);
      ready.splice(place < 0 ? ready.length : place, 0, next);
    }
  }
  return list;
}
