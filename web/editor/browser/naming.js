// What people call nodes, operations on them, and reasons that name them: as the cards on the canvas do. Pure.

import { isNote, titleOf as noteTitle } from "./notes.js";

const KEY = /(?<!key )“([a-z][a-z0-9_]*)”/g; // where a reason says “the key …”, it is about the key
const WAY = /\b[a-z][a-z0-9_]*(?: → [a-z][a-z0-9_]*)+/g;

/** What a card is headed by. */
export const titleOf = (node, catalogue) => (isNote(node) ? noteTitle(node) : null) || node.name || catalogue[node.type]?.title || node.type;

/** “a”, “b” and 3 more. */
export function listed(words, most = 3) {
  if (words.length > most + 1) return `${words.slice(0, most).join(", ")} and ${words.length - most} more`;
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words.join();
}

/** The function that names a node by its key: by its title, and by the key too where others have the same title. `graph` is what is
 * seen; of nodes that it has no longer, those of `before` are told. A key that nobody knows stays as it is. */
export function naming({ graph, catalogue }, before = []) {
  const titles = new Map([...before, ...graph.nodes].map((node) => [node.key, titleOf(node, catalogue)]));
  const count = new Map();
  for (const title of titles.values()) count.set(title, (count.get(title) ?? 0) + 1);
  return (key) => {
    const title = titles.get(key);
    return count.get(title) === 1 ? `“${title}”` : title ? `“${title}” (${key})` : `“${key}”`;
  };
}

/** A reason of the backend's, which names nodes by their keys, as people name them. */
export const spoken = (reason, name) => reason.replace(WAY, (way) => way.split(" → ").map(name).join(" → ")).replace(KEY, (_, key) => name(key));

/** That something was changed elsewhere: by the same person (`own`), by somebody else, or undefined: nobody knows by whom. */
export function changedElsewhere(own, what = "this workflow", seen = "it as it is") {
  const who = own ? "You have" : own === false ? "Somebody else has" : "Somebody has";
  return `${who} changed ${what} just now${own ? ", in another tab or with an API key" : ""}; you see ${seen}.`;
}

/** The keys of the nodes that an operation is about. */
export const keysOf = ({ key, keys, node, moves, source, target }) => keys ?? moves?.map((move) => move.key) ?? (source ? [source, target] : [node?.key ?? key]);

/** What an operation does, in words: `the name of “Call the chat”`. */
export function wordsFor(operation, name) {
  const { op, fields = {} } = operation;
  const those = listed(keysOf(operation).map(name));
  const [only, ...others] = Object.keys(fields);
  if (op === "connect" || op === "disconnect") return `${op === "connect" ? "the connection" : "no connection"} from ${name(operation.source)} to ${name(operation.target)}`;
  if (op === "configure_node") return `${others.length ? "the settings" : ({ name: "the name", pinned: "the pinned output", notes: "the notes" })[only] ?? "the settings"} of ${those}`;
  return `${({ rename_node: "the key of", remove_nodes: "deleting", move_nodes: "the place of", add_node: "adding" })[op]} ${those}`;
}
