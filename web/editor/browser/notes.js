// Sticky notes: which nodes are some, how large they are, and what their text says. Pure.

export const NOTE = "note"; // trestle.contracts.graph.NOTE
export const COLOURS = ["amber", "green", "blue", "pink", "gray"];
export const LEAST = { width: 120, height: 60 };
const USUAL = { width: 240, height: 160 };
const MOST = 2000;
const CARD = { width: 224, height: 64 };

export const isNote = (node) => node?.type === NOTE;

/** The graph's nodes that do something. */
export const working = (nodes) => nodes.filter((node) => !isNote(node));

const within = (value, side) => (Number.isFinite(value) ? Math.min(MOST, Math.max(LEAST[side], value)) : USUAL[side]);

/** `{width, height}` of a note, whatever its config holds. */
export const sizeOf = ({ config }) => ({ width: within(config?.width, "width"), height: within(config?.height, "height") });

/** The sides of a note that grows by so many pixels, those that it has otherwise already: `{width?, height?}`. */
export function grown(note, dx, dy) {
  const [before, sides] = [sizeOf(note), {}];
  for (const [side, by] of [["width", dx], ["height", dy]]) {
    const after = within(before[side] + by, side);
    if (after !== before[side]) sides[side] = after;
  }
  return sides;
}

export const colourOf = ({ config }) => (COLOURS.includes(config?.color) ? config.color : COLOURS[0]);

export const textOf = (note) => (typeof note?.config?.text === "string" ? note.config.text : "");

/** A note's first line, without its marks: its name in lists. */
export const titleOf = (note) => textOf(note).split("\n").map((line) => line.replace(/^\s*(#{1,6}|[-*])\s+/, "").replace(/[*`]/g, "").trim()).find(Boolean) ?? "Empty note";

const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\*([^*\s][^*\n]*)\*|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"()[\]]*[^\s<>"()[\].,;:!?*`])/g;

/** A line as parts: `{text, kind?, href?}`; kind: code, bold, italic or link. Only http(s) becomes a link. */
function inline(line) {
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(INLINE)) {
    const [whole, code, bold, italic, label, href, address] = match;
    if (match.index > end) parts.push({ text: line.slice(end, match.index) });
    if (code) parts.push({ kind: "code", text: code });
    else if (bold) parts.push({ kind: "bold", text: bold });
    else if (italic) parts.push({ kind: "italic", text: italic });
    else parts.push({ kind: "link", text: label ?? address, href: href ?? address });
    end = match.index + whole.length;
  }
  if (end < line.length) parts.push({ text: line.slice(end) });
  return parts;
}

/** A note's text as lines: `{kind, parts}`; kind: heading, entry (of a list), line or gap. */
export function linesOf(text) {
  return text.split("\n").map((line) => {
    const [, mark, rest] = /^\s*(#{1,6}|[-*])\s+(.*)$/.exec(line) ?? [];
    if (mark) return { kind: mark.startsWith("#") ? "heading" : "entry", parts: inline(rest) };
    return line.trim() ? { kind: "line", parts: inline(line) } : { kind: "gap", parts: [] };
  });
}

const middle = ({ x, y }, { width, height }) => [x + width / 2, y + height / 2];

/** The moves of notes that go along with `moves`: each with the card that it lies under, or else with the nearest one. */
export function followed(nodes, moves) {
  const cards = working(nodes).map((node) => ({ node, at: middle(node.position, CARD) }));
  const to = new Map(moves.map((move) => [move.key, move]));
  return nodes.filter(isNote).flatMap((note) => {
    const size = sizeOf(note);
    const [x, y] = middle(note.position, size);
    const beside = (at, centre, length) => Math.max(0, Math.abs(at - centre) - length / 2);
    const far = ({ at }) => Math.hypot(beside(at[0], x, size.width), beside(at[1], y, size.height)) + Math.hypot(at[0] - x, at[1] - y) / 1e6;
    const nearest = cards.reduce((best, card) => (!best || far(card) < far(best) ? card : best), null);
    const move = nearest && to.get(nearest.node.key);
    if (!move) return [];
    const { position } = nearest.node;
    return [{ key: note.key, x: note.position.x + move.x - position.x, y: note.position.y + move.y - position.y }];
  });
}
