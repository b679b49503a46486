// Paths into the data that expressions see: what is being typed, what there is, and how a path is written. Pure.

const WORD = /^[A-Za-z_][A-Za-z0-9_]*$/;
const TYPING = /(?:^|[^\w.\])])((?:[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*|\[\d+\]|\["[^"]*"\]|\['[^']*'\])*)?(\.?)$/;
const STEP = /\.?([A-Za-z_]\w*)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]/g;
const MOST = 40;

/** `payload.items[0]["first name"]` of `["payload", "items", 0, "first name"]`. */
export const written = (path) =>
  path.map((step, at) => (typeof step === "number" ? `[${step}]` : WORD.test(step) ? (at ? `.${step}` : step) : `[${JSON.stringify(step)}]`)).join("");

/** The steps of a written path. */
export function steps(text) {
  return [...text.matchAll(STEP)].map(([, word, index, double, single]) => (index !== undefined ? Number(index) : word ?? double ?? single));
}

/** The text before the caret of the expression in which it stands; null where it stands in none, or in a text within one. `bare`: all is expression. */
export function inner(text, caret, bare = false) {
  const before = text.slice(0, caret);
  const open = bare ? -2 : before.lastIndexOf("{{");
  if (!bare && (open < 0 || open < before.lastIndexOf("}}"))) return null;
  const inside = before.slice(open + 2);
  const bared = inside.replace(/\["[^"]*"\]|\['[^']*'\]/g, (part) => "x".repeat(part.length));
  return (bared.match(/"/g)?.length ?? 0) % 2 || (bared.match(/'/g)?.length ?? 0) % 2 ? null : inside;
}

/**
 * What is being typed at `caret`: `{path, typed, from}`: the steps before the last dot, the beginning of the next one, and where it
 * begins in the text. Null where the caret isn't in an expression, or in a text within one. `bare`: all of the text is an expression.
 */
export function typing(text, caret, bare = false) {
  const inside = inner(text, caret, bare);
  if (inside === null) return null;
  const found = TYPING.exec(inside);
  if (!found) return null;
  const [, chain = "", dot] = found;
  if (dot && !chain) return null;
  const whole = steps(chain);
  if (dot) return { path: whole, typed: "", from: caret };
  const typed = chain.match(/(?:^|\.)([A-Za-z_]\w*)$/)?.[1];
  if (chain && typed === undefined) return null;
  return { path: whole.slice(0, -1), typed: typed ?? "", from: caret - (typed?.length ?? 0) };
}

/** The value at a path, undefined where there is none. */
export const valueAt = (data, path) => path.reduce((value, step) => (value !== null && typeof value === "object" ? value[step] : undefined), data);

const longer = new WeakMap(); // lists of which only the beginning is here

/** Remembers how long the lists in recorded data really are: `[path, length]` of each that was cut off. */
export const remember = (data) => (data?.lengths ?? []).forEach(([path, length]) => longer.set(valueAt(data, path), length));

/** How many items a list has in the run that it was recorded in. */
export const lengthOf = (list) => longer.get(list) ?? list.length;

const TEXT = 300; // web.editor.samples.CHARACTERS: longer texts are recorded by their beginnings

/** Whether of some list or text in recorded data only the beginning is here. */
export function isCut(value) {
  if (typeof value === "string") return value.length > TEXT && value.endsWith("…");
  if (value === null || typeof value !== "object") return false;
  return (Array.isArray(value) && lengthOf(value) > value.length) || Object.values(value).some(isCut);
}

const kindOf = (value) => (value === null ? "null" : Array.isArray(value) ? `${lengthOf(value)} items` : typeof value === "object" ? "object" : JSON.stringify(value));

/** What may stand next: `{text, about}` of each, those that begin like what is typed first. `text` takes the place of what is typed. */
export function completions(data, { path, typed }) {
  const value = path.length ? valueAt(data, path) : data;
  if (value === null || typeof value !== "object") return [];
  const names = Array.isArray(value) ? [...value.keys()].slice(0, 5) : Object.keys(value);
  const wanted = typed.toLowerCase();
  const fitting = names.filter((name) => String(name).toLowerCase().includes(wanted));
  const sorted = fitting.sort((a, b) => Number(!String(a).toLowerCase().startsWith(wanted)) - Number(!String(b).toLowerCase().startsWith(wanted)));
  return sorted.slice(0, MOST).map((name) => ({ name: String(name), path: [...path, name], about: kindOf(value[name]).slice(0, 60) }));
}

/** The text with a completion in it, and where the caret then stands. */
export function completed(text, caret, open, choice) {
  const plain = typeof choice.path.at(-1) === "string" && WORD.test(choice.path.at(-1));
  // A step that is no word takes the dot's place: nodes.a["first name"].
  const from = plain || !choice.path.length ? open.from : open.from - (text[open.from - 1] === "." ? 1 : 0);
  const step = plain ? choice.path.at(-1) : written(["x", choice.path.at(-1)]).slice(1);
  return { from, to: caret, insert: step };
}
