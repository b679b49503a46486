// What expressions of a node see, out of the last run's recorded data and what is pinned. Pure.

import { MAIN, upstream } from "./graph.js";
import { steps, valueAt } from "./paths.js";

const PATH = /^\s*\{\{\s*([A-Za-z_][\w.[\]"' ]*?)\s*\}\}\s*$/;

/** How each node left in the recorded run; what is pinned counts before that. Where nothing has run, triggers hand the `trial` on. */
function outcomes(data, graph, trial) {
  const found = { ...(data?.nodes ?? {}) };
  for (const node of graph.nodes) {
    if (node.pinned !== undefined && node.pinned !== null) found[node.key] = { port: MAIN, output: node.pinned };
    else if (trial !== null && node.type?.startsWith("trigger.")) found[node.key] = { port: MAIN, output: trial };
  }
  return found;
}

/** The first item of the list that a node goes through, as far as that can be told without working anything out. */
function firstItem(node, scope) {
  const items = node?.for_each?.items ?? node?.config?.items;
  const list = Array.isArray(items) ? items : typeof items === "string" ? valueAt(scope, steps(PATH.exec(items)?.[1] ?? "")) : null;
  return Array.isArray(list) && list.length ? list[0] : null;
}

/** What reaches a node: one output as it is, several as an object by their nodes' keys, null where nothing came. */
function inputOf(graph, key, ended) {
  const taken = graph.connections.filter((link) => link.target === key && ended[link.source] && ended[link.source].port === (link.source_port ?? MAIN));
  if (taken.length === 1) return ended[taken[0].source].output;
  return taken.length ? Object.fromEntries(taken.map((link) => [link.source, ended[link.source].output])) : null;
}

/** Whether nothing is recorded, pinned or kept as test input that expressions of the node `key` could use. */
export function isBare(data, graph, key, trial = null) {
  const pinned = upstream(graph, key).some((name) => graph.nodes.find((node) => node.key === name)?.pinned != null);
  return !data?.execution_id && trial === null && !pinned;
}

/** `{payload, input, trigger, nodes, item?, index?, vars, …}` for the node `key`; `nodes` are those that lead to it, null where nothing is
 * recorded. `trial`: the test input, which stands for the payload where nothing has run yet. */
export function scopeOf(data, graph, key, trial = null) {
  const given = data?.execution_id ? null : trial;
  const ended = outcomes(data, graph, given);
  const node = graph.nodes.find((one) => one.key === key);
  const scope = {
    payload: data?.payload ?? given,
    input: inputOf(graph, key, ended),
    trigger: data?.trigger ?? null,
    nodes: Object.fromEntries(upstream(graph, key).map((name) => [name, ended[name]?.output ?? null])),
    vars: data?.vars ?? {},
    execution: { id: data?.execution_id ?? "" },
    workflow: { id: "", name: "" },
    now: new Date().toISOString(),
  };
  return node?.for_each || node?.config?.items !== undefined ? { ...scope, item: firstItem(node, scope), index: 0 } : scope;
}
