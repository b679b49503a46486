// Ctrl K: everything that can be done, every node to go to, every node to add, every page, found by typing.

import React, { useEffect, useMemo, useRef, useState } from "react";
import { ArrowRight, CornerDownLeft, FileText, Plus, Search, Zap } from "lucide-react";
import { matching, ordered } from "./outline.js";
import { titleOf } from "./outline.jsx";
import { NOTE } from "./notes.js";
import { addNote, duplicate, fit, removeChosen, tidy, toggleDisabled } from "./shortcuts.jsx";
import { useEditor, useStore } from "./store.js";
import { summary } from "./summary.js";

const MOST = 60;
const PAGES = [["Workflows", "/workflows"], ["Executions", "/executions"], ["Credentials", "/credentials"], ["Webhooks", "/webhooks"], ["Schedules", "/schedules"], ["Dashboard", "/dashboard"], ["Notifications", "/notifications"], ["Settings", "/settings"]];

function actions(store) {
  const chosen = store.state.selection.length > 0;
  const { doc } = store.state;
  const look = [
    ["Fit into view", "F", fit], ["Outline of the graph", "O", () => store.showPanel("outline")], ["Keys", "?", () => store.set({ sheet: "keys" })],
    ["Zoom in", "", () => store.flow.zoomIn({ duration: 150 })], ["Zoom out", "", () => store.flow.zoomOut({ duration: 150 })],
  ];
  const edit = [
    ["Run the draft", "", () => store.run(null)], ["Run with input …", "", () => store.set({ sheet: "run" })],
    ["Publish", "", () => store.publish()], [doc?.enabled ? "Switch the workflow off" : "Enable the workflow", "", () => store.enable(!doc.enabled)],
    ["Undo", "Ctrl Z", store.undo], ["Redo", "Ctrl Shift Z", store.redo], ["Tidy up", "T", tidy], ["Add a note", "Shift S", addNote],
    ["Recent runs", "", () => store.showPanel("runs")], ["Versions", "", () => store.showPanel("versions")],
    ["Workflow settings", "", () => store.showPanel("settings")], ["What publish refuses", "", () => store.showPanel("problems")],
    ["Choose all nodes", "Ctrl A", () => store.select(store.state.graph.nodes.map((node) => node.key))],
  ];
  const toChosen = [["Duplicate the chosen nodes", "Ctrl D", duplicate], ["Switch the chosen nodes off or on", "D", toggleDisabled], ["Delete the chosen nodes", "Del", removeChosen]];
  const all = store.readOnly ? look : [...edit, ...look, ...(chosen ? toChosen : [])];
  return all.map(([title, keys, act]) => ({ kind: "Do", title, keys, act: () => act(store) }));
}

function entries(store) {
  const { graph, catalogue } = store.state;
  const nodes = ordered(graph).map((node) => ({
    kind: "Go to", title: titleOf(node, catalogue), about: summary(catalogue[node.type], node), words: node.key, act: () => store.reveal(node.key),
  }));
  const types = Object.values(store.readOnly ? {} : catalogue).filter((type) => !type.broken && type.type !== NOTE).map((type) => ({
    kind: "Add", title: type.title, about: type.description, words: `${type.type} ${type.group}`, act: () => store.reveal(store.add(type.type)),
  }));
  const pages = PAGES.map(([title, path]) => ({ kind: "Page", title, act: () => window.location.assign(path) }));
  return [...actions(store), ...nodes, ...types, ...pages];
}

const MARK = { Do: Zap, "Go to": ArrowRight, Add: Plus, Page: FileText };

function Commands() {
  const store = useEditor();
  const [search, setSearch] = useState("");
  const [index, setIndex] = useState(0);
  const all = useMemo(() => entries(store), [store]);
  const shown = useMemo(() => matching(all, search).slice(0, MOST), [all, search]);
  const box = useRef(null);
  const list = useRef(null);
  const before = useRef(document.activeElement);
  useEffect(() => void box.current?.focus(), []);
  useEffect(() => void list.current?.children[index]?.scrollIntoView({ block: "nearest" }), [index]);
  const close = () => {
    store.set({ sheet: null });
    before.current?.focus?.({ preventScroll: true });
  };
  const pick = (entry) => {
    close();
    entry?.act();
  };
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) setIndex((now) => Math.max(0, Math.min(shown.length - 1, now + step)));
    else if (event.key === "Enter") pick(shown[index]);
    else if (event.key === "Escape") close();
    else if (event.key !== "Tab") return; // there is nothing else to go to
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="ed-veil is-dim" onClick={close}>
      <div className="ed-commands" role="dialog" aria-modal="true" aria-label="Commands" data-testid="commands" onClick={(event) => event.stopPropagation()}>
        <label className="ed-search">
          <Search size={15} aria-hidden="true" />
          <input ref={box} value={search} onChange={(event) => { setSearch(event.target.value); setIndex(0); }} onKeyDown={keys} placeholder="What would you like to do?" role="combobox"
            aria-label="What would you like to do?" aria-expanded="true" aria-controls="ed-commands" aria-activedescendant={shown.length ? `ed-command-${index}` : undefined} autoComplete="off" spellCheck={false} />
        </label>
        <ul id="ed-commands" role="listbox" aria-label="Commands" ref={list}>
          {shown.map((entry, at) => {
            const Mark = MARK[entry.kind];
            return (
              <li key={at} id={`ed-command-${at}`} role="option" aria-selected={at === index} onClick={() => pick(entry)} onMouseMove={() => setIndex(at)}>
                <Mark size={14} aria-hidden="true" />
                <span className="ed-command-title"><span className="ed-muted">{entry.kind}</span> {entry.title}</span>
                {entry.about && <span className="ed-muted ed-command-about">{entry.about}</span>}
                {entry.keys && <kbd>{entry.keys}</kbd>}
                {at === index && <CornerDownLeft size={13} aria-hidden="true" />}
              </li>
            );
          })}
        </ul>
        {!shown.length && <p className="ed-hint ed-pad" role="status">Nothing by that name.</p>}
      </div>
    </div>
  );
}

export function CommandPalette() {
  return useStore((state) => state.sheet === "commands") ? <Commands /> : null;
}
