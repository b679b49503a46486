// The keys of every page: two lists, the search, and the rows of tables. Typing is left alone.

import { lists, show } from "./offers.js";

const typing = (element) => element?.closest?.("input, textarea, select, [contenteditable=true]");
const dialogIsOpen = () => document.querySelector("[role=dialog][data-state=open], [role=alertdialog][data-state=open]");
const inSight = (element) => element.getClientRects().length > 0;

/** What in a row leads to what it shows. */
const target = (row) => row?.querySelector(".t-row-link") ?? row?.querySelector("a, button");

const STEPS = { ArrowDown: (at) => at + 1, ArrowUp: (at) => at - 1, Home: () => 0, End: (_, count) => count - 1 };

/** The row to go to from the element with the focus; the first one from the page's search and from nowhere. */
function rowFor(key, from) {
  const own = from.closest("tbody tr");
  if (!own && !(key === "ArrowDown" && (from === document.body || from.matches("input[type=search]")))) return null;
  const body = own?.parentElement ?? [...document.querySelectorAll(".t-table tbody")].find(inSight);
  const rows = [...(body?.rows ?? [])];
  return rows[own ? STEPS[key](rows.indexOf(own), rows.length) : 0] ?? null;
}

function step(event) {
  const to = target(STEPS[event.key] && rowFor(event.key, event.target));
  if (!to) return;
  event.preventDefault();
  to.focus();
}

function onKey(event) {
  // A menu, a choice or the canvas has taken it already. There is no frame where nobody is signed in.
  if (event.defaultPrevented || event.altKey || !document.querySelector(".t-frame")) return;
  const { open, offer } = lists();
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    if (dialogIsOpen()) return;
    event.preventDefault();
    return void show(open === "commands" ? null : "commands");
  }
  if (event.ctrlKey || event.metaKey || open || dialogIsOpen()) return;
  if (!typing(event.target) && event.key === "?") {
    event.preventDefault();
    return void show("keys");
  }
  if (offer) return; // the page has keys of its own
  if (!typing(event.target) && event.key === "/") {
    const search = [...document.querySelectorAll("input[type=search]")].find(inSight);
    if (search) event.preventDefault();
    return void search?.focus();
  }
  if (!typing(event.target) || event.target.matches("input[type=search]")) step(event);
}

// Once for the window, and not with a component: between two pages none is mounted, and keys would be lost.
globalThis.window?.addEventListener("keydown", onKey);
