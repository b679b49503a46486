// What a value looks like without its contents: which types stand where, and how often. Pure.

import { isWhole, typeOf } from "./integers.js";

const DEEPEST = 12;
const MOST_FIELDS = 300;

export const kindOf = (value) => {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "list";
  if (typeOf(value) === "number") return isWhole(value) ? "integer" : "number";
  return typeof value === "boolean" ? "true/false" : typeof value === "string" ? "text" : "object";
};

const fresh = () => ({ seen: 0, types: {} });

function note(shape, value, depth) {
  const kind = kindOf(value);
  shape.seen += 1;
  shape.types[kind] = (shape.types[kind] ?? 0) + 1;
  if (depth >= DEEPEST) return;
  if (kind === "object") {
    shape.fields ??= {};
    for (const [name, inner] of Object.entries(value)) {
      const known = Object.hasOwn(shape.fields, name);
      if (!known && Object.keys(shape.fields).length >= MOST_FIELDS) continue;
      if (!known) Object.defineProperty(shape.fields, name, { value: fresh(), enumerable: true });
      note(shape.fields[name], inner, depth + 1);
    }
  } else if (kind === "list") {
    shape.items ??= fresh();
    for (const item of value) note(shape.items, item, depth + 1);
  }
}

/** `{seen, types: {text: 3, null: 1}, fields: {name: shape}, items: shape}` of a value; `items` counts over all items of all lists here. */
export function shapeOf(value) {
  const shape = fresh();
  note(shape, value, 0);
  return shape;
}

/** `text or null`, most frequent first. */
export const typesOf = (shape) => Object.entries(shape.types).sort(([, a], [, b]) => b - a).map(([name]) => name).join(" or ");
