// One value of a step as a table, as JSON or as its schema; large ones by their beginnings, with the whole as a download.

import React, { useMemo, useState } from "react";
import { Download } from "lucide-react";
import { CopyButton, JsonView } from "./json_view.jsx";
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

function TableView({ value, cuts, onMore }) {
  const table = useMemo(() => tabular(value), [value]);
  const [count, setCount] = useState(ROWS);
  if (!table) return <JsonView value={value} cuts={cuts} />;
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
              {row.map((cell, at) => <td key={at} title={cellText(cell).slice(0, 1000)} data-kind={typeof cell}>{cellText(cell).slice(0, CELL)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
      {!rows.length && <p className="ed-hint">No rows.</p>}
      {total > Math.min(count, rows.length) && <button className="ed-json-more" onClick={more} data-testid="table-more">{counted(total - Math.min(count, rows.length))} more rows</button>}
    </div>
  );
}

function Shape({ name, shape, of }) {
  const fields = Object.entries(shape.fields ?? {});
  return (
    <li>
      <div className="ed-shape-line">
        {name !== null && <span className="ed-json-name">{name}</span>}
        <span className="ed-shape-types">{typesOf(shape)}</span>
        {of !== undefined && shape.seen < of && <span className="ed-muted">in {counted(shape.seen)} of {counted(of)}</span>}
        {shape.items && <span className="ed-muted">{counted(shape.items.seen)} item{shape.items.seen === 1 ? "" : "s"}</span>}
      </div>
      {(fields.length > 0 || shape.items?.seen > 0) && (
        <ul>
          {fields.map(([field, inner]) => <Shape key={field} name={field} shape={inner} of={shape.types.object} />)}
          {shape.items?.seen > 0 && <Shape name="each item" shape={shape.items} />}
        </ul>
      )}
    </li>
  );
}

function SchemaView({ value, partial }) {
  const shape = useMemo(() => shapeOf(value), [value]);
  return (
    <div className="ed-shape" data-testid="schema-view">
      {partial && <p className="ed-hint">Of the part that is shown, not of the whole value.</p>}
      <ul><Shape name={null} shape={shape} /></ul>
    </div>
  );
}

/** What of a value is stored apart, to be downloaded. */
function Files({ files, executionId }) {
  return (
    <ul className="ed-files">
      {files.map((file) => (
        <li key={file.pointer}>
          <a href={`/values/${executionId}/${file.id}`} download data-testid="step-file"><Download size={13} aria-hidden="true" /> {file.pointer ? file.pointer.slice(1).replaceAll("/", ".") : "The whole value"}</a>
          <span className="ed-muted">{file.media_type} · {bytes(file.size)}</span>
        </li>
      ))}
    </ul>
  );
}

/** `found` is `web.editor.values.values_of`, `part` input or output; `children`: what else can be done with it. */
export function ValueView({ found, part, children }) {
  const store = useEditor();
  const [view, pick] = useView(part);
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
          {children}
          {!partial && <CopyButton text={() => JSON.stringify(value, null, 2)} label="Copy as JSON" />}
          {!apart && <a className="ed-plain-icon" href={whole} download aria-label={`Download the ${part}`} title="Download as JSON" data-testid={`${part}-download`}><Download size={14} /></a>}
        </div>
      )}
      {!all && view === "table" && <TableView value={value} cuts={cuts} onMore={onMore} />}
      {!all && view === "json" && <JsonView value={value} cuts={cuts} onMore={onMore} />}
      {!all && view === "schema" && <SchemaView value={value} partial={partial} />}
      {files.length > 0 && <Files files={files} executionId={found.execution_id} />}
    </div>
  );
}
