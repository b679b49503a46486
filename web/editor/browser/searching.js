// Finding something in a value: names of fields and texts of values that hold what is looked for. Pure.

const MOST = 100;

const isBranch = (value) => value !== null && typeof value === "object";

/** `{matches: [{path, value}], more}`: the parts whose name or text holds `query`, capitals or not, in their order. */
export function matching(value, query, most = MOST) {
  const wanted = query.trim().toLowerCase();
  const matches = [];
  const holds = (text) => String(text).toLowerCase().includes(wanted);
  const walk = (part, path) => {
    if (matches.length > most) return;
    const named = typeof path.at(-1) === "string" && holds(path.at(-1));
    if (named || (!isBranch(part) && holds(part))) matches.push({ path, value: part });
    if (!isBranch(part)) return;
    for (const name of Array.isArray(part) ? part.keys() : Object.keys(part)) walk(part[name], [...path, name]);
  };
  if (wanted) walk(value, []);
  return { matches: matches.slice(0, most), more: matches.length > most };
}

/** Whether the value has so few parts that a tree of it is opened whole. */
export function isSmall(value, most = 40) {
  let count = 0;
  const fits = (part) => (count += 1) <= most && (!isBranch(part) || Object.values(part).every(fits));
  return fits(value);
}
