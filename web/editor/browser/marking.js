// How a problem of a node is told: by the titles of its fields, and calmly where something has only not been filled in yet. Pure.

import { fieldsOf } from "./schema.js";

const known = new WeakMap();

function fieldsOfType(type) {
  const schema = type?.config_schema;
  if (!schema) return [];
  if (!known.has(schema)) known.set(schema, fieldsOf(schema));
  return known.get(schema);
}

/** The fields within a field, as its value has them: of an object, or of the variant that was chosen. */
export function partsOf(field, value) {
  if (field?.kind === "object") return field.fields;
  if (field?.kind !== "union") return [];
  const kind = value?.[field.by] ?? field.default?.[field.by];
  return field.variants.find((variant) => variant.value === kind)?.fields ?? [];
}

/** `["auth", "credential"]` as people read it: the titles of the fields on the way. */
function titlesOf(path, type, config) {
  let [fields, value, list] = [fieldsOfType(type), config, null];
  return path.map((part) => {
    const entry = typeof part === "number";
    const field = entry ? list?.item : fields.find((one) => one.name === part);
    value = value?.[part];
    [fields, list] = [partsOf(field, value), field?.kind === "list" ? field : null];
    return entry ? part + 1 : field?.label || part;
  });
}

const written = (path) => path.reduce((text, part) => (typeof part === "number" ? `${text}[${part}]` : text ? `${text}.${part}` : part), "");
const isEmpty = (value) => value === undefined || value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);

/** `The config needs one of cron, every_s. …` as people read it, and whether it is calm: none of them is filled in. Null for other messages. */
function ofWhole(message, type, config) {
  const [start, names] = /^The config needs one of ([^.]+)\./.exec(message) ?? [];
  if (!start) return null;
  const fields = names.split(", ");
  const titles = fields.map((name) => `“${titlesOf([name], type, config)[0]}”`);
  return { message: `Needs one of ${titles.join(", ")}.${message.slice(start.length)}`, calm: fields.every((name) => isEmpty(config[name])) };
}

/**
 * The problem with its fields' titles in `message`; `calm` where the field, or the whole node, is empty and nobody has tried to publish it
 * so. Without a `node` it is the workflow's: what that lacks is still to come.
 */
export function told(problem, node, type, refused = false) {
  if (!node) return { ...problem, calm: !refused };
  if (problem.loc[0] !== "config") return { ...problem, calm: false };
  if (problem.loc.length < 2) {
    const config = node.config ?? {};
    const { message, calm } = ofWhole(problem.message, type, config) ?? { message: problem.message, calm: isEmpty(config) };
    return { ...problem, message, calm: !refused && calm };
  }
  const path = problem.loc.slice(1);
  const key = written(path);
  const titles = titlesOf(path, type, node.config ?? {}).join(" › ");
  const message = problem.message.startsWith(key) ? titles + problem.message.slice(key.length) : problem.message;
  const value = path.reduce((inner, part) => inner?.[part], node.config);
  return { ...problem, message, calm: !refused && isEmpty(value) };
}

/** Those of `problems` about the field `name`; `rest` is the way on from there. */
export const within = (problems, name) =>
  problems.filter(({ loc, rest }) => (rest ? rest[0] === name : loc.includes(name))).map((problem) => {
    const way = problem.rest ?? problem.loc;
    return { ...problem, rest: way.slice(way.indexOf(name) + 1) };
  });
