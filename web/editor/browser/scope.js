// What expressions of a node see, out of the last run's recorded data and what is pinned. Pure.

import { MAIN, upstream } from "./graph.js";

/** How each node left in the recorded run; what is pinned counts before that. */
function outcomes(data, graph) {
  const found = { ...(data?.nodes ?? {}) };
  for (const node of graph.nodes) {
    if (node.pinned !== undefined && node.pinned !== null) found[node.key] = { port: MAIN, output: node.pinned };
  }
  return found;
}

/** What reaches a node: one output as it is, several as an object by their nodes' keys, null where nothing came. */
function inputOf(graph, key, ended) {
  const taken = graph.connections.filter((link) => link.target === key && ended[link.source] && ended[link.source].port === (link.source_port ?? MAIN));
  if (taken.length === 1) return ended[taken[0].source].output;
  return taken.length ? Object.fromEntries(taken.map((link) => [link.source, ended[link.source].output])) : null;
}

/** `{payload, input, trigger, nodes, item?, index?, vars, …}` for the node `key`; `nodes` are those that lead to it, null where nothing is recorded. */
export function scopeOf(data, graph, key) {
  const ended = outcomes(data, graph);
  const each = graph.nodes.find((node) => node.key === key)?.for_each;
  return {
    payload: data?.payload ?? null,
    input: inputOf(graph, key, ended),
    trigger: data?.trigger ?? null,
    nodes: Object.fromEntries(upstream(graph, key).map((name) => [name, ended[name]?.output ?? null])),
    ...(each ? { item: null, index: 0 } : {}),
    vars: data?.vars ?? {},
    execution: { id: data?.execution_id ?? "" },
    workflow: { id: "", name: "" },
    now: new Date().toISOString(),
  };
}
