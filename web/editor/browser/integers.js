// Whole numbers beyond 2^53 in JSON. Numbers here are doubles, which would round them: read by `parsed`, they are BigInts, and every
// JSON text that is made of them has their digits again.

const LONG = /\d{16}/;
const PARTS = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\w.+-])-?\d{16,}(?![\d.eE])/g; // texts, so that digits in them are left alone, and whole numbers
const MARK = `whole ${Math.random()} `; // no text in anybody's data begins so
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

const read = (digits) => (Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits));

/** The value of a JSON text. Throws a SyntaxError. */
export function parsed(text) {
  const plain = JSON.parse(text);
  if (!LONG.test(text)) return plain;
  const marked = text.replace(PARTS, (part) => (part.startsWith('"') ? part : `"${MARK}${part}"`));
  return JSON.parse(marked, (_, value) => (typeof value === "string" && value.startsWith(MARK) ? read(value.slice(MARK.length)) : value));
}

/** `typeof`, where a whole number of any size is a number. */
export const typeOf = (value) => (typeof value === "bigint" ? "number" : typeof value);

/** Whether the value is a whole number, of any size. */
export const isWhole = (value) => typeof value === "bigint" || Number.isInteger(value);

/** The number that a text is, with a point or a comma; NaN where it is none. */
export const numberOf = (text) => (/^\s*-?\d+\s*$/.test(text) ? read(text.trim()) : Number(text.replace(",", ".")));

if (JSON.rawJSON) {
  BigInt.prototype.toJSON = function toJSON() {
    return JSON.rawJSON(String(this));
  };
} else { // browsers before 2025
  const stringify = JSON.stringify;
  BigInt.prototype.toJSON = function toJSON() {
    return MARK + this;
  };
  JSON.stringify = (...given) => stringify(...given)?.replace(MARKED, "$1");
}
