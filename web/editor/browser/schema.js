// JSON Schema of a node's config → what each field of the form is. Pure. The dialect is what pydantic writes.

import { parsed } from "./integers.js";

/** Follows `$ref` and single `allOf`, the nearer keywords winning. */
export function resolved(schema, root) {
  let current = schema ?? {};
  for (let depth = 0; depth < 20; depth += 1) {
    const { $ref, allOf, ...own } = current;
    if ($ref) current = { ...$ref.replace(/^#\//, "").split("/").reduce((part, name) => part?.[name], root), ...own };
    else if (allOf?.length === 1) current = { ...allOf[0], ...own };
    else break;
  }
  return current;
}

const isNull = (schema) => schema.type === "null";
const title = (name) => name.replace(/_s$/, " (s)").replace(/_/g, " ").replace(/^./, (letter) => letter.toUpperCase());

function flattened(schema, root) {
  const whole = resolved(schema, root);
  const options = (whole.anyOf ?? whole.oneOf)?.map((option) => resolved(option, root));
  if (!options) return { schema: whole, options: null, nullable: isNull(whole) };
  const real = options.filter((option) => !isNull(option));
  const { anyOf, oneOf, ...rest } = whole;
  if (real.length === 1) return { ...flattened({ ...real[0], ...rest }, root), nullable: real.length < options.length };
  return { schema: rest, options: real, nullable: real.length < options.length };
}

const constOf = (schema) => (schema.const !== undefined ? [schema.const] : schema.enum);

/** The field that tells the variants of a union apart, or null. */
function discriminator(schema, options) {
  if (schema.discriminator?.propertyName) return schema.discriminator.propertyName;
  if (!options.every((option) => option.properties)) return null;
  return Object.keys(options[0].properties).find((name) => options.every((option) => option.properties[name] && constOf(option.properties[name])?.length === 1)) ?? null;
}

function variant(option, by, root) {
  const { [by]: own, ...others } = option.properties;
  const value = constOf(resolved(own, root))[0];
  return { value, label: option.title && !/[a-z][A-Z]/.test(option.title) ? option.title : title(String(value)), fields: fieldsOf({ ...option, properties: others }, root) };
}

function kindOf(schema, options, root) {
  if (schema["x-credential"]) return { kind: "credential", types: schema["x-credential"] };
  if (schema["x-workflow"]) return { kind: "workflow" };
  if (schema["x-condition"]) return { kind: "condition" };
  if (schema["x-code"]) return { kind: "code", language: schema["x-code"] };
  if (options) {
    const consts = options.map(constOf);
    if (consts.every(Boolean)) return { kind: "choice", choices: consts.flat() };
    const by = discriminator(schema, options);
    if (by) return { kind: "union", by, variants: options.map((option) => variant(option, by, root)) };
    if (options.every((option) => ["number", "integer"].includes(option.type))) return { kind: "number" };
    return options.every((option) => option.type === "string") ? { kind: "text" } : { kind: "json" };
  }
  if (constOf(schema)) return { kind: "choice", choices: constOf(schema) };
  switch (schema.type) {
    case "string":
      return { kind: schema["x-multiline"] || schema.format === "textarea" ? "multiline" : "text" };
    case "number":
    case "integer":
      return { kind: "number", whole: schema.type === "integer", min: schema.minimum ?? schema.exclusiveMinimum, max: schema.maximum };
    case "boolean":
      return { kind: "switch" };
    case "array": {
      const item = field("", schema.items ?? {}, root, true);
      return item.kind === "choice" ? { kind: "choices", choices: item.choices } : { kind: "list", item };
    }
    case "object":
      if (schema.properties) return { kind: "object", fields: fieldsOf(schema, root) };
      return { kind: "pairs", value: field("", typeof schema.additionalProperties === "object" ? schema.additionalProperties : {}, root, true) };
    default:
      return { kind: "json" };
  }
}

/** One field: `{name, label, help, kind, optional, default, placeholder, literal, …}`; the kind's own keys with it. */
export function field(name, schema, root, required) {
  const { schema: flat, options, nullable } = flattened(schema, root);
  const shape = kindOf(flat, options, root);
  const example = flat.examples?.[0];
  return {
    name, ...shape, required: Boolean(required) && !nullable && flat.default === undefined,
    label: flat.title && name ? flat.title : title(name), help: flat.description ?? "", default: flat.default ?? null, nullable,
    placeholder: example === undefined ? "" : typeof example === "string" ? example : JSON.stringify(example),
    literal: Boolean(flat["x-static"] || ["credential", "workflow"].includes(shape.kind) || shape.kind === "code"),
  };
}

/** The fields of an object schema, in its order. */
export const fieldsOf = (schema, root = schema) =>
  Object.entries(schema?.properties ?? {}).map(([name, part]) => field(name, part, root, schema.required?.includes(name)));

export const isExpression = (value) => typeof value === "string" && value.includes("{{");

/** Text as somebody typed it → JSON value: JSON where it is some, else the text itself. Empty → undefined. */
export function parsedJson(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (isExpression(trimmed) && !/^[[{](?!\{)/.test(trimmed)) return text;
  try {
    return parsed(trimmed);
  } catch {
    return text;
  }
}

/** JSON value → text that `parsedJson` reads back as the same value. */
export function jsonText(value) {
  if (value === undefined || value === null || value === "") return "";
  if (typeof value === "string") return parsedJson(value) === value ? value : JSON.stringify(value);
  return JSON.stringify(value, null, typeof value === "object" ? 2 : 0);
}

/** Whether a text was meant as JSON but isn't: it begins like an object or a list. */
export const brokenJson = (text) => /^\s*[[{](?!\{)/.test(text) && typeof parsedJson(text) === "string";
