// Looking for something in a value: the button that opens the box, the box, and what holds the text, each with its place in the value.

import React, { useMemo } from "react";
import { Search, X } from "lucide-react";
import { CopyButton, Pick } from "./json_view.jsx";
import { written } from "./paths.js";
import { matching } from "./searching.js";

const CELL = 160;

/** `query` null: nothing is looked for. `what` is searched: input, output, data. */
export function FindButton({ what, query, put }) {
  return <button type="button" className="ed-plain-icon" aria-expanded={query !== null} onClick={() => put(query === null ? "" : null)} aria-label={`Search the ${what}`} title="Search names and values" data-testid={`${what}-search`}>{query === null ? <Search size={14} /> : <X size={14} />}</button>;
}

export function FindBox({ what, query, put }) {
  if (query === null) return null;
  return <input className="ed-input ed-find" value={query} onChange={(event) => put(event.target.value)} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), put(null))} placeholder="Name or value" aria-label={`Search the ${what} for`} autoFocus data-testid={`${what}-find`} />;
}

/** What of the value holds the text. `partial`: there is more of it elsewhere. `root`: where it stands in expressions, if a press is to write those. */
export function Matches({ value, query, partial, root }) {
  const { matches, more } = useMemo(() => matching(value, query), [value, query]);
  const text = (found) => (found !== null && typeof found === "object" ? JSON.stringify(found) : String(found)).slice(0, CELL);
  return (
    <div className="ed-matches" data-testid="matches">
      {partial && <p className="ed-hint">In the part that is shown, not in the whole value.</p>}
      {!matches.length && <p className="ed-hint">Nothing here holds “{query.trim()}”.</p>}
      <ul>
        {matches.map(({ path, value: found }) => {
          const place = path.length ? written(path).replace(/^\["(.*?)"\]/, "$1") : "the value";
          const line = <><span className="ed-json-name">{place}</span>{text(found)}</>;
          return <li key={place}>{root ? <Pick path={[...root, ...path]}>{line}</Pick> : line}<span className="ed-json-take"><CopyButton text={() => (typeof found === "string" ? found : JSON.stringify(found, null, 2))} label={`Copy ${place}`} aside /></span></li>;
        })}
      </ul>
      {more && <p className="ed-hint">There are more than these.</p>}
    </div>
  );
}
