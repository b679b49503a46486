// Keys and the clipboard. They listen on the window; typing in a field is left alone.

import { useEffect } from "react";
import { convert } from "./converted.jsx";
import { maybeDocument } from "./elsewhere.js";
import { copied, nodeOf, parseCopied } from "./graph.js";
import { copyText } from "./json_view.jsx";
import { fitted, tidied } from "./layout.js";
import { NOTE, isNote } from "./notes.js";
import { neighbour, ordered } from "./outline.js";
import { CARD, pastePlace, visiblePlace } from "./places.js";
import { useEditor } from "./store.js";
import { nameOf } from "./summary.js";
import { nextInput } from "./trial.js";

/** The field that somebody types in, if any; or the menu whose keys are its own. */
export const typing = (element) => element?.closest?.("input, textarea, select, [contenteditable=true], [role=menu]");
const asked = () => document.querySelector("[role=dialog][data-state=open], [role=alertdialog][data-state=open]");

export function tidy(store) {
  const size = (key) => {
    const item = store.flow.getInternalNode(key);
    return { width: item?.measured?.width ?? CARD.width, height: item?.measured?.height ?? CARD.height };
  };
  const move = tidied(store.state.graph, size);
  if (move) store.edit([move]);
  fit(store);
}

export const fit = (store) => setTimeout(() => fitted(store.flow, store.state.graph, store.pane(), { duration: 250 }), 30);

export const zoomIn = (store) => store.flow.zoomIn({ duration: 150 });
export const zoomOut = (store) => store.flow.zoomOut({ duration: 150 });

export const removeChosen = (store) => store.remove(store.state.selection, store.chosenLinks);

export function duplicate(store) {
  const { graph, selection, panel } = store.state;
  if (!selection.length) return;
  store.paste(parseCopied(copied(graph, selection)));
  // The panel goes on to the copy: what is typed next is meant for that.
  if (panel?.kind === "node") store.openNode(store.state.selection[0]);
}

/** A note in the middle of the view, or under the pointer. */
export function addNote(store) {
  const { catalogue } = store.state;
  if (catalogue[NOTE]) store.add(NOTE, { place: visiblePlace(store, catalogue[NOTE]) });
}

export function toggleDisabled(store) {
  const chosen = store.state.selection.map((key) => nodeOf(store.state.graph, key)).filter((node) => !isNote(node));
  const off = chosen.some((node) => !node.disabled);
  store.edit(chosen.map((node) => ({ op: "configure_node", key: node.key, fields: { disabled: off } })));
}

/** Pastes from a text, by way of the importer where it was copied in another product; says so where it holds no nodes. */
export function pasteText(store, text) {
  const fragment = parseCopied(text);
  if (fragment) store.paste(fragment, pastePlace(store, fragment.nodes));
  else if (maybeDocument(text)) convert(store, text);
  else store.notify("The clipboard holds no nodes. Copy some in a Trestle editor or in n8n, or the text of an exported workflow.", "warning");
}

/** Pastes what the clipboard holds, for whoever hasn't pressed Ctrl V; `at`: a place on the screen. */
export async function pasteClipboard(store, at = null) {
  try {
    const text = await navigator.clipboard.readText();
    store.pointer = at;
    pasteText(store, text);
  } catch {
    store.notify("The browser doesn't let this page read the clipboard. Press Ctrl V instead.", "warning");
  }
}

const counted = (store) => `${store.state.selection.length} node${store.state.selection.length === 1 ? "" : "s"}`;

export async function copyChosen(store, done = "copied") {
  const said = `${counted(store)} ${done}.`;
  await copyText(copied(store.state.graph, store.state.selection));
  store.notify(said);
}

export async function cutChosen(store) {
  await copyChosen(store, "cut");
  removeChosen(store);
}

/** Runs the draft on the next test input (trial.js); asks for one where that can't be read. */
export function runDraft(store) {
  const { doc, graph } = store.state;
  if (doc.mode !== "edit" || !doc.may_run || !graph.nodes.length) return;
  const { input, wrong } = nextInput(store.state);
  if (wrong) store.set({ sheet: "run" });
  else store.run(input);
}

/** Runs the draft from its trigger up to a node, on the next test input. */
export function runUpTo(store, key) {
  const { input, wrong } = nextInput(store.state);
  if (wrong) store.notify(`The test input is not valid JSON: ${wrong}`, "warning");
  else store.run(input, { until: key });
}

const withMod = {
  z: (store, event) => (event.shiftKey ? store.redo() : store.undo()),
  y: (store) => store.redo(),
  d: duplicate,
  s: (store) => store.notify("Every change is saved as you make it."),
  a: (store) => store.select(store.state.graph.nodes.map((node) => node.key)),
};

/** The small palette; what is picked there follows the one card that is chosen, if there is one. */
const addAny = (store) => store.set({ quick: { x: window.innerWidth / 2 - 150, y: 140, after: store.state.selection.length === 1 ? store.freePort(store.state.selection[0]) : null } });

const alone = {
  Delete: removeChosen, Backspace: removeChosen, d: toggleDisabled, t: tidy, f: fit,
  "+": zoomIn, "=": zoomIn, "-": zoomOut, 0: (store) => store.flow.zoomTo(1, { duration: 150 }), 1: fit,
  "/": addAny, n: addAny, S: addNote,
  F2: (store) => store.state.selection.length === 1 && store.openNode(store.state.selection[0], { naming: true }),
  o: (store) => store.openPanel("outline"),
  Enter: (store) => store.state.selection.length === 1 && store.openNode(store.state.selection[0]),
  Escape: (store) => store.stepBack(),
};
const LOOK = new Set(["f", "o", "Escape", "Enter", "+", "=", "-", "0", "1"]);
const [STEP, FAR] = [10, 4]; // pixels of a press; with Shift it goes so many times as far
const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

const cardOf = (key) => document.querySelector(`.react-flow__node[data-id="${key}"]`);

/** Chooses the next node in a direction, or the first one; an open panel goes on to it. */
function go(store, step) {
  const { graph, selection, panel, drawn } = store.state;
  const key = selection.length ? neighbour(graph, selection[0], ...step.map(Math.sign)) : ordered(graph)[0]?.key;
  if (!key || drawn) return;
  if (panel?.kind === "node" && !isNote(nodeOf(graph, key))) store.openNode(key);
  else store.select([key]);
  store.set({ sight: { key } });
  cardOf(key)?.focus({ preventScroll: true }); // Enter is meant for it then
  store.say(nameOf(store.state, key));
}

/** What uses arrows itself: a menu, a tab list, the panel. A chosen card doesn't: it has a role only to be found by. */
const usesArrows = (element) => !element.closest?.(".react-flow__node.selected, .react-flow__nodesselection") && element.closest?.(".react-flow__node, .ed-panel, .ed-side, [role]");

/**
 * Arrows move the chosen nodes; with Ctrl they go from node to node, with Alt they take the chosen notes larger or smaller. First of all listeners: otherwise React Flow would
 * move them in its own way, and the browser go back.
 */
function onArrow(store, event) {
  const step = ARROWS[event.key];
  if (!step || typing(event.target) || asked()) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    event.stopPropagation();
    return void go(store, step);
  }
  if (store.readOnly) return;
  if (event.altKey ? !store.chosenNotes.length : !store.state.selection.length || usesArrows(event.target)) return;
  event.preventDefault();
  event.stopPropagation();
  const [dx, dy] = step.map((length) => length * (event.shiftKey ? FAR : 1));
  if (event.altKey) store.grow(dx, dy);
  else store.nudge(dx, dy);
}

export function useShortcuts() {
  const store = useEditor();
  useEffect(() => {
    let pressed = false; // the canvas, just now: Tab then adds a node; for everybody else it goes on to the next thing
    const onPress = (event) => {
      pressed = Boolean(event.target.closest?.(".react-flow__pane"));
    };
    const onKey = (event) => {
      if (event.altKey || asked() || (event.key === "Escape" && event.defaultPrevented)) return;
      const mod = event.ctrlKey || event.metaKey;
      if (mod && event.key === "Enter") {
        // From a field as well: what was typed last is run with.
        event.preventDefault();
        return void runDraft(store);
      }
      // The first Escape leaves the field: Tab then goes on from there, and the next Escape is the panel's.
      if (typing(event.target)) return void (event.key === "Escape" && !event.isComposing && event.target.blur());
      const atCanvas = pressed;
      pressed = false;
      if (!mod && event.key === "Tab" && !event.shiftKey && atCanvas && !store.readOnly) {
        event.preventDefault();
        return void addAny(store);
      }
      const act = mod ? withMod[event.key.toLowerCase()] : alone[event.key];
      if (!act || (store.readOnly && (mod ? event.key !== "a" : !LOOK.has(event.key)))) return;
      if (!mod && event.key === "Enter" && event.target.closest?.("button, a")) return;
      event.preventDefault();
      act(store, event);
    };
    const onCopy = (event) => {
      if (typing(event.target) || String(window.getSelection()) || !store.state.selection.length) return;
      event.preventDefault();
      event.clipboardData.setData("text/plain", copied(store.state.graph, store.state.selection));
      const cut = event.type === "cut" && !store.readOnly;
      store.notify(`${counted(store)} ${cut ? "cut" : "copied"}.`);
      if (cut) removeChosen(store);
    };
    const onPaste = (event) => {
      if (typing(event.target) || store.readOnly) return;
      event.preventDefault();
      pasteText(store, event.clipboardData.getData("text/plain"));
    };
    const listeners = { keydown: onKey, pointerdown: onPress, copy: onCopy, cut: onCopy, paste: onPaste };
    const first = (event) => onArrow(store, event);
    window.addEventListener("keydown", first, true);
    Object.entries(listeners).forEach(([name, listener]) => window.addEventListener(name, listener));
    return () => {
      window.removeEventListener("keydown", first, true);
      Object.entries(listeners).forEach(([name, listener]) => window.removeEventListener(name, listener));
    };
  }, [store]);
}

/** Keys and what they do, for the list of them. */
export const KEYS = [
  ["/", "Add a node after the chosen one; also N, or Tab after a click on the canvas"], ["Shift F10", "What can be done with a card; also a right click"], ["Shift S", "Add a note"], ["F2", "Rename the chosen node"], ["O", "Outline: the graph as a list"], ["Ctrl Enter", "Run the draft"], ["Ctrl ← ↑ → ↓", "Go to the next node that way"], ["Enter", "Open the chosen node"], ["Esc", "Leave the field; close the panel"], ["Ctrl Z", "Undo"], ["Ctrl Shift Z", "Redo"], ["Ctrl C", "Copy"],
  ["Ctrl X", "Cut"], ["Ctrl V", "Paste"], ["Ctrl D", "Duplicate"], ["Ctrl A", "Choose all"], ["Shift drag", "Choose with a box"], ["Del", "Delete"],
  ["D", "Switch the chosen nodes off or on"], ["T", "Tidy up"], ["F", "Fit into view"], ["Wheel", "Move the view; with Shift sideways, with Ctrl (or by a pinch) zoom"], ["+ −", "Zoom; 0: to full size"], ["← ↑ → ↓", "Move the chosen nodes; with Shift by more"], ["Alt ← ↑ → ↓", "Make the chosen note smaller or larger; with Shift by more"], ["Tab", "From card to card"],
];
