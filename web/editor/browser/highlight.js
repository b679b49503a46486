// Which parts of a piece of code are what, for their colours. Pure. No parser: enough to read by, and fast at every keystroke.

const PYTHON = "and as assert async await break class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield";
const SCRIPT = "async await break case catch class const continue default delete do else export extends finally for from function if import in instanceof let new of return static switch throw try typeof var void while yield";
const words = (text) => new Set(text.split(" "));

const HASH = /#[^\n]*/;
const SLASHES = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/;
const TRIPLE = /[rbfuRBFU]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$))/;
const QUOTED = /[rbfuRBFU]{0,2}(?:"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)/;
const BACKTICKS = /`(?:\\.|[^`\\])*`?/;
const NUMBER = /(?<![\w.])(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.[\d_]+)?(?:[eE][+-]?\d+)?)/;
const WORD = /[A-Za-z_$][\w$]*/;

const grammar = (comment, strings, keywords, constants) => ({
  pattern: new RegExp([comment, ...strings].map((part, index) => `(?<${index ? `s${index}` : "comment"}>${part.source})`).concat([`(?<number>${NUMBER.source})`, `(?<word>${WORD.source})`]).join("|"), "g"),
  keywords: words(keywords), constants: words(constants),
});

const GRAMMARS = {
  python: grammar(HASH, [TRIPLE, QUOTED], PYTHON, "True False None self"),
  javascript: grammar(SLASHES, [BACKTICKS, QUOTED], SCRIPT, "true false null undefined this"),
  json: grammar(SLASHES, [QUOTED], "", "true false null"),
};

function kindOf({ comment, number, word }, { keywords, constants }, called) {
  if (comment !== undefined) return "comment";
  if (number !== undefined) return "number";
  if (word === undefined) return "string";
  return keywords.has(word) ? "keyword" : constants.has(word) ? "constant" : called ? "call" : null;
}

/** `[{kind, text}]` that are the whole text; kind: comment, string, number, keyword, constant, call, or null. */
export function tokens(text, language = "python") {
  const rules = GRAMMARS[language] ?? GRAMMARS.python;
  const found = [];
  let end = 0;
  const put = (kind, part) => part && (found.at(-1)?.kind === kind && !kind ? (found.at(-1).text += part) : found.push({ kind, text: part }));
  for (const match of text.matchAll(rules.pattern)) {
    put(null, text.slice(end, match.index));
    end = match.index + match[0].length;
    put(kindOf(match.groups, rules, text[end] === "("), match[0]);
  }
  put(null, text.slice(end));
  return found;
}
