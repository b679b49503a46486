// Nodes to be: what a fresh one holds, and how one comes between two others. Pure but for the addresses of webhooks.

import { freshKey, linksFrom, nodeOf } from "./graph.js";

const STEP = 300; // from one card's left side to the next one's, at least
const snapped = (value) => Math.round(value / 10) * 10;

/** A node of this type with a free key. */
export function newNode(graph, type, position) {
  const key = freshKey(new Set(graph.nodes.map((node) => node.key)), type.type);
  return { key, type: type.type, name: "", config: initialConfig(type), position, disabled: false, join: "any", notes: "" };
}

/** The defaults that the schema requires to be chosen, and for webhooks an address that can't be guessed. */
function initialConfig(type) {
  const { properties = {}, required = [] } = type.config_schema ?? {};
  const config = {};
  for (const name of required) {
    if (properties[name]?.default !== undefined) config[name] = properties[name].default;
  }
  if (type.type === "trigger.webhook") config.path = randomPath();
  return config;
}

/** A copied webhook gets an address of its own: two can't listen at one. */
export const ownAddress = (node) => (node.type === "trigger.webhook" ? { ...node, config: { ...node.config, path: randomPath() } } : node);

const randomPath = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Where a node between the two ends of a connection goes: to `place`, or halfway, but not onto the first of the two. */
export function middle(graph, link, place = null) {
  const [source, target] = [nodeOf(graph, link.source).position, nodeOf(graph, link.target).position];
  if (place) return place;
  const [x, y] = [(source.x + target.x) / 2, (source.y + target.y) / 2];
  return { x: snapped(target.x > source.x ? Math.max(x, source.x + STEP) : x), y: snapped(target.x > source.x ? y : y + 100) };
}

/**
 * The operations that lead a connection through `node`, which leaves by `port`. What comes after it makes room, where the cards would
 * lie on one another or the connection would lead back.
 */
export function between(graph, link, node, port) {
  const [source, target] = [nodeOf(graph, link.source), nodeOf(graph, link.target)];
  const missing = node.position.x + STEP - target.position.x;
  const moves = missing > 0 && target.position.x > source.position.x ? shifted(graph, link.target, node.key, Math.ceil(missing / 20) * 20) : [];
  return [
    { op: "disconnect", ...link },
    { op: "connect", ...link, target: node.key },
    { op: "connect", source: node.key, source_port: port, target: link.target },
    ...(moves.length ? [{ op: "move_nodes", moves }] : []),
  ];
}

/** The moves that push a node, and all that follows it, to the right. */
function shifted(graph, start, without, by) {
  const found = new Set([start]);
  for (const key of found) linksFrom(graph, key).forEach((link) => found.add(link.target));
  found.delete(without);
  return [...found].map((key) => ({ key, x: nodeOf(graph, key).position.x + by, y: nodeOf(graph, key).position.y }));
}
