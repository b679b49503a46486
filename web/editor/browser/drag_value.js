// A value of the recorded data that is dragged into a field: its expression is written where it is let go in a text, or becomes the value
// of a field that isn't text; what takes no expression says why.

import { FIELDS, isInside, replaceText } from "./field_text.js";
import { written } from "./paths.js";

const STEADY = 4; // px; less is a press
const [NEAR, STEP] = [28, 8]; // px: so near its upper or lower edge, the form scrolls by so much in each frame

const takers = new WeakMap();

/** What becomes of a value over a field of the form that is no text: `take(expression)`, or `why` it takes none. `text` false: its texts take
 * none either. For a layout effect of whoever draws the field as `element`. */
export const taking = (element, { text = true, take = null, why = null }) => void takers.set(element, { text, take, why });

/** `{element, take, why}` of what lies at a point: a text (neither take nor why), or the field of the form around it; null: nothing. */
function targetAt({ clientX, clientY }) {
  const found = document.elementFromPoint(clientX, clientY);
  const [writable, element] = [found?.closest?.(FIELDS), found?.closest?.(".ed-panel-body .ed-field")];
  const { text, take, why } = takers.get(element) ?? { text: true, take: null, why: null };
  if (writable && text) return writable.readOnly || writable.disabled ? null : { element: writable, take: null, why: null };
  return take || why ? { element, take, why } : null;
}

/** Where in a field's text a point is: as the browser says, else at the end. */
function caretAt(field, { clientX, clientY }) {
  const found = document.caretPositionFromPoint?.(clientX, clientY);
  return found?.offsetNode === field ? found.offset : field.value.length;
}

/** Scrolls the form at whose upper or lower edge a point is; not from what lies below it, where the way to a field begins. */
function scrolled({ clientX: x, clientY: y }) {
  const form = document.querySelector(".ed-panel-body");
  const box = form?.getBoundingClientRect();
  if (!box || x < box.left || x > box.right) return;
  if (y < box.top + NEAR) form.scrollTop -= STEP;
  else if (y > box.bottom - NEAR && y < box.bottom) form.scrollTop += STEP;
}

/** What is carried along, at the pointer. */
function label(text) {
  const element = Object.assign(document.createElement("div"), { className: "ed-carried", textContent: text });
  document.querySelector(".ed-root").append(element);
  return element;
}

/** Lets the value go over a target. */
function letGo(store, { element, take, why }, path, at) {
  if (why) return void store.notify(why, "warning");
  const text = `{{ ${written(path)} }}`;
  if (!take) {
    const caret = caretAt(element, at);
    return void replaceText(element, caret, caret, isInside(element, caret) ? written(path) : text);
  }
  take(text);
  requestAnimationFrame(() => element.querySelector(FIELDS)?.focus());
}

/** Keeps the cursor where it is at a press on `event`'s element; moved on, the value at `path` is carried to a field. */
export function carry(store, event, path) {
  event.preventDefault();
  if (event.button !== 0) return;
  const text = `{{ ${written(path)} }}`;
  let [carried, over, last] = [null, null, null];
  const point = (target) => {
    if (over?.element === target?.element) return;
    over?.element.classList.remove("is-aimed", "is-refusing");
    target?.element.classList.add(target.why ? "is-refusing" : "is-aimed");
    over = target;
    carried.textContent = target?.why ?? text;
    carried.classList.toggle("is-refused", Boolean(target?.why));
  };
  const tick = () => {
    if (!carried?.isConnected) return;
    scrolled(last);
    point(targetAt(last));
    requestAnimationFrame(tick);
  };
  const move = (now) => {
    last = now;
    if (!carried && Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) < STEADY) return;
    if (!carried) {
      carried = label(text);
      requestAnimationFrame(tick);
    }
    carried.style.transform = `translate(${now.clientX + 12}px, ${now.clientY + 8}px)`;
  };
  const end = (now) => {
    const target = carried && now.type === "mouseup" ? targetAt(now) : null;
    point(null);
    carried?.remove();
    abort.abort();
    if (target) letGo(store, target, path, now);
  };
  const abort = new AbortController();
  const cancel = (now) => {
    if (now.key !== "Escape") return;
    now.stopPropagation();
    end(now);
  };
  window.addEventListener("mousemove", move, { signal: abort.signal });
  window.addEventListener("mouseup", end, { signal: abort.signal });
  window.addEventListener("blur", end, { signal: abort.signal });
  window.addEventListener("keydown", cancel, { signal: abort.signal, capture: true });
}
