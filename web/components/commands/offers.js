// Which of the two lists is open, and what the page that is shown adds to them. In one place for the whole window.

import { useEffect, useSyncExternalStore } from "react";

let state = { open: null, offer: null };
const listeners = new Set();

function set(change) {
  state = { ...state, ...change };
  listeners.forEach((tell) => tell());
}

const subscribe = (tell) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};

/** Opens "commands" or "keys"; null closes. */
export const show = (open) => set({ open });

/** `{open, offer}`. */
export const lists = () => state;
export const useLists = () => useSyncExternalStore(subscribe, lists, lists);

/** While the caller is shown: `{entries: () => […], keys: [[keys, what they do], …]}` come before what every page has. */
export function useOffer(offer) {
  useEffect(() => {
    set({ offer });
    return () => set({ offer: null, open: null });
  }, [offer]);
}
