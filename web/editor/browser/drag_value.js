// A value of the recorded data that is dragged into a field: its expression is written where it is let go.

import { FIELDS, isInside, replaceText } from "./field_text.js";
import { written } from "./paths.js";

const STEADY = 4; // px; less is a press
const [NEAR, STEP] = [28, 8]; // px: so near its upper or lower edge, the form scrolls by so much in each frame

const fieldAt = ({ clientX, clientY }) => {
  const field = document.elementFromPoint(clientX, clientY)?.closest?.(FIELDS);
  return field && !field.readOnly && !field.disabled ? field : null;
};

/** Where in a field's text a point is: as the browser says, else at the end. */
function caretAt(field, { clientX, clientY }) {
  const found = document.caretPositionFromPoint?.(clientX, clientY);
  return found?.offsetNode === field ? found.offset : field.value.length;
}

/** Scrolls the form at whose upper or lower edge a point is. */
function scrolled({ clientX: x, clientY: y }) {
  const form = document.querySelector(".ed-panel-body");
  const box = form?.getBoundingClientRect();
  if (!box || x < box.left || x > box.right) return;
  if (y < box.top + NEAR) form.scrollTop -= STEP;
  else if (y > box.bottom - NEAR) form.scrollTop += STEP;
}

/** What is carried along, at the pointer. */
function label(text) {
  const element = Object.assign(document.createElement("div"), { className: "ed-carried", textContent: text });
  document.querySelector(".ed-root").append(element);
  return element;
}

/** Keeps the cursor where it is at a press on `event`'s element; moved on, the value at `path` is carried to a field. */
export function carry(event, path) {
  event.preventDefault();
  if (event.button !== 0) return;
  const text = `{{ ${written(path)} }}`;
  let [carried, over, last] = [null, null, null];
  const point = (field) => {
    if (over === field) return;
    over?.classList.remove("is-aimed");
    field?.classList.add("is-aimed");
    over = field;
  };
  const tick = () => {
    if (!carried?.isConnected) return;
    scrolled(last);
    point(fieldAt(last));
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
    const field = carried && now.type === "mouseup" ? fieldAt(now) : null;
    point(null);
    carried?.remove();
    abort.abort();
    if (!field) return;
    const at = caretAt(field, now);
    replaceText(field, at, at, isInside(field, at) ? written(path) : text);
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
