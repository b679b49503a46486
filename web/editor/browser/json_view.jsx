// A JSON value as a tree: opened two levels deep, long lists and texts cut until somebody asks for more.

import React, { useState } from "react";
import { Check, ChevronRight, Copy } from "lucide-react";

const PAGE = 50;
const LONG = 400;

const kindOf = (value) => (value === null ? "null" : Array.isArray(value) ? "list" : typeof value);

function Leaf({ value }) {
  const [whole, setWhole] = useState(false);
  const kind = kindOf(value);
  if (kind !== "string") return <span className={`ed-json-${kind}`}>{String(value)}</span>;
  const cut = !whole && value.length > LONG;
  return (
    <span className="ed-json-string">
      “{cut ? value.slice(0, LONG) : value}”
      {cut && <button className="ed-json-more" onClick={() => setWhole(true)}>… {value.length - LONG} more characters</button>}
    </span>
  );
}

function Branch({ name, value, depth }) {
  const [open, setOpen] = useState(depth < 2);
  const [count, setCount] = useState(PAGE);
  const list = Array.isArray(value);
  const entries = list ? value.map((item, index) => [index, item]) : Object.entries(value);
  const size = list ? `${entries.length} item${entries.length === 1 ? "" : "s"}` : `${entries.length} field${entries.length === 1 ? "" : "s"}`;
  if (!entries.length) return <Line name={name}><span className="ed-json-null">{list ? "[ ]" : "{ }"}</span></Line>;
  return (
    <div>
      <button className="ed-json-fold" data-open={open || undefined} onClick={() => setOpen(!open)} aria-expanded={open}>
        <ChevronRight size={12} aria-hidden="true" />
        {name !== null && <span className="ed-json-name">{name}</span>}
        <span className="ed-json-size">{size}</span>
      </button>
      {open && (
        <div className="ed-json-inside">
          {entries.slice(0, count).map(([key, item]) => <Value key={key} name={key} value={item} depth={depth + 1} />)}
          {entries.length > count && <button className="ed-json-more" onClick={() => setCount(count + 10 * PAGE)}>{entries.length - count} more</button>}
        </div>
      )}
    </div>
  );
}

const Line = ({ name, children }) => <div className="ed-json-line">{name !== null && <span className="ed-json-name">{name}</span>}{children}</div>;

function Value({ name, value, depth }) {
  if (value !== null && typeof value === "object") return <Branch name={name} value={value} depth={depth} />;
  return <Line name={name}><Leaf value={value} /></Line>;
}

export function CopyButton({ text, label = "Copy" }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text());
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return <button className="ed-plain-icon" onClick={copy} aria-label={label} title={done ? "Copied" : label}>{done ? <Check size={14} /> : <Copy size={14} />}</button>;
}

/** Copies also where the page isn't served over HTTPS and the clipboard API is therefore missing. */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
  return undefined;
}

export function JsonView({ value }) {
  if (value === undefined || value === null) return <p className="ed-hint">Nothing (null).</p>;
  return (
    <div className="ed-json">
      <div className="ed-json-copy"><CopyButton text={() => JSON.stringify(value, null, 2)} label="Copy as JSON" /></div>
      <Value name={null} value={value} depth={0} />
    </div>
  );
}
