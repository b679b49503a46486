// Connections when the ports that they leave by change: a case gets another label, is taken away, or a failure no longer has a way of its own. Pure.

import { linksFrom, portsOf } from "./graph.js";

const labelsOf = (type, node) => {
  const cases = type?.ports_from ? node.config?.[type.ports_from] : null;
  return Array.isArray(cases) ? cases.map((item) => item?.label ?? "") : [];
};

/** The one label that differs: `[before, after]`; null where there isn't exactly one. */
function relabelled(before, after) {
  if (before.length !== after.length) return null;
  const changed = [...before.keys()].filter((at) => before[at] !== after[at]);
  return changed.length === 1 ? [before[changed[0]], after[changed[0]]] : null;
}

const alone = (labels, label) => labels.filter((other) => other === label).length === 1;

/** The port whose connections go with a label that is typed: the one it named; after a moment without a name, or with another's, the one that is left over. */
function portOf(links, type, node, labels, label) {
  if (label && alone(labels, label) && links.some((link) => link.source_port === label)) return label;
  const left = new Set(links.map((link) => link.source_port).filter((port) => !portsOf(type, node).includes(port)));
  return left.size === 1 ? [...left][0] : null;
}

/** The operations that let the connections of a node follow its ports: `before` and `after` are the node. */
export function followed(graph, type, before, after) {
  const links = linksFrom(graph, before.key);
  if (!links.length) return [];
  const [old, now] = [labelsOf(type, before), labelsOf(type, after)];
  const off = ({ source, source_port, target }) => ({ op: "disconnect", source, source_port, target });
  const change = relabelled(old, now);
  if (change) {
    const [label, next] = change;
    if (!next || !alone(now, next) || type.outputs.includes(next)) return [];
    const port = portOf(links, type, before, old, label);
    return links.filter((link) => link.source_port === port).flatMap((link) => [off(link), { ...off(link), op: "connect", source_port: next }]);
  }
  const [were, are] = [portsOf(type, before), portsOf(type, after)];
  return links.filter(({ source_port: port }) => were.includes(port) && !are.includes(port)).map(off);
}
