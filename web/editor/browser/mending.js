// Operations made of others: what a person decides after a conflict, and pins from a past run. Pure.

import { apply, nodeOf } from "./graph.js";

const linkOf = ({ source, source_port, target }) => ({ op: "connect", source, source_port, target });

/**
 * The operations that bring one's own refused changes into the graph as it is now. `local` is the graph as one saw it: a node that
 * somebody else has deleted meanwhile is put back from there, with its connections.
 */
export function again(local, now, operations) {
  const back = new Map();
  const put = [];
  for (const { id, ...operation } of operations) {
    const lost = operation.op === "configure_node" && !nodeOf(now, operation.key) ? nodeOf(local, operation.key) : null;
    if (lost) back.set(lost.key, lost);
    else if (possible(now, operation)) put.push(operation);
  }
  const there = (key) => back.has(key) || nodeOf(now, key);
  const links = local.connections.filter((link) => (back.has(link.source) || back.has(link.target)) && there(link.source) && there(link.target));
  return [...[...back.values()].map((node) => ({ op: "add_node", node })), ...links.map(linkOf), ...put];
}

function possible(graph, operation) {
  if (operation.op === "add_node") return !nodeOf(graph, operation.node.key);
  if (operation.op === "rename_node") return Boolean(nodeOf(graph, operation.key)) && !nodeOf(graph, operation.new_key);
  if (operation.op === "connect") return Boolean(nodeOf(graph, operation.source) && nodeOf(graph, operation.target));
  if (operation.op === "remove_nodes") return operation.keys.some((key) => nodeOf(graph, key));
  if (operation.op === "move_nodes") return operation.moves.every(({ key }) => nodeOf(graph, key));
  return operation.op === "disconnect" || Boolean(nodeOf(graph, operation.key));
}

/** Of operations that are done one after the other, those that can be: none, say, that connects with a node which somebody else has taken away. */
export function feasible(graph, operations) {
  let now = graph;
  return operations.filter((operation) => {
    if (!possible(now, operation)) return false;
    now = apply(now, operation);
    return true;
  });
}

/** `{operations, replaced, gone}`: pins for these nodes; which other pins they replace, and which nodes the graph has no longer. */
export function pinned(graph, pins) {
  const found = Object.entries(pins).filter(([key]) => nodeOf(graph, key));
  const had = (key) => nodeOf(graph, key).pinned ?? null;
  return {
    operations: found.map(([key, value]) => ({ op: "configure_node", key, fields: { pinned: value } })),
    replaced: found.filter(([key, value]) => had(key) !== null && JSON.stringify(had(key)) !== JSON.stringify(value)).map(([key]) => key),
    gone: Object.keys(pins).filter((key) => !nodeOf(graph, key)),
  };
}

/** What the editor of a pin begins with, `{value, partial}`: the pin; else what the node put out in the run that is shown (`output` of its
 * values, where they are here whole), or what of it is recorded for expressions, where long lists and texts are cut off. */
export function pinBegun(pin, output, recorded) {
  if (pin !== undefined && pin !== null) return { value: pin, partial: false };
  const whole = output && output.value !== null && !Object.keys(output.cuts).length && !output.files.length;
  if (whole) return { value: output.value, partial: false };
  return { value: recorded ?? {}, partial: recorded !== undefined && recorded !== null };
}

/** Two operations of the same kind on the same target as one. */
export function joined(before, after) {
  if (after.op === "move_nodes") return { ...before, moves: after.moves };
  const config = after.fields.config ? { ...before.fields.config, ...after.fields.config } : before.fields.config;
  return { ...before, fields: { ...before.fields, ...after.fields, ...(config ? { config } : {}) } };
}

/** What an operation is about: nodes by key, parts of them (`key/name`), connections. */
function about({ op, key, new_key: renamed, keys, moves, node, fields, source, source_port: port, target }) {
  if (op === "configure_node") return Object.entries(fields).flatMap(([name, value]) => (name === "config" ? Object.keys(value ?? {}).map((field) => `${key}/config.${field}`) : [`${key}/${name}`]));
  if (op === "move_nodes") return moves.map((move) => `${move.key}/position`);
  if (source) return [`>${source}>${port ?? "main"}>${target}`];
  return keys ?? [node?.key ?? key, ...(renamed ? [renamed] : [])];
}

const isNode = (path) => !path.startsWith(">") && !path.includes("/");
const isAt = (link, node) => isNode(node) && (link.startsWith(`>${node}>`) || (link.startsWith(">") && link.endsWith(`>${node}`)));
const meet = (a, b) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`) || isAt(a, b) || isAt(b, a);
const meets = (paths, others) => paths.some((a) => others.some((b) => meet(a, b)));

/** Whether an operation is about one of these paths (as of the backend's `touched`), a part of it, or what it is a part of; a node and a
 * connection at it count as one. */
export const reaches = (paths, operation) => meets(about(operation), paths);

/** Whether two operations are about the same thing, or one about a part of the other's. */
export const touching = (one, other) => reaches(about(one), other);
