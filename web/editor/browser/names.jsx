// The names that expressions of a node can use: a press puts one where the cursor stands.

import React from "react";
import { upstream } from "./graph.js";
import { useStore } from "./store.js";

const ALWAYS = ["payload", "input", "trigger"];

/** Types the text into the focused field; within an expression the bare name, else a whole expression. */
function type(name) {
  const field = document.activeElement;
  if (!field?.matches?.(".ed-panel input[type=text], .ed-panel textarea")) return;
  const before = field.value.slice(0, field.selectionStart);
  const inside = before.lastIndexOf("{{") > before.lastIndexOf("}}") || field.closest(".ed-code");
  // Deprecated, and still the only way that keeps the field's own undo and tells React.
  document.execCommand("insertText", false, inside ? name : `{{ ${name} }}`);
}

export function Names({ nodeKey }) {
  const graph = useStore((state) => state.graph);
  const names = [...ALWAYS, ...upstream(graph, nodeKey).map((key) => `nodes.${key}`)];
  return (
    <div className="ed-names" aria-label="Names for expressions">
      <span className="ed-hint">In expressions:</span>
      {names.map((name) => (
        <button key={name} type="button" tabIndex={-1} onMouseDown={(event) => event.preventDefault()} onClick={() => type(name)} title={`Put {{ ${name} }} where the cursor is`}>{name}</button>
      ))}
    </div>
  );
}
