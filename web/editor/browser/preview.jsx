// Under a field: what its expression gives with the last run's data, or why it gives nothing.

import React, { useContext, useEffect } from "react";
import { marked } from "./code_words.jsx";
import { isExpression } from "./schema.js";
import { useEditor, useStore } from "./store.js";
import { trialOf } from "./trial.js";

const LONG = 200;

/** The node whose form this is; null in a form that has none. */
export const NodeContext = React.createContext(null);

const shown = (value) => {
  if (value === "") return "“” (an empty text)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONG ? `${text.slice(0, LONG)} …` : text;
};

const NONE = [];

/** `said`: problems that the field shows anyway; none of them is told twice. */
export function Preview({ value, said = NONE }) {
  const store = useEditor();
  const nodeKey = useContext(NodeContext);
  const found = useStore((state) => state.previews[`${nodeKey} ${value}`]);
  const stamp = useStore((state) => state.data?.stamp);
  const wanted = nodeKey && isExpression(value);
  useEffect(() => {
    if (!wanted) return undefined;
    store.wantPreview(nodeKey, value);
    return () => store.wanted.delete(value); // typed on: nobody needs it any more
  }, [wanted, nodeKey, value, stamp, store]);
  if (!wanted || !found) return null;
  if (found.error?.kind === "undefined" && !store.state.data?.execution_id && trialOf(store.state) === null) return <p className="ed-preview is-none">Run it once, or keep a test input, to see its value here.</p>;
  if (found.error && said.some(({ message }) => message.includes(found.error.message))) return null;
  if (found.error) return <p className="ed-preview is-error" role="status" data-testid="preview-error">{marked(`${found.error.message} ${found.error.hint ?? ""}`)}</p>;
  return <p className="ed-preview" data-testid="preview"><span aria-hidden="true">= </span>{shown(found.value)}</p>;
}
