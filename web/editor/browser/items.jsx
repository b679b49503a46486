// The items of a for-each in the run that is shown: how each did, all or those that failed; a press shows one.

import React, { useState } from "react";
import { ArrowLeft } from "lucide-react";
import { STATUS } from "./node_card.jsx";
import { duration } from "./summary.js";

const PAGE = 100;

/** `items` is `rows.js` itemsOf; `more`: there are others that are not listed. `pick(item)` shows one, null none. */
export function Items({ items, more, chosen, pick }) {
  const [failedOnly, setFailedOnly] = useState(false);
  const [count, setCount] = useState(PAGE);
  if (chosen !== null) return <button className="ed-add" onClick={() => pick(null)} data-testid="items-back"><ArrowLeft size={13} /> Item {chosen} · back to all {items.list.length.toLocaleString("en")}</button>;
  const shown = failedOnly ? items.list.filter((one) => one.status === "failed") : items.list;
  return (
    <details className="ed-items" open={items.failed > 0 || undefined} data-testid="items">
      <summary>{items.list.length.toLocaleString("en")} item{items.list.length === 1 ? "" : "s"}{items.failed > 0 && <span className="ed-items-failed"> · {items.failed} failed</span>}</summary>
      {items.failed > 0 && (
        <div className="ed-segments" role="tablist" aria-label="Which items">
          <button role="tab" aria-selected={!failedOnly} onClick={() => setFailedOnly(false)}>All</button>
          <button role="tab" aria-selected={failedOnly} onClick={() => setFailedOnly(true)} data-testid="items-failed">Failed</button>
        </div>
      )}
      {more && <p className="ed-hint">There are more than these.</p>}
      <ul>
        {shown.slice(0, count).map((one) => {
          const look = STATUS[one.status] ?? STATUS.pending;
          return (
            <li key={one.item}>
              <button onClick={() => pick(one.item)} data-testid={`item-${one.item}`}>
                <span className={`ed-item-mark is-${one.status}`} title={look.text}><look.icon size={12} strokeWidth={2.5} aria-label={look.text} /></span>
                <span className="ed-item-number">{one.item}</span>
                <span className="ed-item-error">{one.error}</span>
                {one.attempts > 1 && <span className="ed-muted">{one.attempts} attempts</span>}
                {one.ms != null && <span className="ed-muted">{duration(one.ms)}</span>}
              </button>
            </li>
          );
        })}
      </ul>
      {shown.length > count && <button className="ed-json-more" onClick={() => setCount(count + 5 * PAGE)}>{(shown.length - count).toLocaleString("en")} more</button>}
    </details>
  );
}
