// In the place of a node's form, where no executor offers its type: what that means, what to do, and its settings as they are kept.

import React from "react";
import { CircleAlert } from "lucide-react";
import { CopyButton, JsonView } from "./json_view.jsx";
import { useStore } from "./store.js";

export function Vanished({ node }) {
  const none = useStore((state) => !Object.keys(state.catalogue).length);
  const todo = none ? "No executor has registered yet: start one, then open this page again." : "If it came with a plug-in, install that again where an executor runs, and restart the executor. Else delete this node, or put another in its place.";
  const empty = !Object.keys(node.config ?? {}).length;
  return (
    <>
      <div className="ed-banner is-error" role="note" data-testid="type-missing">
        <CircleAlert size={15} aria-hidden="true" />
        <span>The node type <code>{node.type}</code> is missing: no executor offers it now, so that this node can't run. {todo} Nothing of its settings is lost.</span>
      </div>
      <section className="ed-kept" aria-label="Settings" data-testid="kept-settings">
        <header className="ed-value-bar"><h4>Settings, as they are kept</h4><span className="ed-gap" />{!empty && <CopyButton text={() => JSON.stringify(node.config, null, 2)} label="Copy as JSON" />}</header>
        {empty ? <p className="ed-hint">None.</p> : <JsonView value={node.config} />}
      </section>
    </>
  );
}
