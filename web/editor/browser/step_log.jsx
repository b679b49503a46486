// What a node wrote to the log while it ran: from its first line or from its last, a part at a time.

import React, { memo, useEffect } from "react";
import { useEditor } from "./store.js";

// Made once: a thousand lines are formatted at a time.
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const FOLLOW_MS = 2000;
const ORDERS = [[false, "Oldest first"], [true, "Newest first"]];

/** While a node runs and somebody looks, what it writes comes by itself. */
export function useLogFollowed(run, nodeKey, status) {
  const store = useEditor();
  const running = status?.status === "running" ? run?.execution_id : null;
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && store.followLog(running, nodeKey), FOLLOW_MS);
    return () => clearInterval(timer);
  }, [store, running, nodeKey]);
}

/** Lines that came together. Those out of sight take no time to lay out. */
const Lines = memo(function Lines({ lines, start }) {
  return (
    <ol className="ed-log" start={start} style={{ containIntrinsicSize: `auto ${lines.length * 23}px` }}>
      {lines.map((line, index) => (
        <li key={index} className={`is-${line.level}`}>
          <time dateTime={line.at} title={WHEN.format(new Date(line.at))}>{TIME.format(new Date(line.at))}</time>
          <span>{line.level !== "info" && <b>{line.level} </b>}{line.message}</span>
        </li>
      ))}
    </ol>
  );
});

/** `log`: `{execution_id, node, newest, pages, next, asked}`, as the store keeps it. */
export function Log({ log }) {
  const store = useEditor();
  const { execution_id, node, newest, pages, next, asked } = log;
  const starts = pages.map((_, at) => pages.slice(0, at).reduce((count, page) => count + page.length, 1));
  const count = starts.at(-1) + pages.at(-1).length - 1;
  return (
    <section aria-label="Log">
      <header className="ed-log-head">
        <h4>Log <span className="ed-muted">{count > 1 && `${next ? (newest ? "last " : "first ") : ""}${count.toLocaleString()} lines`}</span></h4>
        {(next || newest || pages.length > 1) && (
          <span className="ed-segments" role="tablist" aria-label="Order of the lines">
            {ORDERS.map(([value, text]) => <button key={text} role="tab" aria-selected={newest === value} onClick={() => newest !== value && store.readLog(execution_id, node, value)} data-testid={value ? "log-newest" : "log-oldest"}>{text}</button>)}
          </span>
        )}
      </header>
      <div data-testid="step-log" aria-busy={asked}>{pages.map((lines, at) => <Lines key={at} lines={lines} start={starts[at]} />)}</div>
      {next && <button className="ed-add" disabled={asked} onClick={() => store.readLog(execution_id, node, newest, next)} data-testid="log-more">{asked ? "Loading …" : `Show ${newest ? "earlier" : "later"} lines`}</button>}
    </section>
  );
}
