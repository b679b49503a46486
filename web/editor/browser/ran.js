// Whether a node of the draft is still set as it was in the run that is shown: where it isn't, what became of it there is no longer
// what it would do. Pure. Names, notes, places and pins don't count: the node does the same.

const SETTINGS = ["type", "config", "retry", "timeout_s", "on_error", "disabled", "for_each", "join"];
const plain = (value) => (value === undefined || value === false || value === "any" ? null : value);
const texts = new WeakMap();

/** JSON with the names of objects in one order, and without what is null. */
const sorted = (_, value) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().filter((name) => value[name] !== null).map((name) => [name, value[name]]));
};

/** The node's settings as text, made once: every card asks at every change. */
function settingsOf(node) {
  if (!texts.has(node)) texts.set(node, JSON.stringify(SETTINGS.map((name) => plain(node[name])), sorted));
  return texts.get(node);
}

/** What the run saw: `graph` as it was when Python was asked, but for the nodes that the answer says were otherwise (null: not there). */
export function seen(graph, { execution_id, version, nodes }) {
  return { execution_id, version, nodes: { ...Object.fromEntries(graph.nodes.map((node) => [node.key, node])), ...nodes } };
}

/** Whether the node is set otherwise than in that run; nothing is known of one that the run didn't see. */
export function isChanged(ran, node) {
  const before = ran?.nodes[node.key];
  return Boolean(before) && before !== node && settingsOf(before) !== settingsOf(node);
}
