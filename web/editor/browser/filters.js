// What may stand after `|` in an expression: the filters of the language (docs/expressions.md), those first that fit the value. Pure.

import { inner, steps, valueAt } from "./paths.js";

/** Each as it is written in, what it takes, what it gives, and what it is for. "any" stands for every kind. */
const FILTERS = [
  ["default('-')", "any", "any", "another value where there is none"],
  ["string", "any", "text", "as text"],
  ["tojson", "any", "text", "as JSON text"],
  ["bool", "any", "boolean", "true or false"],
  ["upper", "text", "text", "in capitals"],
  ["lower", "text", "text", "in small letters"],
  ["title", "text", "text", "each word with a capital"],
  ["capitalize", "text", "text", "the first letter a capital"],
  ["trim", "text", "text", "without spaces at both ends"],
  ["replace('old', 'new')", "text", "text", "every occurrence replaced"],
  ["split(',')", "text", "list", "the parts between separators"],
  ["lines", "text", "list", "a list of its lines"],
  ["truncate(80)", "text", "text", "at most so many characters"],
  ["int", "text number", "number", "as a whole number"],
  ["float", "text number", "number", "as a number"],
  ["date('%Y-%m-%d %H:%M')", "text number", "text", "a time written like this; a time zone may follow"],
  ["shift(days=1)", "text number", "text", "a time moved by days, hours, minutes, seconds"],
  ["timestamp", "text number", "number", "a time in seconds since 1970"],
  ["fromjson", "text", "any", "the value of a JSON text"],
  ["striptags", "text", "text", "the text of some HTML"],
  ["escape", "text", "text", "safe within HTML"],
  ["urlencode", "text object", "text", "safe within a URL"],
  ["indent(4)", "text", "text", "its lines moved to the right"],
  ["b64encode", "text", "text", "in base64"],
  ["b64decode", "text", "text", "the text of base64"],
  ["round(2)", "number", "number", "rounded to so many digits"],
  ["abs", "number", "number", "without its sign"],
  ["length", "list text object", "number", "how many items, characters or fields"],
  ["first", "list text", "any", "the first item"],
  ["last", "list text", "any", "the last item"],
  ["map(attribute='name')", "list", "list", "this field of each item"],
  ["selectattr('name')", "list", "list", "the items where this field is true, or passes a test"],
  ["rejectattr('name')", "list", "list", "the items that selectattr leaves out"],
  ["select('defined')", "list", "list", "the items that pass a test"],
  ["reject('none')", "list", "list", "the items that fail a test"],
  ["join(', ')", "list", "text", "one text of all items"],
  ["sort(attribute='name')", "list", "list", "in order; reverse=true turns it around"],
  ["unique", "list", "list", "without repetitions"],
  ["reverse", "list text", "any", "from the end to the start"],
  ["sum", "list", "number", "the sum; attribute='price': of a field"],
  ["min", "list", "any", "the smallest item"],
  ["max", "list", "any", "the largest item"],
  ["groupby('name')", "list", "list", "[value, items] for each value of a field"],
  ["batch(10)", "list", "list", "in lists of so many items"],
  ["flatten", "list", "list", "lists in a list as one"],
  ["list", "list text object", "list", "as a list"],
  ["keys", "object", "list", "the names of its fields"],
  ["values", "object", "list", "the values of its fields"],
  ["items", "object", "list", "[name, value] of each field"],
  ["dictsort", "object", "list", "the same by name"],
  ["merge({})", "object", "object", "with the fields of another object"],
].map(([call, takes, gives, about]) => ({ call, name: call.split("(")[0], takes: takes.split(" "), gives, about }));

/** The names of all of them. */
export const names = () => FILTERS.map((filter) => filter.name);

const PIPE = /^(.*[^|]|)\|\s*([A-Za-z_]\w*)?$/s;
const PATH = /(?:^|[^\w.\])"'])([A-Za-z_][\w.]*(?:\[(?:\d+|"[^"]*"|'[^']*')\][\w.]*)*)\s*$/;
const BEFORE = /\|\s*([A-Za-z_]\w*)\s*(?:\([^()]*\))?\s*$/;

/** What stands before the caret where a filter is being typed: `{before, typed, from}`; null where none is. */
export function piping(text, caret) {
  const [, before, typed = ""] = PIPE.exec(inner(text, caret) ?? "") ?? [];
  return before?.trim() ? { before, typed, from: caret - typed.length } : null;
}

const kindOf = (value) => (Array.isArray(value) ? "list" : typeof value === "string" ? "text" : value !== null && typeof value === "object" ? "object" : typeof value);

/** The kind of value that the next filter gets, as far as that can be told without working anything out; else "any". */
function kindBefore(scope, before) {
  const last = BEFORE.exec(before);
  if (last) return FILTERS.find((filter) => filter.name === last[1])?.gives ?? "any";
  const path = PATH.exec(before);
  const value = path ? valueAt(scope, steps(path[1])) : undefined;
  return value === undefined || value === null ? "any" : kindOf(value);
}

/** What may stand there, in the shape of `completions` in paths.js, with `call`: those that begin like what is typed, those that fit first. */
export function filtersFor(scope, { before, typed }) {
  const kind = kindBefore(scope, before);
  const wanted = typed.toLowerCase();
  const fit = (takes) => (kind === "any" || takes.includes(kind) ? 0 : takes.includes("any") ? 1 : 2);
  const rank = ({ name, takes }) => 3 * Number(!name.startsWith(wanted)) + fit(takes);
  const fitting = FILTERS.filter(({ name }) => name.includes(wanted));
  return fitting.map((filter) => [rank(filter), filter]).sort(([a], [b]) => a - b).map(([, { call, name, about }]) => ({ name, call, about }));
}

/** Which part of a call that was written in is typed over: its first argument, without quotes. Null where it has none. */
export function argumentIn(call) {
  const found = /\((?:\w+=)?(?:'([^']*)'|([^,)]+))/.exec(call);
  if (!found) return null;
  const end = found.index + found[0].length - (found[1] === undefined ? 0 : 1);
  return [end - (found[1] ?? found[2]).length, end];
}
