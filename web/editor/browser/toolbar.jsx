// The small bar on the canvas: undo, redo, zoom, fit, tidy, keys.

import React from "react";
import { Keyboard, ListTree, Maximize, Minus, Plus, Redo2, Sparkles, Undo2 } from "lucide-react";
import { show } from "../../components/commands/offers.js";
import { fit, tidy, zoomIn, zoomOut } from "./shortcuts.jsx";
import { useEditor, useStore } from "./store.js";

function Tool({ icon: Mark, label, ...rest }) {
  return <button className="ed-tool" aria-label={label} title={label} {...rest}><Mark size={16} aria-hidden="true" /></button>;
}

export function Toolbar() {
  const store = useEditor();
  const canUndo = useStore((state) => state.canUndo);
  const canRedo = useStore((state) => state.canRedo);
  const edit = useStore((state) => state.doc?.mode === "edit" && state.doc.may_edit);
  const editor = useStore((state) => state.doc?.mode === "edit");
  return (
    <div className="ed-toolbar" role="toolbar" aria-label="Canvas">
      {edit && <Tool icon={Undo2} label="Undo (Ctrl Z)" onClick={store.undo} disabled={!canUndo} data-testid="undo" />}
      {edit && <Tool icon={Redo2} label="Redo (Ctrl Shift Z)" onClick={store.redo} disabled={!canRedo} data-testid="redo" />}
      {edit && <span className="ed-tool-gap" />}
      <Tool icon={Minus} label="Zoom out (−)" onClick={() => zoomOut(store)} />
      <Tool icon={Plus} label="Zoom in (+)" onClick={() => zoomIn(store)} />
      <Tool icon={Maximize} label="Fit into view (F)" onClick={() => fit(store)} data-testid="fit" />
      {edit && <Tool icon={Sparkles} label="Tidy up (T)" onClick={() => tidy(store)} data-testid="tidy" />}
      <Tool icon={ListTree} label="Outline (O)" onClick={() => store.openPanel("outline")} data-testid="outline-open" />
      {editor && <Tool icon={Keyboard} label="Keys (?)" onClick={() => show("keys")} />}
    </div>
  );
}
