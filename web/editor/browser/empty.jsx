// An empty canvas: three ways to begin.

import React from "react";
import { ClipboardPaste, LayoutTemplate, Zap } from "lucide-react";
import { isNote } from "./notes.js";
import { pasteClipboard } from "./shortcuts.jsx";
import { useEditor, useStore } from "./store.js";

export function Empty() {
  const store = useEditor();
  const shown = useStore((state) => state.doc?.mode === "edit" && !state.graph.nodes.length);
  const mayEdit = useStore((state) => state.doc?.may_edit);
  if (!shown) return null;
  if (!mayEdit) return <div className="ed-empty" data-testid="empty"><h2>Nothing is drawn yet</h2><p className="ed-hint">Editors of this project can draw it. You see it as they do.</p></div>;
  const triggers = Object.values(store.state.catalogue).filter((type) => !type.inputs.length && !isNote(type));
  const begin = (event) => store.set({ quick: { x: event.clientX, y: event.clientY, triggers: true } });
  return (
    <div className="ed-empty" data-testid="empty">
      <h2>How does it begin?</h2>
      <div className="ed-empty-ways">
        <button onClick={begin} disabled={!triggers.length} data-testid="begin-trigger"><Zap size={20} /><b>With a trigger</b><span>A webhook, a press of Run … then add what follows.</span></button>
        <a href="/templates" data-testid="begin-template"><LayoutTemplate size={20} /><b>From a template</b><span>Workflows that work: choose one, fill in, run.</span></a>
        <button onClick={() => pasteClipboard(store)} data-testid="begin-paste"><ClipboardPaste size={20} /><b>With a paste</b><span>Nodes copied here or in n8n, or an exported workflow.</span></button>
      </div>
      <p className="ed-hint">Or drag a node from the list onto the canvas.</p>
    </div>
  );
}
