// What differs between two values, path by path. Pure.

import { written } from "./paths.js";

const MOST = 200;
const isBranch = (value) => value !== null && typeof value === "object";
const alike = (a, b) => isBranch(a) && isBranch(b) && Array.isArray(a) === Array.isArray(b);

function* changes(before, after, path) {
  if (!alike(before, after)) {
    if (before !== after) yield { path, change: "changed", before, after };
    return;
  }
  const names = Array.isArray(before) ? [...Array(Math.max(before.length, after.length)).keys()] : [...new Set([...Object.keys(before), ...Object.keys(after)])];
  for (const name of names) {
    const [was, is] = [Object.hasOwn(before, name), Object.hasOwn(after, name)];
    if (was && is) yield* changes(before[name], after[name], [...path, name]);
    else if (was) yield { path: [...path, name], change: "removed", before: before[name] };
    else yield { path: [...path, name], change: "added", after: after[name] };
  }
}

/** `{changes: [{path, change: added|removed|changed, before?, after?}], more}` from one value to the other; `more`: there are others. */
export function difference(before, after, most = MOST) {
  const found = [];
  for (const change of changes(before ?? null, after ?? null, [])) {
    if (found.length === most) return { changes: found, more: true };
    found.push({ ...change, path: written(["value", ...change.path]).slice(5).replace(/^\./, "") });
  }
  return { changes: found, more: false };
}
