// The panel over the whole canvas: what goes into the node at the left, its settings in the middle, what comes out at the right.

import React, { useMemo, useState } from "react";
import { Maximize2, Minimize2 } from "lucide-react";
import { DataTree } from "./data_tree.jsx";
import { Part } from "./results.jsx";
import { scopeOf } from "./scope.js";
import { useEditor, useStore } from "./store.js";
import { trialOf } from "./trial.js";
import { ValueView } from "./value_view.jsx";

export function WidenButton() {
  const store = useEditor();
  const wide = useStore((state) => state.wide);
  const text = wide ? "Beside the canvas (Esc)" : "Input, settings and output side by side (double click on the card)";
  return (
    <button className="ed-plain-icon ed-widen" onClick={() => store.set({ wide: !wide })} aria-expanded={Boolean(wide)} aria-label="Side by side" title={text} data-testid="panel-wide">
      {wide ? <Minimize2 size={15} /> : <Maximize2 size={15} />}
    </button>
  );
}

/** What would reach the node now: of what the nodes before it put out last, or is pinned there. */
function Expected({ nodeKey }) {
  const data = useStore((state) => state.data);
  const graph = useStore((state) => state.graph);
  const store = useEditor();
  const found = useMemo(() => {
    const value = scopeOf(data, graph, nodeKey, trialOf(store.state)).input;
    return value === null ? null : { execution_id: null, step: null, input: { value, bytes: JSON.stringify(value).length, cuts: {}, files: [] } };
  }, [data, graph, nodeKey, store]);
  if (!found) return <p className="ed-hint" data-testid="step-input">Nothing is known yet. Run the draft up to here, or pin an output of the node before.</p>;
  return <ValueView found={found} part="input" root={["input"]} />;
}

/** The left column. `look` is `results.jsx` useLook. */
export function InputSide({ nodeKey, look }) {
  const store = useEditor();
  const started = useStore((state) => state.catalogue[state.graph.nodes.find((node) => node.key === nodeKey)?.type]?.inputs.length === 0);
  const { step, found, status } = look;
  const [all, setAll] = useState(false);
  const ran = step && status && step.status !== "skipped";
  if (started) return <section className="ed-wide-input" aria-label="Input"><header className="ed-results-head"><h4>Input</h4></header><p className="ed-hint ed-pad">It begins the workflow: nothing comes before it.</p></section>;
  return (
    <section className="ed-wide-input" aria-label="Input">
      <header className="ed-results-head">
        <div className="ed-tabs is-small is-left" role="tablist">
          <button role="tab" aria-selected={!all} onClick={() => setAll(false)}>{step?.item != null ? `Item ${step.item}` : "Input"}</button>
          {!store.readOnly && <button role="tab" aria-selected={all} onClick={() => setAll(true)} data-testid="all-data">All data</button>}
        </div>
      </header>
      <div className="ed-results-body">
        {all && !store.readOnly ? <DataTree nodeKey={nodeKey} /> : ran ? <Part name="input" nodeKey={nodeKey} step={step} found={found} /> : !store.readOnly && <Expected nodeKey={nodeKey} />}
      </div>
    </section>
  );
}
