// A node gets another key: the expressions that name it follow. The backend does the same (trestle/language/renaming.py).

const OPENING = /\{\{|\{%/g;
const TOKEN = /(?<close>-?[}%]\})|(?<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<word>[\p{L}\p{N}_]+)|(?<op>[^ \t\r\n])/gsu;
const READS = new Set(["var", "val", "exists", "missing", "missing_some"]); // JSONLogic's operators that name paths

const from = (pattern, text, at) => {
  pattern.lastIndex = at;
  return pattern.exec(text);
};
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The list or object with `change(part, name)` of each part; itself where none changes. */
function mapped(value, change) {
  if (Array.isArray(value)) {
    const parts = value.map((part) => change(part));
    return parts.some((part, index) => part !== value[index]) ? parts : value;
  }
  const entries = Object.entries(value).map(([name, part]) => [name, change(part, name)]);
  return entries.some(([name, part]) => part !== value[name]) ? Object.fromEntries(entries) : value;
}

/** `value` (a config, a list of a for-each) with `nodes.old` as `nodes.new` in every expression and JSONLogic condition of it. */
export function renamed(value, old, key) {
  if (typeof value === "string") return inText(value, old, key);
  if (value === null || typeof value !== "object") return value;
  return mapped(value, (part, name) => (name === "condition" && isObject(part) ? inRule(part, old, key) : renamed(part, old, key)));
}

function inText(text, old, key) {
  if (!text.includes(old)) return text;
  const pieces = [];
  let kept = 0;
  for (const [start, end] of named(text, old)) {
    pieces.push(text.slice(kept, start), key);
    kept = end;
  }
  return pieces.length ? pieces.join("") + text.slice(kept) : text;
}

/** Where `key` stands in `text` as the name of a node: `nodes.key` or `nodes["key"]`, within an expression. */
function named(text, key) {
  const found = [];
  for (let at = 0, opening; (opening = from(OPENING, text, at)); ) {
    const closing = opening[0] === "{{" ? "}}" : "%}";
    at = OPENING.lastIndex;
    let depth = 0;
    let before = ["", "", ""]; // the last three words
    for (;;) {
      const match = from(TOKEN, text, at);
      if (!match || match[0] === "'" || match[0] === '"') return found; // never closed: nobody knows where it ends
      at = TOKEN.lastIndex;
      let [word] = match;
      if (match.groups.close) {
        if (word.endsWith(closing) && !depth) break;
        word = word[0]; // of two objects, or a minus or a percent before a bracket
        at = match.index + 1;
      }
      if ("([{".includes(word)) depth += 1;
      else if (")]}".includes(word)) depth = Math.max(0, depth - 1);
      if (before[1] === "nodes" && before[0] !== ".") {
        if (match.groups.word && before[2] === "." && word === key) found.push([match.index, at]);
        if (match.groups.text && before[2] === "[" && word.slice(1, -1) === key) found.push([match.index + 1, at - 1]);
      }
      before = [before[1], before[2], word];
    }
  }
  return found;
}

/** A JSONLogic rule: the paths that it reads. */
function inRule(rule, old, key) {
  if (rule === null || typeof rule !== "object") return rule;
  if (Array.isArray(rule)) return mapped(rule, (part) => inRule(part, old, key));
  return mapped(rule, (part, name) => (READS.has(name) ? inPaths : inRule)(part, old, key));
}

function inPaths(paths, old, key) {
  if (typeof paths === "string") return `${paths}.`.startsWith(`nodes.${old}.`) ? `nodes.${key}${paths.slice(6 + old.length)}` : paths;
  if (!Array.isArray(paths)) return inRule(paths, old, key);
  if (paths[0] === "nodes" && paths[1] === old) return ["nodes", key, ...paths.slice(2)]; // the steps of one path
  return mapped(paths, (part) => inPaths(part, old, key));
}
