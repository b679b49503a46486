// A JSON value as a tree: opened two levels deep, long lists and texts cut until somebody asks for more. Of a value that came by its
// beginnings, `cuts` says how much there is of each part, and more of a list is fetched.

import React, { createContext, useContext, useMemo, useState } from "react";
import { Check, ChevronRight, Copy, Download, TextCursorInput } from "lucide-react";
import { carry } from "./drag_value.js";
import { hold, insert } from "./insert.js";
import { typeOf } from "./integers.js";
import { written } from "./paths.js";
import { isSmall } from "./searching.js";
import { useEditor } from "./store.js";

const PAGE = 50;
const LONG = 400;

const NONE = [];
const WHOLE = { cuts: {}, onMore: null, root: null, files: NONE, executionId: null, small: false };
const Source = createContext(WHOLE);

/** A pointer to a part of what `pointer` points at. */
const below = (pointer, name) => `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;

const kindOf = (value) => (value === null ? "null" : Array.isArray(value) ? "list" : typeOf(value));

/** Writes the expression of what stands at `path` into the field with the cursor. */
export function Pick({ path, children, ...rest }) {
  const store = useEditor();
  return <button type="button" className="ed-pick" onMouseDown={(event) => carry(store, event, path)} onClick={() => insert(store, path)} title={`{{ ${written(path)} }}`} {...rest}>{children}</button>;
}

/** A part of the value as text, into the clipboard. */
function Take({ name, value }) {
  return <span className="ed-json-take"><CopyButton text={() => (typeof value === "string" ? value : JSON.stringify(value, null, 2))} label={`Copy ${name ?? "it"}`} aside /></span>;
}

/** An image that came as base64. */
function Picture({ value }) {
  const kind = typeof value.content_type === "string" ? value.content_type.split(";")[0] : "";
  if (!kind.startsWith("image/") || typeof value.base64 !== "string") return null;
  return <img className="ed-picture" src={`data:${kind};base64,${value.base64}`} alt="" data-testid="picture" />;
}

function Leaf({ value, total }) {
  const [whole, setWhole] = useState(false);
  const kind = kindOf(value);
  if (kind !== "string") return <span className={`ed-json-${kind}`}>{String(value)}</span>;
  const cut = !whole && value.length > LONG;
  return (
    <span className="ed-json-string">
      “{cut ? value.slice(0, LONG) : value}”
      {cut && <button className="ed-json-more" onClick={() => setWhole(true)}>… {value.length - LONG} more characters</button>}
      {!cut && total > value.length && <span className="ed-json-size"> … {(total - value.length).toLocaleString("en")} more characters in the download</span>}
    </span>
  );
}

function Branch({ name, value, depth, pointer, path }) {
  const { cuts, onMore, root, small } = useContext(Source);
  const [open, setOpen] = useState(depth < 2 || small);
  const [count, setCount] = useState(PAGE);
  const list = Array.isArray(value);
  const entries = list ? value.map((item, index) => [index, item]) : Object.entries(value);
  const total = Math.max(cuts[pointer] ?? 0, entries.length);
  const size = `${total.toLocaleString("en")} ${list ? "item" : "field"}${total === 1 ? "" : "s"}`;
  const fetchMore = () => {
    onMore(pointer, entries.length);
    setCount(count + 10 * PAGE);
  };
  if (!total) return <Line name={name}><span className="ed-json-null">{list ? "[ ]" : "{ }"}</span></Line>;
  return (
    <div>
      <button className="ed-json-fold" data-open={open || undefined} onClick={() => setOpen(!open)} aria-expanded={open}>
        <ChevronRight size={12} aria-hidden="true" />
        {name !== null && <span className="ed-json-name">{name}</span>}
        <span className="ed-json-size">{size}</span>
      </button>
      {root && <Pick path={path} aria-label={`Insert ${written(path)}`}><TextCursorInput size={12} /></Pick>}
      <Take name={name} value={value} />
      {open && (
        <div className="ed-json-inside">
          {!list && <Picture value={value} />}
          {entries.slice(0, count).map(([key, item]) => <Value key={key} name={key} value={item} depth={depth + 1} pointer={below(pointer, key)} path={root && [...path, key]} />)}
          {entries.length > count && <button className="ed-json-more" onClick={() => setCount(count + 10 * PAGE)}>{(total - count).toLocaleString("en")} more</button>}
          {entries.length <= count && total > entries.length && (list && onMore
            ? <button className="ed-json-more" onClick={fetchMore} data-testid="json-fetch">{(total - entries.length).toLocaleString("en")} more</button>
            : <span className="ed-json-size">{(total - entries.length).toLocaleString("en")} more in the download</span>)}
        </div>
      )}
    </div>
  );
}

const Line = ({ name, children }) => <div className="ed-json-line">{name !== null && <span className="ed-json-name">{name}</span>}{children}</div>;

function Value({ name, value, depth, pointer, path }) {
  const { cuts, root, files, executionId } = useContext(Source);
  const file = value === null && files.find((one) => one.pointer === pointer);
  if (file) return <Line name={name}><a href={`/values/${executionId}/${file.id}`} download className="ed-json-file"><Download size={12} aria-hidden="true" /> {file.media_type}, stored as a file</a></Line>;
  if (value !== null && typeof value === "object") return <Branch name={name} value={value} depth={depth} pointer={pointer} path={path} />;
  const leaf = <Leaf value={value} total={cuts[pointer]} />;
  const take = <Take name={name} value={value} />;
  if (!root) return <Line name={name}>{leaf}{take}</Line>;
  // A long text has a button of its own.
  if (typeof value === "string" && value.length > LONG) return <div className="ed-json-line"><Pick path={path}><span className="ed-json-name">{name ?? "the text"}</span></Pick>{leaf}{take}</div>;
  return <div className="ed-json-line"><Pick path={path}>{name !== null && <span className="ed-json-name">{name}</span>}{leaf}</Pick>{take}</div>;
}

/** `aside`: one of many, left out when one goes through the page with Tab. */
export function CopyButton({ text, label = "Copy", aside = false }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text());
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return <button type="button" className="ed-plain-icon" tabIndex={aside ? -1 : undefined} onMouseDown={aside ? hold : undefined} onClick={copy} aria-label={label} title={done ? "Copied" : label}>{done ? <Check size={aside ? 12 : 14} /> : <Copy size={aside ? 12 : 14} />}</button>;
}

/** As every page does it (assets/copying.js). */
export const copyText = (text) => window.trestle.copy(text);

/** `onMore(pointer, start)` is asked for more of a list that is longer than what is here. `root`: where the value stands in expressions, if
 * it does. `files`: its parts that are stored apart, in the execution `executionId`. */
export function JsonView({ value, cuts = WHOLE.cuts, onMore = null, root = null, files = NONE, executionId = null }) {
  const small = useMemo(() => isSmall(value), [value]);
  if (value === undefined || value === null) return <p className="ed-hint">Nothing (null).</p>;
  return (
    <Source.Provider value={{ cuts, onMore, root, files, executionId, small }}>
      <div className="ed-json"><Value name={null} value={value} depth={0} pointer="" path={root} /></div>
    </Source.Provider>
  );
}
