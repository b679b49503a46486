// The data that expressions of a node can use, as the last run recorded it: a press puts its expression where the cursor stands.

import React, { useState } from "react";
import { ChevronRight, Database } from "lucide-react";
import { carry } from "./drag_value.js";
import { FindBox, FindButton, Matches } from "./finding.jsx";
import { hold, insert } from "./insert.js";
import { isCut, lengthOf, written } from "./paths.js";
import { isBare, scopeOf } from "./scope.js";
import { useEditor, useStore } from "./store.js";
import { trialOf } from "./trial.js";

const PAGE = 30;
const SHOWN = ["payload", "input", "trigger", "nodes", "item", "index", "vars"];

const isBranch = (value) => value !== null && typeof value === "object";
const about = (value) => {
  if (Array.isArray(value)) return `${lengthOf(value)} item${value.length === 1 ? "" : "s"}`;
  if (isBranch(value)) return `${Object.keys(value).length} field${Object.keys(value).length === 1 ? "" : "s"}`;
  const text = typeof value === "string" ? `“${value}”` : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/** `bare`: nothing is recorded, so that null says nothing. */
function Entry({ path, value, depth, bare }) {
  const store = useEditor();
  const [open, setOpen] = useState(depth === 0 && path[0] !== "trigger");
  const [count, setCount] = useState(PAGE);
  const keys = isBranch(value) ? (Array.isArray(value) ? [...value.keys()] : Object.keys(value)) : [];
  return (
    <li>
      <div className="ed-tree-line">
        {keys.length > 0
          ? <button type="button" className="ed-tree-fold" data-open={open || undefined} aria-expanded={open} aria-label={`${open ? "Close" : "Open"} ${path.at(-1)}`} onMouseDown={hold} onClick={() => setOpen(!open)}><ChevronRight size={12} /></button>
          : <span className="ed-tree-fold" />}
        <button type="button" className="ed-tree-name" onMouseDown={(event) => carry(store, event, path)} onClick={() => insert(store, path)} title={`{{ ${written(path)} }}`}>
          <span>{path.at(-1)}</span>{!(bare && value === null) && <span className="ed-muted">{about(value)}</span>}
        </button>
      </div>
      {open && keys.length > 0 && (
        <ul>
          {keys.slice(0, count).map((key) => <Entry key={key} path={[...path, key]} value={value[key]} depth={depth + 1} bare={bare} />)}
          {Array.isArray(value) && keys.length <= count && lengthOf(value) > keys.length && <li className="ed-tree-rest">{(lengthOf(value) - keys.length).toLocaleString("en")} more in the run</li>}
          {keys.length > count && <li><button type="button" className="ed-json-more" onMouseDown={hold} onClick={() => setCount(count + PAGE)}>{keys.length - count} more</button></li>}
        </ul>
      )}
    </li>
  );
}

/** Where the values are from that an entry shows; "" where there are none. */
const origin = (data, trial, bare) => (data?.execution_id ? "of the last run" : trial !== null ? "of the test input" : bare ? "" : "of what is pinned");

/** The heading of the tree that is docked under a form: folded, it says what is in there. */
function Fold({ fold: { open, put }, from, names, children }) {
  const about = open ? from && `${from}; press one, or drag it into a field` : names.join(", ");
  return (
    <h3>
      <button type="button" className="ed-tree-head" aria-expanded={open} onMouseDown={hold} onClick={() => put(!open)} title={open ? "Fold the data" : "Open the data that fields can use"} data-testid="data-fold">
        <ChevronRight size={13} aria-hidden="true" /> Data <span className="ed-muted">{about}</span>
      </button>
      {children}
    </h3>
  );
}

/** `fold`: it is docked, and folds to its heading (fold.jsx). */
export function DataTree({ nodeKey, fold = null }) {
  const graph = useStore((state) => state.graph);
  const data = useStore((state) => state.data);
  const trial = useStore(trialOf, (a, b) => JSON.stringify(a) === JSON.stringify(b));
  const [query, setQuery] = useState(null);
  const scope = scopeOf(data, graph, nodeKey, trial);
  const bare = isBare(data, graph, nodeKey, trial);
  const from = origin(data, trial, bare);
  const names = SHOWN.filter((name) => scope[name] !== undefined && !(["nodes", "vars"].includes(name) && !Object.keys(scope[name]).length));
  const open = !fold || fold.open;
  const wanted = open && query?.trim();
  const shown = wanted ? Object.fromEntries(names.map((name) => [name, scope[name]])) : null;
  const find = open && <FindButton what="data" query={query} put={setQuery} />;
  return (
    <section className={fold ? "ed-tree is-docked" : "ed-tree"} aria-label="Data for expressions" data-testid="data-tree">
      {fold ? <Fold fold={fold} from={from} names={names}>{find}</Fold> : <h3><Database size={13} aria-hidden="true" /> Data <span className="ed-muted">{from && `${from}; press one, or drag it into a field`}</span><span className="ed-gap" />{find}</h3>}
      {open && (
        <div className="ed-tree-body">
          <FindBox what="data" query={query} put={setQuery} />
          {wanted && <Matches value={shown} query={query} partial={isCut(shown)} root={[]} />}
          {!wanted && bare && <p className="ed-hint" data-testid="data-none">Run the workflow once, or listen for a test event, to see data here.</p>}
          {/* kept as it was opened */}
          <ul hidden={Boolean(wanted)}>{names.map((name) => <Entry key={name} path={[name]} value={scope[name]} depth={0} bare={!data?.execution_id} />)}</ul>
        </div>
      )}
    </section>
  );
}
