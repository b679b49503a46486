// What else is known of a step: the executions that it has started, the settings that it ran with.

import React from "react";
import { ExternalLink, Eye, Pencil } from "lucide-react";
import { nodeOf } from "./graph.js";
import { JsonView } from "./json_view.jsx";
import { useStore } from "./store.js";

const SHOWN = 5;

/** The executions of other workflows that a step has started, the newest first. */
export function Calls({ ids }) {
  const newest = [...ids].reverse().slice(0, SHOWN);
  return (
    <p className="ed-calls" data-testid="step-calls">
      {newest.map((id, index) => (
        <a key={id} className="ed-add" href={`/executions/${id}`}><ExternalLink size={13} aria-hidden="true" /> {index ? "An earlier one" : "Open the execution it started"}</a>
      ))}
      {ids.length > SHOWN && <span className="ed-muted">{ids.length - SHOWN === 1 ? "and one more before" : `and ${ids.length - SHOWN} more before`}</span>}
    </p>
  );
}


const POLICIES = ["retry", "timeout_s", "on_error", "for_each", "join", "disabled"];
const set = (value) => value !== null && value !== undefined && value !== false && value !== "any";

/** How a node is set, for who only looks. Of a past execution: how it was set then, and the way to it in the draft. */
export function RanWith({ nodeKey }) {
  const node = useStore((state) => nodeOf(state.graph, nodeKey));
  const workflow = useStore((state) => state.doc?.execution?.workflow_id);
  const past = useStore((state) => state.doc?.mode !== "edit");
  const mayEdit = useStore((state) => state.doc?.may_edit);
  if (!node) return null;
  const policies = Object.fromEntries(POLICIES.filter((name) => set(node[name])).map((name) => [name, node[name]]));
  const settings = { ...node.config, ...policies };
  return (
    <section aria-label="Settings">
      <h4>{past ? "Settings it ran with" : "Settings"}{workflow && <a className="ed-add" href={`/workflows/${workflow}?node=${nodeKey}`} data-testid="edit-node">{mayEdit ? <Pencil size={12} aria-hidden="true" /> : <Eye size={12} aria-hidden="true" />} {mayEdit ? "Edit in the draft" : "Show in the draft"}</a>}</h4>
      <div data-testid="ran-with">{Object.keys(settings).length ? <JsonView value={settings} /> : <p className="ed-hint">None: all as the node comes.</p>}</div>
    </section>
  );
}
