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
      const next = byKey.get(target);
      left.set(target, left.get(target) - 1);
      if (!next || left.get(target)) continue; // a draft that is being changed may lead to what is gone
      const place = ready.findIndex((other) => earlier(next, other) < 0);
      ready.splice(place < 0 ? ready.length : place, 0, next);
    }
  }
  return list;
}

/** All the nodes in the order in which one goes through them with Tab: from first to last. */
export function inOrder(graph) {
  const places = new Map(ordered(graph).map(({ key }, place) => [key, place]));
  const place = ({ key }) => places.get(key) ?? places.size; // two versions in one drawing may lead in a circle
  return [...graph.nodes].sort((one, other) => place(one) - place(other));
}

/**
 * The key of the node to which one goes from `key` in a direction (`dx`, `dy`: -1, 0 or 1): the nearest one that lies more that way than
 * aside. Null where there is none.
 */
export function neighbour(graph, key, dx, dy) {
  const { position: from } = graph.nodes.find((node) => node.key === key);
  const steps = graph.nodes.map((node) => {
    const [x, y] = [node.position.x - from.x, node.position.y - from.y];
    return { key: node.key, ahead: x * dx + y * dy, aside: Math.abs(x * dy) + Math.abs(y * dx) };
  });
  const reached = steps.filter(({ ahead, aside }) => ahead > 0 && (dx ? aside <= 3 * ahead : aside <= ahead));
  return reached.sort((a, b) => a.ahead + 2 * a.aside - b.ahead - 2 * b.aside)[0]?.key ?? null;
}
