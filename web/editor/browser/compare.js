// What differs between two graphs, per node and field. Pure. Positions don't count: a tidied canvas does the same.

const same = (a, b) => JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));

/** The value with the keys of its objects in one order, and without what is null or empty. */
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value ?? null;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, ordered(value[key])]));
}

const plain = (value) => (value === undefined || value === "" || value === false ? null : value);

function flat(node) {
  const { config = {}, position, key, join, ...others } = node;
  return { ...others, join: join === "any" ? null : join, ...Object.fromEntries(Object.entries(config).map(([name, value]) => [`config.${name}`, value])) };
}

function fields(before, after) {
  const [old, now] = [flat(before), flat(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names.filter((name) => !same(plain(old[name]), plain(now[name]))).map((name) => ({ path: name, before: plain(old[name]), after: plain(now[name]) }));
}

const linkName = (link) => `${link.source}:${link.source_port ?? "main"}→${link.target}`;

/** `{nodes: [{key, change, fields}], connections: [{change, source, source_port, target}]}` from `before` to `after`. */
export function compared(before, after) {
  const [old, now] = [before, after].map((graph) => new Map(graph.nodes.map((node) => [node.key, node])));
  const nodes = [];
  for (const [key, node] of old) {
    if (!now.has(key)) nodes.push({ key, change: "removed", fields: [] });
    else if (fields(node, now.get(key)).length) nodes.push({ key, change: "changed", fields: fields(node, now.get(key)) });
  }
  for (const key of now.keys()) if (!old.has(key)) nodes.push({ key, change: "added", fields: [] });
  const [were, are] = [before, after].map((graph) => new Map(graph.connections.map((link) => [linkName(link), link])));
  const gone = [...were].filter(([name]) => !are.has(name)).map(([, link]) => ({ change: "removed", ...link }));
  const fresh = [...are].filter(([name]) => !were.has(name)).map(([, link]) => ({ change: "added", ...link }));
  return { nodes, connections: [...gone, ...fresh] };
}

/** Both graphs in one, to be drawn: `after` with what it has no longer, and the connections marked `added` or `removed`. */
export function united(before, after, found = compared(before, after)) {
  const gone = new Set(found.nodes.filter((node) => node.change === "removed").map((node) => node.key));
  const marks = new Map(found.connections.map((link) => [linkName(link), link.change]));
  const removed = before.connections.filter((link) => marks.get(linkName(link)) === "removed");
  return {
    nodes: [...after.nodes, ...before.nodes.filter((node) => gone.has(node.key))],
    connections: [...after.connections, ...removed].map((link) => (marks.has(linkName(link)) ? { ...link, mark: marks.get(linkName(link)) } : link)),
  };
}
