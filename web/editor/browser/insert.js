// A press on recorded data writes its expression where the cursor stands.

import { FIELDS, isInside, replaceText } from "./field_text.js";
import { written } from "./paths.js";

/** Types the expression into the field that has the cursor, or had it last; within an expression the bare path, else a whole expression. */
export function insert(store, path) {
  const now = document.activeElement;
  const field = now?.matches?.(FIELDS) ? now : store.field?.isConnected ? store.field : null;
  const text = written(path);
  if (!field) {
    store.notify(`Put the cursor into a field first; then a press here writes {{ ${text} }} there.`);
    return;
  }
  replaceText(field, field.selectionStart, field.selectionEnd, isInside(field, field.selectionStart) ? text : `{{ ${text} }}`);
}

/** Where the cursor is stays where it is, while a press elsewhere writes there. */
export const hold = (event) => event.preventDefault();
