// What the backend has not answered yet when the page is loaded anew: kept by the tab with the revision that it was made on, and sent
// again on that. The operations' ids make a second arrival harmless; what somebody else changed meanwhile is asked about.

import { parsed } from "./integers.js";

const memory = (id) => `trestle.left.${id}`;
let fresh = true; // only what the page before this one left counts, not what was kept and then stored after all

/** Keeps what a draft's outbox holds. */
export function keepUnsent(id, { pending, revision }) {
  if (pending.length) sessionStorage.setItem(memory(id), JSON.stringify({ revision, operations: pending }));
  else sessionStorage.removeItem(memory(id));
}

/** What the page before left for this draft: `{revision, operations}`, or null. */
export function takeUnsent(id) {
  const kept = fresh ? sessionStorage.getItem(memory(id)) : null;
  fresh = false;
  sessionStorage.removeItem(memory(id));
  return kept && parsed(kept);
}
