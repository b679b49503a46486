// What keys do in a field for code or JSON, beyond typing: indentation, brackets and quotes in pairs, comments. Pure.

const INDENT = "    ";
const JSON_INDENT = "  "; // as values are written into fields
const CLOSING = { "(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`" };
const COMMENT = { python: "# ", javascript: "// " };
const WORD = /[\w"'`]/;

/** An edit: `insert` takes the place of what is between `from` and `to`; then `select` (`[from, to]`) is selected. */
const edit = (from, to, insert, first = from + insert.length, last = first) => ({ from, to, insert, select: [first, last] });

/** Where the line of a place begins. (From a place before the text, `lastIndexOf` looks at its first character all the same.) */
const lineStart = (value, at) => (at ? value.lastIndexOf("\n", at - 1) + 1 : 0);

/** The whole lines that the selection touches, and where they stand. */
function touched({ value, start, end }) {
  const from = lineStart(value, start);
  const last = end > start && value[end - 1] === "\n" ? end - 1 : end;
  const to = value.indexOf("\n", last) < 0 ? value.length : value.indexOf("\n", last);
  return { from, to, lines: value.slice(from, to).split("\n") };
}

/** Those lines, changed one by one; null where none changes. */
function onLines(field, change) {
  const { value, start, end } = field;
  const { from, to, lines: before } = touched(field);
  const after = before.map(change);
  const text = after.join("\n");
  if (text === value.slice(from, to)) return null;
  if (start !== end) return edit(from, to, text, from, from + text.length);
  const caret = Math.max(from, start + after[0].length - before[0].length);
  return edit(from, to, text, caret);
}

const indentOf = (language) => (language === "json" ? JSON_INDENT : INDENT);
const dedented = (indent) => (line) => line.replace(new RegExp(`^(\\t| {1,${indent.length}})`), "");

function commented(field, language) {
  const mark = COMMENT[language];
  if (!mark) return null;
  const lines = touched(field).lines.filter((line) => line.trim());
  const all = lines.length > 0 && lines.every((line) => line.trimStart().startsWith(mark.trim()));
  const off = (line) => line.replace(new RegExp(`^(\\s*)${mark.trim()} ?`), "$1");
  const on = (line) => (line.trim() ? line.replace(/^\s*/, (space) => space + mark) : line);
  return onLines(field, all ? off : on);
}

function newLine({ value, start, end }, step) {
  const line = value.slice(lineStart(value, start), start);
  const indent = line.match(/^\s*/)[0];
  const last = line.trimEnd().at(-1);
  const deeper = ":([{".includes(last || "x") ? indent + step : indent;
  const between = start === end && "([{".includes(last || "x") && value[start] === CLOSING[last];
  return between ? edit(start, end, `\n${deeper}\n${indent}`, start + 1 + deeper.length) : edit(start, end, `\n${deeper}`);
}

function paired({ value, start, end }, key) {
  const close = CLOSING[key];
  const [before, after] = [value[start - 1] ?? "", value[end] ?? ""];
  if (start !== end) return close ? edit(start, end, key + value.slice(start, end) + close, start + 1, end + 1) : null;
  if (after === key && (")]}".includes(key) || (close === key && before !== "\\"))) return { from: start, to: start, insert: "", select: [start + 1, start + 1] };
  if (!close || WORD.test(after) || (close === key && WORD.test(before))) return null;
  return edit(start, end, key + close, start + 1);
}

/** Whether what is typed into a field for JSON is JSON: texts and expressions are written there as well. */
const isJson = ({ value }, key) => /^\s*[[{](?!\{)/.test(value) || (!value.trim() && "[{".includes(key));

/** Whether a key in a field for JSON is left to the browser. Tab goes on to the next field, but where a line begins and over several
 * lines; an empty `{{}}` is taken away as one by whoever closed it (field_text.js). */
function isLeft(field, key, shift) {
  const { value, start, end } = field;
  const [before, chosen, after] = [value.slice(0, start), value.slice(start, end), value.slice(end)];
  if (!isJson(field, key)) return true;
  if (key === "Tab" && !shift) return chosen ? !chosen.includes("\n") : !/\n[ \t]*$/.test(before);
  return key === "Backspace" && before.endsWith("{{") && after.startsWith("}}");
}

/** What a key does in a field (`{value, start, end}`); null: what the browser does. */
export function keyed(field, { key, shift = false, mod = false }, language) {
  const { value, start, end } = field;
  if (mod) return key === "/" ? commented(field, language) : null;
  if (language === "json" && isLeft(field, key, shift)) return null;
  const indent = indentOf(language);
  if (key === "Tab" && shift) return onLines(field, dedented(indent));
  if (key === "Tab") return value.slice(start, end).includes("\n") ? onLines(field, (line) => (line.trim() ? indent + line : line)) : edit(start, end, indent);
  if (key === "Enter") return newLine(field, indent);
  if (key === "Backspace" && start === end && start > 0 && CLOSING[value[start - 1]] === value[start]) return edit(start - 1, start + 1, "");
  return key.length === 1 ? paired(field, key) : null;
}
