// Pure edits of a workflow's graph: no React, no network, no clock. The shapes are those of the public API
// (trestle/contracts: Graph, Operation). Every function returns new values and leaves its arguments alone.

import { parsed } from "./integers.js";
import { isNote, working } from "./notes.js";
import { renamed } from "./renaming.js";

export const MAIN = "main";
export const ERROR = "error";
export const EMPTY = { nodes: [], connections: [] };
const KEY = /^[a-z][a-z0-9_]{0,62}$/;

/** `make(list)`, made once for each list: they are never changed in place. */
function once(make) {
  const made = new WeakMap();
  return (list) => {
    if (!made.has(list)) made.set(list, make(list));
    return made.get(list);
  };
}

const byKey = once((nodes) => new Map(nodes.map((node) => [node.key, node])));
const linksBy = (end) => once((connections) => Map.groupBy(connections, (link) => link[end]));
const [bySource, byTarget] = [linksBy("source"), linksBy("target")];
const NONE = [];

export const nodeOf = (graph, key) => byKey(graph.nodes).get(key);

/** The connections that leave a node. */
export const linksFrom = (graph, key) => bySource(graph.connections).get(key) ?? NONE;

/** The connections that lead to a node. */
export const linksTo = (graph, key) => byTarget(graph.connections).get(key) ?? NONE;

const same = (a, b) => a.source === b.source && a.source_port === b.source_port && a.target === b.target;
const touches = (connection, keys) => keys.has(connection.source) || keys.has(connection.target);
const changeNode = (graph, key, change) => ({ ...graph, nodes: graph.nodes.map((node) => (node.key === key ? change(node) : node)) });

/** `config` with the top-level fields of `change` put in; null takes a field away. */
export function mergedConfig(config, change) {
  const merged = { ...config };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete merged[name];
    else merged[name] = value;
  }
  return merged;
}

function configured(node, fields) {
  const { config, ...others } = fields;
  return { ...node, ...others, config: config ? mergedConfig(node.config, config) : node.config };
}

/** The node with its expressions following nodes that got other keys: `[[old, new], …]`. */
function following(node, renames) {
  const follow = (value) => renames.reduce((found, [old, key]) => renamed(found, old, key), value);
  const [config, each] = [follow(node.config ?? {}), follow(node.for_each ?? null)];
  if (config === (node.config ?? config) && each === (node.for_each ?? null)) return node;
  return { ...node, config, ...(each ? { for_each: each } : {}) };
}

/** The graph after one operation. An operation whose target is gone changes nothing. */
export function apply(graph, operation) {
  switch (operation.op) {
    case "add_node":
      return nodeOf(graph, operation.node.key) ? graph : { ...graph, nodes: [...graph.nodes, operation.node] };
    case "move_nodes": {
      const to = new Map(operation.moves.map((move) => [move.key, { x: move.x, y: move.y }]));
      return { ...graph, nodes: graph.nodes.map((node) => (to.has(node.key) ? { ...node, position: to.get(node.key) } : node)) };
    }
    case "configure_node":
      return changeNode(graph, operation.key, (node) => configured(node, operation.fields));
    case "rename_node": {
      const { key: old, new_key: key } = operation;
      const follow = (end) => (end === old ? key : end);
      return {
        nodes: graph.nodes.map((node) => following(node.key === old ? { ...node, key } : node, [[old, key]])),
        connections: graph.connections.map((link) => ({ ...link, source: follow(link.source), target: follow(link.target) })),
      };
    }
    case "remove_nodes": {
      const gone = new Set(operation.keys);
      return {
        nodes: graph.nodes.filter((node) => !gone.has(node.key)),
        connections: graph.connections.filter((link) => !touches(link, gone)),
      };
    }
    case "connect": {
      const link = { source: operation.source, source_port: operation.source_port ?? MAIN, target: operation.target };
      return graph.connections.some((other) => same(other, link)) ? graph : { ...graph, connections: [...graph.connections, link] };
    }
    case "disconnect":
      return { ...graph, connections: graph.connections.filter((link) => !same(link, { source_port: MAIN, ...operation })) };
    default:
      throw new Error(`No such operation: ${operation.op}`);
  }
}

export const applyAll = (graph, operations) => operations.reduce(apply, graph);

const connect = (link) => ({ op: "connect", source: link.source, source_port: link.source_port, target: link.target });

function inverseFields(node, fields) {
  const before = {};
  for (const name of Object.keys(fields)) {
    if (name !== "config") before[name] = node[name] ?? null;
  }
  if (fields.config) before.config = Object.fromEntries(Object.keys(fields.config).map((name) => [name, node.config[name] ?? null]));
  return before;
}

/** The name back; and what named the new key before there was such a node. */
function renamedBack(graph, operation) {
  const back = { op: "rename_node", key: operation.new_key, new_key: operation.key };
  const after = apply(apply(graph, operation), back);
  const strayed = graph.nodes.filter(({ key, config, for_each }) => {
    const now = nodeOf(after, key);
    return JSON.stringify([now.config, now.for_each]) !== JSON.stringify([config, for_each]);
  });
  return [back, ...strayed.map(({ key, config, for_each }) => ({ op: "configure_node", key, fields: { config, ...(for_each ? { for_each } : {}) } }))];
}

/** The operations that take `operation` back; `graph` is the graph before it. */
export function invert(graph, operation) {
  switch (operation.op) {
    case "add_node":
      return [{ op: "remove_nodes", keys: [operation.node.key] }];
    case "move_nodes":
      return [{ op: "move_nodes", moves: operation.moves.flatMap(({ key }) => placed(nodeOf(graph, key))) }];
    case "configure_node": {
      const node = nodeOf(graph, operation.key);
      return node ? [{ op: "configure_node", key: operation.key, fields: inverseFields(node, operation.fields) }] : [];
    }
    case "rename_node":
      return renamedBack(graph, operation);
    case "remove_nodes": {
      const gone = new Set(operation.keys);
      return [
        ...graph.nodes.filter((node) => gone.has(node.key)).map((node) => ({ op: "add_node", node })),
        ...graph.connections.filter((link) => touches(link, gone)).map(connect),
      ];
    }
    case "connect":
      return graph.connections.some((link) => same(link, operation)) ? [] : [{ ...connect(operation), op: "disconnect" }];
    case "disconnect":
      return [connect(operation)];
    default:
      throw new Error(`No such operation: ${operation.op}`);
  }
}

const placed = (node) => (node ? [{ key: node.key, ...node.position }] : []);

/** The operations that take a whole sequence back, last one first. */
export function invertAll(graph, operations) {
  const inverses = [];
  let current = graph;
  for (const operation of operations) {
    inverses.unshift(...invert(current, operation));
    current = apply(current, operation);
  }
  return inverses;
}

/** Why these two can't be connected, or null where they can. */
export function refusal(graph, { source, source_port = MAIN, target }, catalogue = {}) {
  if (source === target) return "A node can't feed itself.";
  const [from, to] = [nodeOf(graph, source), nodeOf(graph, target)];
  if (!from || !to) return "One of the two nodes is gone.";
  if (isNote(from) || isNote(to)) return "A note is there to be read: nothing leads to it or from it.";
  if (catalogue[to.type]?.inputs?.length === 0) return `${to.name || catalogue[to.type].title || to.key} is a trigger: it starts a run and takes no input.`;
  if (graph.connections.some((link) => same(link, { source, source_port, target }))) return "These two are connected already.";
  if (reaches(graph, target, source)) return "That would make a circle: a run could never finish.";
  return null;
}

function reaches(graph, start, goal) {
  const seen = new Set([start]);
  const open = [start];
  while (open.length) {
    const key = open.pop();
    if (key === goal) return true;
    for (const { target } of linksFrom(graph, key)) {
      if (!seen.has(target)) {
        seen.add(target);
        open.push(target);
      }
    }
  }
  return false;
}

/** The keys of every node whose result `key` can see: its ancestors, nearest first. */
export function upstream(graph, key) {
  const found = [];
  const seen = new Set([key]);
  for (let open = [key]; open.length; ) {
    const before = open.flatMap((target) => linksTo(graph, target)).map((link) => link.source);
    open = [...new Set(before)].filter((source) => !seen.has(source));
    open.forEach((source) => seen.add(source));
    found.push(...open);
  }
  return found;
}

const slug = (text) => text.toLowerCase().replace(/^trigger\./, "").replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 55);

/** A free key made from a type (`trigger.webhook` → `webhook`) or from a name or key: the second one ends in `_2`. */
export function freshKey(taken, wish) {
  const base = slug(wish).replace(/_\d+$/, "") || "node";
  if (!taken.has(base)) return base;
  let number = 2;
  while (taken.has(`${base}_${number}`)) number += 1;
  return `${base}_${number}`;
}

/** What is wrong with a key that somebody typed, or null. */
export function keyProblem(graph, key, current) {
  if (key === current) return null;
  if (!KEY.test(key)) return "Lower-case letters, digits and _, beginning with a letter.";
  return nodeOf(graph, key) ? "Another node has this key." : null;
}

/** The output ports of a node, top to bottom; `error` among them where the node branches on failure. */
export function portsOf(type, node) {
  const fixed = type?.outputs ?? [MAIN];
  const cases = type?.ports_from ? node.config?.[type.ports_from] : null;
  const labels = Array.isArray(cases) ? cases.map((item) => item?.label).filter((label) => typeof label === "string" && label !== "") : [];
  const ports = [...new Set([...labels, ...fixed])];
  return node.on_error === "branch" && !ports.includes(ERROR) ? [...ports, ERROR] : ports;
}

const MARK = "trestle/nodes";

/** The chosen nodes and what connects them, as the text that goes through the clipboard. */
export function copied(graph, keys) {
  const chosen = new Set(keys);
  const nodes = graph.nodes.filter((node) => chosen.has(node.key)).map(({ id, ...node }) => node);
  const inner = graph.connections.filter((link) => chosen.has(link.source) && chosen.has(link.target));
  const connections = inner.map(({ source, source_port, target }) => ({ source, source_port, target }));
  return JSON.stringify({ kind: MARK, nodes, connections }, null, 2);
}

/** What a clipboard text holds, or null where it is not ours: a copy of nodes, or an exported workflow. */
export function parseCopied(text) {
  try {
    const value = parsed(text);
    const nodes = Array.isArray(value?.nodes) ? value.nodes : [];
    if (!nodes.length || !nodes.every((node) => typeof node?.key === "string" && typeof node?.type === "string")) return null;
    return { nodes, connections: Array.isArray(value.connections) ? value.connections : [] };
  } catch {
    return null;
  }
}

/** The operations that put a copy into `graph` with fresh keys, its top left corner at `at` (or 40 px aside), and those keys. */
export function pasted(graph, fragment, at) {
  const taken = new Set(graph.nodes.map((node) => node.key));
  const keys = new Map();
  for (const node of fragment.nodes) {
    const key = freshKey(taken, node.key);
    taken.add(key);
    keys.set(node.key, key);
  }
  const xs = fragment.nodes.map((node) => node.position?.x ?? 0);
  const ys = fragment.nodes.map((node) => node.position?.y ?? 0);
  const [dx, dy] = at ? [at.x - Math.min(...xs), at.y - Math.min(...ys)] : [40, 40];
  // Two keys may change places. On the way each is called what no key may be: longer than 63 characters.
  const between = (index) => `${"pasted_".padEnd(64, "_")}${index}`;
  const others = [...keys].filter(([old, key]) => old !== key);
  const renames = [...others.map(([old], index) => [old, between(index)]), ...others.map(([, key], index) => [between(index), key])];
  const nodes = fragment.nodes.map(({ id, ...node }) => ({
    ...following({ ...node, config: node.config ?? {} }, renames),
    key: keys.get(node.key),
    position: { x: Math.round((node.position?.x ?? 0) + dx), y: Math.round((node.position?.y ?? 0) + dy) },
  }));
  const links = fragment.connections.filter((link) => keys.has(link.source) && keys.has(link.target));
  const operations = [
    ...nodes.map((node) => ({ op: "add_node", node })),
    ...links.map((link) => connect({ source: keys.get(link.source), source_port: link.source_port ?? MAIN, target: keys.get(link.target) })),
  ];
  return { operations, keys: nodes.map((node) => node.key) };
}

/** The first free place for a new card: to the right of `after`, or of everything, moved down until nothing is in the way. */
export function freePlace(graph, after, size = { width: 224, height: 64 }) {
  const cards = working(graph.nodes);
  const start = after?.position ?? { x: Math.max(-300, ...cards.map((node) => node.position.x)), y: cards[0]?.position.y ?? 0 };
  const place = { x: start.x + 300, y: start.y };
  const blocked = ({ x, y }) =>
    cards.some((node) => Math.abs(node.position.x - x) < size.width + 16 && Math.abs(node.position.y - y) < size.height + 24);
  while (blocked(place)) place.y += 100;
  return place;
}
