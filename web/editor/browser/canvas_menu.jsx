// What a right click, a long press or the menu key offers: for the chosen nodes, a connection, or the canvas.

import React, { useRef, useState } from "react";
import { ContextMenu } from "@radix-ui/themes";
import { nodeOf } from "./graph.js";
import { NOTE, isNote } from "./notes.js";
import { dropped, linkAt } from "./places.js";
import { copyChosen, cutChosen, duplicate, fit, pasteClipboard, removeChosen, runUpTo, tidy, toggleDisabled } from "./shortcuts.jsx";
import { useEditor } from "./store.js";

const LEFT_ALONE = "input, textarea, a, .react-flow__minimap"; // the browser's own menu has more to say there
const LINE = null;

/** What lies under the pointer: `{kind, key?, link?, x, y}`. */
function targetOf(event) {
  const point = { x: event.clientX, y: event.clientY };
  const key = event.target.closest(".react-flow__node")?.dataset.id;
  if (key) return { kind: "nodes", key, ...point };
  if (event.target.closest(".react-flow__nodesselection")) return { kind: "nodes", ...point };
  const link = event.target.closest(".react-flow__edge, .react-flow__edgelabel-renderer") && linkAt(point);
  return link ? { kind: "link", link, ...point } : { kind: "canvas", ...point };
}

/** What can be done with the chosen nodes. `then` marks what takes the cursor somewhere else. */
function forNodes(store) {
  const { graph, catalogue, selection } = store.state;
  const nodes = selection.map((key) => nodeOf(graph, key));
  const [node] = nodes.length === 1 ? nodes : [];
  const { key } = node ?? {};
  const note = node && isNote(node);
  const copy = ["Copy", "Ctrl C", () => copyChosen(store)];
  if (store.readOnly) return [...(node && !note ? [["Open", "Enter", () => store.openNode(key), { then: true }]] : []), copy];
  const off = nodes.some((one) => !isNote(one) && !one.disabled);
  const runs = node && catalogue[node.type]?.inputs.length > 0;
  return [
    note && ["Write", "Enter", () => store.openNode(key), { then: true }],
    node && !note && ["Open", "Enter", () => store.openNode(key), { then: true }],
    node && !note && ["Rename", "F2", () => store.openNode(key, { naming: true }), { then: true }],
    runs && LINE,
    runs && ["Run this node", "", () => store.run(null, { only: key })],
    runs && ["Run up to here", "", () => runUpTo(store, key)],
    node?.pinned != null && ["Take the pin away", "", () => store.pin(key, null)],
    node && LINE,
    copy,
    ["Cut", "Ctrl X", () => cutChosen(store)],
    ["Duplicate", "Ctrl D", () => duplicate(store)],
    !nodes.every(isNote) && [off ? "Switch off" : "Switch on", "D", () => toggleDisabled(store)],
    LINE,
    [nodes.length > 1 ? `Delete ${nodes.length} nodes` : "Delete", "Del", () => removeChosen(store), { color: "red" }],
  ].filter((entry) => entry !== false && entry !== undefined);
}

const forLink = (store, { link, x, y }) => store.readOnly ? [] : [
  ["Insert a node here", "", () => store.set({ quick: { x, y, into: link } }), { then: true }],
  ["Remove this connection", "", () => store.remove([], [link]), { color: "red" }],
];

function forCanvas(store, { x, y }) {
  const { catalogue, graph } = store.state;
  const look = [["Choose all", "Ctrl A", () => store.select(graph.nodes.map((node) => node.key))], ["Fit into view", "F", () => fit(store)]];
  if (store.readOnly) return look;
  return [
    ["Add a node …", "/", () => store.set({ quick: { x, y, drop: true } }), { then: true }],
    ...(catalogue[NOTE] ? [["Add a note", "Shift S", () => store.add(NOTE, { place: dropped(store, catalogue[NOTE], { x, y }) }), { then: true }]] : []),
    ["Paste", "Ctrl V", () => pasteClipboard(store, { x, y })],
    LINE, ...look, ["Tidy up", "T", () => tidy(store)],
  ];
}

const OFFERS = { nodes: forNodes, link: forLink, canvas: forCanvas };

/** The finger that has opened the menu by lying still is lifted: that is no press on what lies under it. */
function liftedQuietly() {
  const abort = new AbortController();
  const { signal } = abort;
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  for (const kind of ["mousedown", "click"]) window.addEventListener(kind, swallow, { capture: true, signal });
  window.addEventListener("pointerdown", () => abort.abort(), { capture: true, signal });
}

/** The menu of `children`, the drawing area. */
export function CanvasMenu({ children }) {
  const store = useEditor();
  const aimed = useRef(null); // what was pressed last, before it is known whether a menu comes of it
  const next = useRef(null);
  const [entries, setEntries] = useState([]);
  const press = (event) => {
    aimed.current = { ...targetOf(event), finger: event.pointerType === "touch" && event.type === "pointerdown" };
  };
  const ask = (event) => {
    if (event.target.closest(LEFT_ALONE)) event.stopPropagation();
    else press(event);
  };
  const open = (now) => {
    if (!now) return;
    const { current: target } = aimed;
    if (target.finger) liftedQuietly();
    // While versions are compared, what is drawn is not the draft: there is nothing to do with a card.
    if (store.state.drawn) return void setEntries(forCanvas(store, target));
    if (target.key && !store.state.selection.includes(target.key)) store.select([target.key]);
    setEntries(OFFERS[target.kind](store, target));
  };
  const settle = (event) => {
    // What takes the cursor elsewhere waits until the menu has given it back, or it would lose it again.
    if (!next.current) return;
    event.preventDefault();
    next.current();
    next.current = null;
  };
  return (
    <ContextMenu.Root modal={false} onOpenChange={open}>
      <ContextMenu.Trigger onContextMenuCapture={ask} onPointerDownCapture={press}>{children}</ContextMenu.Trigger>
      <ContextMenu.Content size="1" onCloseAutoFocus={settle} data-testid="canvas-menu">
        {entries.map((entry, index) => {
          if (entry === LINE) return <ContextMenu.Separator key={index} />;
          const [title, keys, act, { then, color } = {}] = entry;
          const choose = then ? () => { next.current = act; } : act;
          return <ContextMenu.Item key={title} shortcut={keys || undefined} color={color} onSelect={choose}>{title}</ContextMenu.Item>;
        })}
      </ContextMenu.Content>
    </ContextMenu.Root>
  );
}
