// What the backend has not answered yet when the page is loaded anew: kept by the tab, and sent again. The operations' ids make a second
// arrival harmless.

const memory = (id) => `trestle.unsent.${id}`;
let fresh = true; // only what the page before this one left counts, not what was kept and then stored after all

/** Keeps what a draft's outbox holds. */
export function keepUnsent(id, outbox) {
  if (outbox.pending.length) sessionStorage.setItem(memory(id), JSON.stringify(outbox.pending));
  else sessionStorage.removeItem(memory(id));
}

/** The operations that the page before left for this draft. */
export function takeUnsent(id) {
  const kept = fresh ? sessionStorage.getItem(memory(id)) : null;
  fresh = false;
  sessionStorage.removeItem(memory(id));
  return kept ? JSON.parse(kept) : [];
}
