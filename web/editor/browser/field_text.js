// Writing into the fields of the panel on somebody's behalf: completions, values that are dropped, brackets that close.

/** The fields that take expressions. */
export const FIELDS = ".ed-panel-body input[type=text], .ed-panel-body textarea";

/** Replaces a part of a field's text in a way that keeps its undo and tells React. */
export function replaceText(element, from, to, text) {
  element.focus();
  element.setSelectionRange(from, to);
  document.execCommand(text ? "insertText" : "delete", false, text); // deprecated, and still the only way that does both
}

/** Whether the cursor stands in an expression, where a path is written without brackets; code is all expression. */
export const isInside = (element, at) => {
  const before = element.value.slice(0, at);
  return before.lastIndexOf("{{") > before.lastIndexOf("}}") || Boolean(element.closest(".ed-code"));
};

/** `{{` closes itself, `}` goes over what has closed itself, and an empty pair is taken away as one. For `beforeinput` events of the panel's fields. */
export function helpWriting(event) {
  const { target: box, inputType, data } = event;
  if (!box.matches?.(FIELDS) || event.isComposing) return;
  const { selectionStart: start, selectionEnd: end, value } = box;
  const write = (from, to, text, caret) => {
    event.preventDefault();
    if (to > from || text) replaceText(box, from, to, text);
    box.setSelectionRange(caret, caret);
  };
  if (start !== end || box.closest(".ed-code")) return;
  const [before, after] = [value.slice(0, start), value.slice(start)];
  if (inputType === "insertText" && data === "{" && /(^|[^{]){$/.test(before) && !after.startsWith("}")) write(start, start, "{}}", start + 1);
  else if (inputType === "insertText" && data === "}" && after.startsWith("}") && isInside(box, start)) write(start, start, "", start + 1);
  else if (inputType === "deleteContentBackward" && before.endsWith("{{") && after.startsWith("}}")) write(start - 2, start + 2, "", start - 2);
}
