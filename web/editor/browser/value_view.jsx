// One value of a step as a table, as JSON or as its schema; large ones by their beginnings, with the whole as a download.

import React, { useMemo, useState } from "react";
import { Download } from "lucide-react";
import { FindBox, FindButton, Matches } from "./finding.jsx";
import { typeOf } from "./integers.js";
import { CopyButton, JsonView, Pick } from "./json_view.jsx";
import { cellText, tabular } from "./rows.js";
import { shapeOf, typesOf } from "./shape.js";
import { useEditor } from "./store.js";

const VIEWS = [["table", "Table"], ["json", "JSON"], ["schema", "Schema"]];
const ROWS = 100;
const CELL = 160;

export const bytes = (size) => (size < 1000 ? `${size} B` : size < 1e6 ? `${Math.round(size / 1000)} KB` : `${(size / 1e6).toFixed(1)} MB`);
const counted = (count) => count.toLocaleString("en");

/** How values of this part were looked at last, in this browser. */
function useView(part) {
  const name = `trestle.view.${part}`;
  const [view, setView] = useState(() => localStorage.getItem(name) ?? "json");
  const pick = (next) => {
    localStorage.setItem(name, next);
    setView(next);
  };
  return [view, pick];
}

/** Where the cell stands in an expression. */
function pathOf(root, { pointer, columns, scalars, rows }, index, at) {
  if (pointer === null) return [...root, rows[index][0]];
  const list = [...root, ...pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~")), index];
  return scalars ? list : [...list, columns[at]];
}

function TableView({ value, cuts, onMore, root }) {
  const table = useMemo(() => tabular(value), [value]);
  const [count, setCount] = useState(ROWS);
  if (!table) return <JsonView value={value} cuts={cuts} root={root} />;
  const { columns, rows, pointer } = table;
  const total = Math.max(rows.length, pointer === null ? 0 : cuts[pointer] ?? 0);
  const more = () => {
    if (count >= rows.length) onMore(pointer, rows.length);
    setCount(count + ROWS);
  };
  return (
    <div className="ed-table-box">
      {pointer && <p className="ed-hint"><code>{pointer.slice(1)}</code> · {counted(total)} rows</p>}
      <table className="ed-table">
        <thead><tr>{pointer !== null && <th scope="col" className="ed-table-number">#</th>}{columns.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {rows.slice(0, count).map((row, index) => (
            <tr key={index}>
              {pointer !== null && <td className="ed-table-number">{index}</td>}
              {row.map((cell, at) => <td key={at} title={root ? undefined : cellText(cell).slice(0, 1000)} data-kind={typeOf(cell)}>{root ? <Pick path={pathOf(root, table, index, at)}>{cellText(cell).slice(0, CELL) || "\u00a0"}</Pick> : cellText(cell).slice(0, CELL)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
      {!rows.length && <p className="ed-hint">No rows.</p>}
      {total > Math.min(count, rows.length) && <button className="ed-json-more" onClick={more} data-testid="table-more">{counted(total - Math.min(count, rows.length))} more rows</button>}
    </div>
  );
}

function Shape({ name, shape, of, path }) {
  const fields = Object.entries(shape.fields ?? {});
  const text = <span className="ed-json-name">{name}</span>;
  const to = (step) => path && [...path, step];
  return (
    <li>
      <div className="ed-shape-line">
        {name !== null && (path ? <Pick path={path}>{text}</Pick> : text)}
        <span className="ed-shape-types">{typesOf(shape)}</span>
        {of !== undefined && shape.seen < of && <span className="ed-muted">in {counted(shape.seen)} of {counted(of)}</span>}
        {shape.items && <span className="ed-muted">{counted(shape.items.seen)} item{shape.items.seen === 1 ? "" : "s"}</span>}
      </div>
      {(fields.length > 0 || shape.items?.seen > 0) && (
        <ul>
          {fields.map(([field, inner]) => <Shape key={field} name={field} shape={inner} of={shape.types.object} path={to(field)} />)}
          {shape.items?.seen > 0 && <Shape name="each item" shape={shape.items} path={to(0)} />}
        </ul>
      )}
    </li>
  );
}

function SchemaView({ value, partial, root }) {
  const shape = useMemo(() => shapeOf(value), [value]);
  return (
    <div className="ed-shape" data-testid="schema-view">
      {partial && <p className="ed-hint">Of the part that is shown, not of the whole value.</p>}
      <ul><Shape name={null} shape={shape} path={root} /></ul>
    </div>
  );
}

/** What of a value is stored apart, to be downloaded. */
function Files({ files, executionId }) {
  return (
    <ul className="ed-files">
      {files.map((file) => (
        <li key={file.pointer}>
          {file.media_type.startsWith("image/") && <img className="ed-picture" src={`/values/${executionId}/${file.id}`} alt="" loading="lazy" />}
          <a href={`/values/${executionId}/${file.id}`} download data-testid="step-file"><Download size={13} aria-hidden="true" /> {file.pointer ? file.pointer.slice(1).replaceAll("/", ".") : "The whole value"}</a>
          <span className="ed-muted">{file.media_type} · {bytes(file.size)}</span>
        </li>
      ))}
    </ul>
  );
}

/** `found` is `web.editor.values.values_of` (`execution_id` null: it was not recorded), `part` input or output; `children`: what else can be
 * done with it; `root`: where it stands in expressions, if a press is to write those. */
export function ValueView({ found, part, root = null, children }) {
  const store = useEditor();
  const [view, pick] = useView(part);
  const [query, setQuery] = useState(null);
  const { value, bytes: size, cuts, files } = found[part];
  const apart = files.some((file) => file.pointer === "");
  const all = apart && value === null;
  const partial = Object.keys(cuts).length > 0;
  const onMore = (pointer, start) => store.emit.page({ execution_id: found.execution_id, step: found.step, part, pointer, start });
  const whole = `/values/${found.execution_id}/steps/${found.step}/${part}`;
  return (
    <div data-testid={`step-${part}`}>
      {!all && (
        <div className="ed-value-bar">
          <div className="ed-segments" role="tablist" aria-label={`Show the ${part} as`}>
            {VIEWS.map(([name, label]) => <button key={name} role="tab" aria-selected={view === name} onClick={() => pick(name)} data-testid={`${part}-as-${name}`}>{label}</button>)}
          </div>
          <span className="ed-muted">{partial ? `beginnings of ${bytes(size)}` : size > 1000 ? bytes(size) : ""}</span>
          <span className="ed-gap" />
          {value !== null && typeof value === "object" && <FindButton what={part} query={query} put={setQuery} />}
          {children}
          {!partial && <CopyButton text={() => JSON.stringify(value, null, 2)} label="Copy as JSON" />}
          {!apart && found.execution_id && <a className="ed-plain-icon" href={whole} download aria-label={`Download the ${part}`} title="Download as JSON" data-testid={`${part}-download`}><Download size={14} /></a>}
        </div>
      )}
      <FindBox what={part} query={query} put={setQuery} />
      {query?.trim() && <Matches value={value} query={query} partial={partial} root={root} />}
      {!all && !query?.trim() && view === "table" && <TableView value={value} cuts={cuts} onMore={onMore} root={root} />}
      {!all && !query?.trim() && view === "json" && <JsonView value={value} cuts={cuts} onMore={onMore} root={root} files={files} executionId={found.execution_id} />}
      {!all && !query?.trim() && view === "schema" && <SchemaView value={value} partial={partial} root={root} />}
      {files.length > 0 && <Files files={files} executionId={found.execution_id} />}
    </div>
  );
}
