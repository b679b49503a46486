// What the editor adds to the lists of commands (Ctrl K) and of keys (?): what can be done, every node to go to, every node to add.

import { useMemo } from "react";
import { show, useOffer } from "../../components/commands/offers.js";
import { unmarked } from "./code_words.jsx";
import { titleOf } from "./naming.js";
import { ordered } from "./outline.js";
import { NOTE } from "./notes.js";
import { addNote, duplicate, fit, KEYS, removeChosen, runDraft, tidy, toggleDisabled, zoomIn, zoomOut } from "./shortcuts.jsx";
import { clearRun, clearable } from "./shown_run.jsx";
import { useEditor } from "./store.js";
import { summary } from "./summary.js";

function actions(store) {
  const chosen = store.state.selection.length > 0;
  const { doc } = store.state;
  const look = [
    ["Fit into view", "F", fit], ["Outline of the graph", "O", () => store.showPanel("outline")], ["Keys", "?", () => show("keys")],
    ["Zoom in", "+", zoomIn], ["Zoom out", "−", zoomOut],
  ];
  const run = doc?.mode === "edit" && doc.may_run ? [["Run the draft", "Ctrl Enter", () => runDraft(store)], ["Run with input …", "", () => store.set({ sheet: "run" })]] : [];
  const panels = doc?.mode === "edit" ? [["Recent runs", "", () => store.showPanel("runs")], ["Versions", "", () => store.showPanel("versions")]] : [];
  const edit = [
    ["Publish", "", () => store.publish()], [doc?.enabled ? "Switch the workflow off" : "Enable the workflow", "", () => store.enable(!doc.enabled)],
    ["Undo", "Ctrl Z", store.undo], ["Redo", "Ctrl Shift Z", store.redo], ["Tidy up", "T", tidy], ["Add a note", "Shift S", addNote],
    ["Workflow settings", "", () => store.showPanel("settings")], ["What publish refuses", "", () => store.showPanel("problems")],
    ["Choose all nodes", "Ctrl A", () => store.select(store.state.graph.nodes.map((node) => node.key))],
  ];
  const toChosen = [["Duplicate the chosen nodes", "Ctrl D", duplicate], ["Switch the chosen nodes off or on", "D", toggleDisabled], ["Delete the chosen nodes", "Del", removeChosen]];
  const shown = clearable(store) ? [["Clear the run from the canvas", "", clearRun]] : [];
  const all = [...run, ...shown, ...(store.readOnly ? [] : edit), ...panels, ...look, ...(chosen && !store.readOnly ? toChosen : [])];
  return all.map(([title, keys, act]) => ({ kind: "Do", title, keys, act: () => act(store) }));
}

function entries(store) {
  const { graph, catalogue } = store.state;
  const nodes = ordered(graph).map((node) => ({
    kind: "Go to", title: titleOf(node, catalogue), about: summary(catalogue[node.type], node, store.state.workflows), words: node.key, act: () => store.reveal(node.key),
  }));
  const types = Object.values(store.readOnly ? {} : catalogue).filter((type) => !type.broken && type.type !== NOTE).map((type) => ({
    kind: "Add", title: type.title, about: unmarked(type.description), words: `${type.type} ${type.group}`, act: () => store.reveal(store.add(type.type)),
  }));
  return [...actions(store), ...nodes, ...types];
}

export function useCommands() {
  const store = useEditor();
  useOffer(useMemo(() => ({ entries: () => entries(store), keys: KEYS }), [store]));
}
