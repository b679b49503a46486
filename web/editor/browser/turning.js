// One graph made into another by operations: what takes back that a version has become the draft, and what does it again. Pure.

const text = (value) => JSON.stringify(value ?? null);
const sameLink = (one, other) => one.source === other.source && one.source_port === other.source_port && one.target === other.target;
const among = (links, link) => links.some((other) => sameLink(other, link));
const linked = (op, { source, source_port, target }) => ({ op, source, source_port, target });

/** The fields of `now` that are otherwise than in `was`; null takes one away. */
export function otherwise(was, now) {
  const names = [...new Set([...Object.keys(was), ...Object.keys(now)])];
  return Object.fromEntries(names.filter((name) => text(was[name]) !== text(now[name])).map((name) => [name, now[name] ?? null]));
}

/** What a node is set to otherwise, as an operation, or none. */
function configuring({ config: before = {}, key, type, position, ...was }, { config: after = {}, key: _key, type: _type, position: _position, ...now }) {
  const [fields, config] = [otherwise(was, now), otherwise(before, after)];
  if (Object.keys(config).length) fields.config = config;
  return Object.keys(fields).length ? [{ op: "configure_node", key, fields }] : [];
}

/** Those fields of `to` that can be set without loss: what is set now is still what it was in `from`. */
export const unchangedSince = (from, to, now) => Object.fromEntries(Object.entries(to).filter(([name]) => text(now[name]) === text(from[name])));

/** The operations that make the graph `to` out of `from`. A node of another type is another node, whatever its key. */
export function turned(from, to) {
  const [old, now] = [from, to].map((graph) => new Map(graph.nodes.map((node) => [node.key, node])));
  const stays = (key) => old.has(key) && now.has(key) && old.get(key).type === now.get(key).type;
  const kept = to.nodes.filter(({ key }) => stays(key));
  const left = from.connections.filter((link) => stays(link.source) && stays(link.target));
  const gone = from.nodes.map(({ key }) => key).filter((key) => !stays(key));
  const moves = kept.filter(({ key, position }) => text(old.get(key).position) !== text(position)).map(({ key, position }) => ({ key, ...position }));
  return [
    ...left.filter((link) => !among(to.connections, link)).map((link) => linked("disconnect", link)),
    ...(gone.length ? [{ op: "remove_nodes", keys: gone }] : []),
    ...to.nodes.filter(({ key }) => !stays(key)).map((node) => ({ op: "add_node", node })),
    ...kept.flatMap((node) => configuring(old.get(node.key), node)),
    ...(moves.length ? [{ op: "move_nodes", moves }] : []),
    ...to.connections.filter((link) => !among(left, link)).map((link) => linked("connect", link)),
  ];
}

const UNSAID = { name: "", config: {}, disabled: false, join: "any", notes: "" };
const whole = (graph) => ({ ...graph, nodes: graph.nodes.map((node) => ({ ...UNSAID, ...node })) });

/** What has been done to a graph meanwhile, as operations; that something unsaid is said now is no change. */
export const changed = (before, after) => turned(whole(before), whole(after));
