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

const found = (text, words) => words.every((word) => text.includes(word));

/** The entries `{title, about?}` that a search finds: first the one of that very title, then those that begin with it, then by title, then by the rest. */
export function matching(entries, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return entries;
  const rank = ({ title, about = "", words: more = "" }) => {
    const name = title.toLowerCase();
    if (!found(`${name} ${about.toLowerCase()} ${more.toLowerCase()}`, words)) return 0;
    return name === words.join(" ") ? 4 : name.startsWith(words[0]) ? 3 : found(name, words) ? 2 : 1;
  };
  return entries.map((entry) => [rank(entry), entry]).filter(([points]) => points).sort(([a], [b]) => b - a).map(([, entry]) => entry);
}
