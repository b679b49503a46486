// Rows of a form: one is added, taken away, or put elsewhere, by its grip or by the arrow keys on it.

import React, { useEffect, useRef, useState } from "react";
import { GripVertical, Plus, Trash2 } from "lucide-react";

/** The list with the row at `from` put to `to`. */
const moved = (rows, from, to) => {
  const rest = rows.filter((_, at) => at !== from);
  return [...rest.slice(0, to), rows[from], ...rest.slice(to)];
};

/** Before which row a point is, of those in `box`. */
function gapAt(box, y) {
  const middles = [...box.querySelectorAll(":scope > .ed-row")].map((row) => row.getBoundingClientRect()).map(({ top, height }) => top + height / 2);
  return middles.filter((middle) => middle < y).length;
}

function Grip({ index, count, onPlace, onMove, box }) {
  const down = (event) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const move = (event) => event.currentTarget.hasPointerCapture(event.pointerId) && onPlace({ from: index, gap: gapAt(box.current, event.clientY) });
  const drop = (event) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const gap = gapAt(box.current, event.clientY);
    onPlace(null);
    onMove(index, gap > index ? gap - 1 : gap);
  };
  const keys = (event) => {
    const to = index + ({ ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0);
    if (to === index) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0 && to < count) onMove(index, to);
  };
  return (
    <button type="button" className="ed-grip" onPointerDown={down} onPointerMove={move} onPointerUp={drop} onPointerCancel={() => onPlace(null)} onKeyDown={keys}
      aria-label={`Move entry ${index + 1}`} title="Drag to another place, or press the arrow keys"><GripVertical size={13} /></button>
  );
}

/** Rows with a way to take one away, to add one and to put them in another order. `draw(row, change, index)` draws one. */
export function Rows({ rows, onChange, draw, fresh, add, stacked = false }) {
  const box = useRef(null);
  const next = useRef(null); // what has the cursor once the rows are drawn anew
  const [place, setPlace] = useState(null);
  useEffect(() => {
    if (next.current) box.current.querySelector(next.current)?.focus();
    next.current = null;
  });
  const more = () => {
    next.current = ":scope > .ed-row:last-of-type :is(input, textarea, select)"; // whoever adds a row goes on typing in it
    onChange([...rows, fresh()]);
  };
  const move = (from, to) => {
    next.current = `:scope > .ed-row:nth-of-type(${to + 1}) > .ed-grip`;
    if (to !== from) onChange(moved(rows, from, to));
  };
  const mark = (index) => {
    if (!place) return "";
    if (place.from === index) return " is-carried";
    return place.gap === index ? " is-before" : place.gap === rows.length && index === rows.length - 1 ? " is-after" : "";
  };
  return (
    <div className="ed-rows" ref={box}>
      {rows.map((row, index) => (
        <div key={index} className={`ed-row${stacked ? " is-stacked" : ""}${mark(index)}`}>
          {rows.length > 1 && <Grip index={index} count={rows.length} onPlace={setPlace} onMove={move} box={box} />}
          <div className="ed-row-fields">{draw(row, (changed) => onChange(rows.map((old, at) => (at === index ? changed : old))), index)}</div>
          <button type="button" className="ed-plain-icon" onClick={() => onChange(rows.filter((_, at) => at !== index))} aria-label={`Remove entry ${index + 1}`} title="Remove"><Trash2 size={14} /></button>
        </div>
      ))}
      <button type="button" className="ed-add" onClick={more}><Plus size={13} /> {add}</button>
    </div>
  );
}
