// A value as the rows and columns of a table. Pure.

const MOST_COLUMNS = 40;
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The longest list of objects just below an object: what people mean by "the rows" of `{items: […], next: …}`. */
function inner(value) {
  const lists = Object.entries(value).filter(([, part]) => Array.isArray(part) && part.length > 1 && part.every(isObject));
  return lists.sort(([, a], [, b]) => b.length - a.length)[0];
}

/**
 * `{pointer, columns, rows: [[…]]}`: a list of objects has a column per field, another list one called “value”, an object a row per field.
 * `pointer` says which part of the value the rows are; `scalars`: its items are no objects. Null where the value is neither list nor object.
 */
export function tabular(value) {
  if (Array.isArray(value)) return ofList(value, "");
  if (!isObject(value)) return null;
  const rows = inner(value);
  if (rows) return ofList(rows[1], `/${rows[0].replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return { pointer: null, columns: ["field", "value"], rows: Object.entries(value) };
}

function ofList(list, pointer) {
  if (!list.length || !list.some(isObject)) return { pointer, columns: ["value"], rows: list.map((item) => [item]), scalars: true };
  const columns = [...new Set(list.flatMap((item) => (isObject(item) ? Object.keys(item) : [])))].slice(0, MOST_COLUMNS);
  return { pointer, columns, rows: list.map((item) => columns.map((name) => (isObject(item) && Object.hasOwn(item, name) ? item[name] : undefined))) };
}

/** The value as the text of a cell. */
export const cellText = (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** The value with more items put at the end of the list at a JSON pointer, where they come next; else as it was. */
export function extended(value, pointer, start, items) {
  const [, ...path] = pointer.split("/");
  const put = (part, [step, ...rest]) => {
    if (step === undefined) return Array.isArray(part) && part.length === start ? [...part, ...items] : part;
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (part === null || typeof part !== "object" || !Object.hasOwn(part, name)) return part;
    if (Array.isArray(part)) return part.map((item, index) => (String(index) === name ? put(item, rest) : item));
    return { ...part, [name]: put(part[name], rest) };
  };
  return put(value, path);
}

/** `{list, failed}`: the items of a for-each, each by its last attempt: `{item, step, status, attempts, ms, error}`, in their order. */
export function itemsOf(steps) {
  const found = new Map();
  for (const step of steps) {
    if (step.item === null || step.item === undefined) continue;
    found.set(step.item, { item: step.item, step: step.id, status: step.status, attempts: step.attempt, ms: step.duration_ms, error: step.error?.message ?? "" });
  }
  const list = [...found.values()].sort((a, b) => a.item - b.item);
  return { list, failed: list.filter((one) => one.status === "failed").length };
}

const failure = (value) => (isObject(value) && Object.keys(value).length === 1 && isObject(value.error) && typeof value.error.message === "string" ? value.error : null);

/** The same of a for-each whose items have no steps of their own (a pure one), as far as its output tells. */
export function itemsOfOutput(output) {
  const list = output.map((value, item) => {
    const error = failure(value);
    return { item, step: null, status: error ? "failed" : "succeeded", attempts: 1, ms: null, error: error?.message ?? "" };
  });
  return { list, failed: list.filter((one) => one.status === "failed").length };
}

/** One of those items as a step with its values: `step` is the whole for-each's, `found` its values. */
export function itemOfOutput(step, found, item) {
  const value = found.output.value[item] ?? null;
  const error = failure(value);
  const id = `${step.id}/${item}`;
  const whole = { value: error ? null : value, bytes: JSON.stringify(value).length, cuts: {}, files: [] };
  return { step: { ...step, id, item, status: error ? "failed" : "succeeded", error }, found: { execution_id: null, step: id, status: step.status, input: null, output: whole } };
}
